package dev.coppice.cli;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;

/**
 * Where the launcher script enters. The JVM greets every program that uses the Vector API with a
 * warning that no option turns off. The script therefore starts it with standard error pointing
 * nowhere and passes the real one as another descriptor, whose number is in the system property
 * {@code coppice.stderr}; this puts it back, for native code too, and goes on to {@link Main}.
 */
public final class Launch {
  private static final int STANDARD_ERROR = 2;

  private Launch() {}

  /**
   * Restores standard error and runs the command line.
   *
   * @param args what was typed after {@code coppice}
   * @throws Throwable if the C library cannot be called
   */
  public static void main(String[] args) throws Throwable {
    Integer saved = Integer.getInteger("coppice.stderr");
    if (saved != null) {
      duplicate(saved, STANDARD_ERROR);
    }
    Main.main(args);
  }

  @SuppressWarnings("restricted") // the launcher enables native access
  private static void duplicate(int from, int to) throws Throwable {
    Linker linker = Linker.nativeLinker();
    var dup2 =
        linker.downcallHandle(
            linker.defaultLookup().findOrThrow("dup2"),
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));
    int _ = (int) dup2.invokeExact(from, to);
  }
}
