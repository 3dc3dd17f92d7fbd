package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/** The checks that all implementations of the neuron kernels begin with. */
final class NeuronArguments {
  private NeuronArguments() {}

  static void checkForward(
      MemorySegment x,
      boolean repeated,
      MemorySegment h,
      MemorySegment s,
      int steps,
      long n,
      long from,
      long to,
      @Nullable MemorySegment state,
      @Nullable Probe probe) {
    long bytes = checkRange(steps, n, from, to);
    long inputBytes = repeated ? n * Float.BYTES : bytes;
    requireFloats("x", x, inputBytes);
    requireFloats("h", h, bytes);
    requireFloats("s", s, bytes);
    if (repeated || x.address() != h.address()) {
      requireApart("x", x, inputBytes, "h", h, bytes);
    }
    requireApart("x", x, inputBytes, "s", s, bytes);
    requireApart("h", h, bytes, "s", s, bytes);
    if (state != null) {
      long stateBytes = n * Float.BYTES;
      requireFloats("state", state, stateBytes);
      requireApart("state", state, stateBytes, "x", x, inputBytes);
      requireApart("state", state, stateBytes, "h", h, bytes);
      requireApart("state", state, stateBytes, "s", s, bytes);
    }
    if (probe != null) {
      checkProbe(probe, from, to);
    }
  }

  static void checkProbe(Probe probe, long from, long to) {
    if (from % probe.inner() != 0 || to % probe.inner() != 0) {
      throw new IllegalArgumentException(
          "a probe needs whole samples of %d elements, not elements %d to %d"
              .formatted(probe.inner(), from, to));
    }
    if (to / probe.inner() > probe.scores().length / probe.channels()) {
      throw new IllegalArgumentException(
          "a probe of %d samples cannot hold the scores of sample %d"
              .formatted(probe.scores().length / probe.channels(), to / probe.inner() - 1));
    }
  }

  static void checkBackward(
      MemorySegment h,
      MemorySegment gradS,
      MemorySegment gradX,
      int steps,
      long n,
      long from,
      long to,
      boolean repeated) {
    long bytes = checkRange(steps, n, from, to);
    long outputBytes = repeated ? n * Float.BYTES : bytes;
    requireFloats("h", h, bytes);
    requireFloats("gradS", gradS, bytes);
    requireFloats("gradX", gradX, outputBytes);
    if (repeated || gradX.address() != gradS.address()) {
      requireApart("gradX", gradX, outputBytes, "gradS", gradS, bytes);
    }
    if (repeated || gradX.address() != h.address()) {
      requireApart("gradX", gradX, outputBytes, "h", h, bytes);
    }
  }

  /** Returns the bytes of an array {@code [T, n]}. */
  private static long checkRange(int steps, long n, long from, long to) {
    if (steps < 1) {
      throw new IllegalArgumentException("steps must be at least 1, not " + steps);
    }
    if (n < 0 || n > Long.MAX_VALUE / Float.BYTES / steps) {
      throw new IllegalArgumentException(
          "%d steps of %d elements do not fit into memory".formatted(steps, n));
    }
    if (from < 0 || from > to || to > n) {
      throw new IllegalArgumentException(
          "elements %d to %d do not lie in a step of %d".formatted(from, to, n));
    }
    return steps * n * Float.BYTES;
  }

  static void requireFloats(String name, MemorySegment segment, long bytes) {
    if (!segment.isNative()) {
      throw new IllegalArgumentException(name + " must be native memory, not an array on the heap");
    }
    if (segment.byteSize() < bytes) {
      throw new IllegalArgumentException(
          "%s must have at least %d bytes, not %d".formatted(name, bytes, segment.byteSize()));
    }
    if (segment.address() % Float.BYTES != 0) {
      throw new IllegalArgumentException(
          "%s must start at a multiple of 4 bytes, not at address %d"
              .formatted(name, segment.address()));
    }
  }

  static void requireApart(
      String name,
      MemorySegment a,
      long bytes,
      String otherName,
      MemorySegment b,
      long otherBytes) {
    if (a.address() < b.address() + otherBytes && b.address() < a.address() + bytes) {
      throw new IllegalArgumentException(name + " and " + otherName + " overlap");
    }
  }
}
