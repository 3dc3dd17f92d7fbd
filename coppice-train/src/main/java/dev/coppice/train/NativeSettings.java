package dev.coppice.train;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Settings of the C library and of OpenMP that suit a process which shares its processors between
 * libtorch and kernels of its own. They must be made before libtorch is loaded, and are left out
 * where there is no such thing to set.
 */
final class NativeSettings {
  /** Of glibc's {@code malloc.h}. */
  private static final int TRIM_THRESHOLD = -1;

  private static final int MMAP_THRESHOLD = -3;

  /** Bytes of an array that is still taken from the heap, and of free heap that is kept. */
  private static final int KEPT = 1 << 30;

  private NativeSettings() {}

  static void make() {
    // Threads that wait for libtorch's next operation would otherwise spin where ours should run.
    setEnvironment("OMP_WAIT_POLICY", "passive");
    // Arrays of the next step take the pages of this one, which the system need not clear again.
    setMalloc(MMAP_THRESHOLD, KEPT);
    setMalloc(TRIM_THRESHOLD, KEPT);
  }

  /** Sets a variable for native code, unless the user has. */
  private static void setEnvironment(String name, String value) {
    var type =
        FunctionDescriptor.of(
            ValueLayout.JAVA_INT, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_INT);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment key = arena.allocateFrom(name);
      MemorySegment text = arena.allocateFrom(value);
      CLibrary.call("setenv", type, key, text, 0);
    }
  }

  private static void setMalloc(int parameter, int value) {
    var type =
        FunctionDescriptor.of(ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT);
    CLibrary.call("mallopt", type, parameter, value);
  }
}
