package dev.coppice.train;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Functions of the C library that Java has none like. */
final class CLibrary {
  private CLibrary() {}

  /**
   * Calls a function and returns its result; null where there is no such function, or no result.
   */
  // Callers touch nothing of the process but what the function is for.
  @SuppressWarnings("restricted")
  static @Nullable Object call(String function, FunctionDescriptor type, Object... arguments) {
    Linker linker = Linker.nativeLinker();
    Optional<MemorySegment> address = linker.defaultLookup().find(function);
    if (address.isEmpty()) {
      return null;
    }
    try {
      return linker.downcallHandle(address.get(), type).invokeWithArguments(arguments);
    } catch (Throwable e) {
      throw new IllegalStateException(function + " could not be called", e);
    }
  }

  /**
   * Returns zeros of which the system, where it can, provides no page before it is written to.
   *
   * @param arena frees them
   */
  @SuppressWarnings("restricted")
  static MemorySegment zeros(Arena arena, long bytes) {
    var type =
        FunctionDescriptor.of(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG);
    if (call("calloc", type, 1L, bytes) instanceof MemorySegment memory && memory.address() != 0) {
      return memory.reinterpret(bytes, arena, CLibrary::free);
    }
    return arena.allocate(bytes);
  }

  private static void free(MemorySegment memory) {
    call("free", FunctionDescriptor.ofVoid(ValueLayout.ADDRESS), memory);
  }
}
