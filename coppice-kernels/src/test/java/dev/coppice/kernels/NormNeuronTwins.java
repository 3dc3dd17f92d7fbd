package dev.coppice.kernels;

import static dev.coppice.kernels.KernelsTwinTest.SCALAR;
import static dev.coppice.kernels.KernelsTwinTest.SIZES;
import static dev.coppice.kernels.KernelsTwinTest.VECTOR;
import static dev.coppice.kernels.KernelsTwinTest.assertEqual;
import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernels.KernelsTwinTest.Size;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The normalising kernels in the twin test. */
final class NormNeuronTwins {
  private NormNeuronTwins() {}

  private static int rows(Size size) {
    return size.samples() * size.positions();
  }

  static void moments() {
    for (Size size : SIZES) {
      float[] x = Floats.random(size.n(), size.n(), 1);
      var scalar = new ChannelSums(rows(size), size.channels());
      var vector = new ChannelSums(rows(size), size.channels());
      SCALAR.channelMoments(Floats.of(x), scalar, 0, rows(size));
      VECTOR.channelMoments(Floats.of(x), vector, 0, rows(size));
      assertSame(vector, scalar);
    }
  }

  private static void assertSame(ChannelSums actual, ChannelSums expected) {
    assertThat(actual.first()).containsExactly(expected.first());
    assertThat(actual.second()).containsExactly(expected.second());
  }

  static void forward() {
    for (Size size : SIZES) {
      for (int steps : KernelsTwinTest.steps(size)) {
        for (NeuronConstants c : Cases.neurons()) {
          if (c.attached() || c.strict()) {
            continue; // Attachment means nothing to the forward pass; the threshold is the same
            // code.
          }
          for (boolean repeated : List.of(false, true)) {
            float[] x = Floats.random(size.n() + steps, repeated ? size.n() : steps * size.n(), 1);
            for (boolean keep : List.of(false, true)) {
              for (Probe probe : KernelsTwinTest.probes(c.surrogate(), size)) {
                assertEqual(
                    forward(VECTOR, c, x, repeated, steps, size, keep, probe),
                    forward(SCALAR, c, x, repeated, steps, size, keep, probe),
                    size,
                    steps,
                    c,
                    repeated,
                    keep,
                    probe);
              }
            }
          }
        }
      }
    }
  }

  private static List<int[]> forward(
      Kernels kernels,
      NeuronConstants c,
      float[] x,
      boolean repeated,
      int steps,
      Size size,
      boolean keep,
      @Nullable Probe probe) {
    var h = keep ? Floats.zeros(steps * size.n()) : null;
    var s = Floats.zeros(steps * size.n());
    if (probe != null) {
      Arrays.fill(probe.scores(), Float.NaN);
    }
    kernels.normNeuronForward(
        c,
        Floats.of(x),
        repeated,
        Floats.random(1, size.channels(), 1),
        Floats.random(2, size.channels(), 0.5),
        h,
        s,
        steps,
        rows(size),
        0,
        rows(size),
        probe);
    return List.of(
        h == null ? new int[0] : Floats.bits(Floats.array(h)),
        Floats.bits(Floats.array(s)),
        probe == null ? new int[0] : Floats.bits(probe.scores()));
  }

  static void packed() {
    for (Size size : SIZES) {
      for (int steps : KernelsTwinTest.steps(size)) {
        for (NeuronConstants c : Cases.neurons()) {
          if (c.attached()) {
            continue; // Means nothing to the forward pass.
          }
          for (boolean repeated : List.of(false, true)) {
            float[] x = Floats.random(size.n() + steps, repeated ? size.n() : steps * size.n(), 1);
            for (boolean stateful : List.of(false, true)) {
              var scalarState = stateful ? Floats.of(Floats.random(7, size.n(), 1)) : null;
              var vectorState = stateful ? Floats.of(Floats.random(7, size.n(), 1)) : null;
              assertThat(packed(VECTOR, c, x, repeated, steps, size, vectorState))
                  .as("%s, %d steps, %s", size, steps, c)
                  .containsExactly(packed(SCALAR, c, x, repeated, steps, size, scalarState));
              if (vectorState != null && scalarState != null) {
                assertThat(Floats.bits(Floats.array(vectorState)))
                    .containsExactly(Floats.bits(Floats.array(scalarState)));
              }
            }
          }
        }
      }
    }
  }

  /** The words hold stale bits before. */
  static long[] packed(
      Kernels kernels,
      NeuronConstants c,
      float[] x,
      boolean repeated,
      int steps,
      Size size,
      @Nullable MemorySegment state) {
    long[] packed = new long[steps * rows(size) * Math.ceilDiv(size.channels(), Long.SIZE)];
    Arrays.fill(packed, -1);
    kernels.packedNeuronForward(
        c,
        Floats.of(x),
        repeated,
        Floats.random(1, size.channels(), 1),
        Floats.random(2, size.channels(), 0.5),
        packed,
        steps,
        rows(size),
        0,
        rows(size),
        state);
    return packed;
  }

  static void backward() {
    for (Size size : SIZES) {
      for (int steps : KernelsTwinTest.steps(size)) {
        for (NeuronConstants c : Cases.neurons()) {
          if (c.strict()) {
            continue; // The threshold is the same code.
          }
          for (boolean repeated : List.of(false, true)) {
            var vectorSums = new ChannelSums(rows(size), size.channels());
            var scalarSums = new ChannelSums(rows(size), size.channels());
            assertEqual(
                List.of(backward(VECTOR, c, repeated, steps, size, vectorSums)),
                List.of(backward(SCALAR, c, repeated, steps, size, scalarSums)),
                size,
                steps,
                c,
                repeated);
            assertSame(vectorSums, scalarSums);
          }
        }
      }
    }
  }

  private static int[] backward(
      Kernels kernels,
      NeuronConstants c,
      boolean repeated,
      int steps,
      Size size,
      ChannelSums sums) {
    int inputs = repeated ? size.n() : steps * size.n();
    var gradY = Floats.zeros(inputs);
    kernels.normNeuronBackward(
        c,
        Floats.of(Floats.random(3, inputs, 1)),
        repeated,
        Floats.random(1, size.channels(), 1),
        Floats.random(2, size.channels(), 0.5),
        Floats.random(4, size.channels(), 0.5),
        Floats.of(Floats.random(5, steps * size.n(), 1)),
        gradY,
        steps,
        rows(size),
        0,
        rows(size),
        sums);
    return Floats.bits(Floats.array(gradY));
  }

  static void combine() {
    for (Size size : SIZES) {
      assertEqual(List.of(combine(VECTOR, size)), List.of(combine(SCALAR, size)), size);
    }
  }

  private static int[] combine(Kernels kernels, Size size) {
    var gradX = Floats.zeros(size.n());
    kernels.affineCombine(
        Floats.of(Floats.random(1, size.n(), 1)),
        Floats.of(Floats.random(2, size.n(), 1)),
        Floats.random(3, size.channels(), 1),
        Floats.random(4, size.channels(), 1),
        Floats.random(5, size.channels(), 1),
        gradX,
        rows(size),
        0,
        rows(size));
    return Floats.bits(Floats.array(gradX));
  }
}
