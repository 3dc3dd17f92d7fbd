package dev.coppice.cli;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;

/** Tells whether somebody is watching. */
final class Terminal {
  private static final int STANDARD_ERROR = 2;

  private Terminal() {}

  /** Returns whether standard error is a terminal; the JDK tells so of standard output only. */
  @SuppressWarnings("restricted") // the launcher enables native access
  static boolean isStandardError() {
    try {
      Linker linker = Linker.nativeLinker();
      var isatty =
          linker.downcallHandle(
              linker.defaultLookup().findOrThrow("isatty"),
              FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
      return (int) isatty.invokeExact(STANDARD_ERROR) == 1;
    } catch (Throwable e) {
      // A system whose C library has no such function gets plain lines.
      return false;
    }
  }
}
