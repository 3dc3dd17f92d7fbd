package dev.coppice.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.kernels.KernelsTwinTest.Size;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Neurons that give packed spikes against those that give floats. */
class PackedNeuronTest {
  private static final Kernels KERNELS = Kernels.best();
  private static final int STEPS = 4;

  @Test
  void theSpikesAreThoseOfTheNormalisedNeuron() {
    for (Size size : List.of(new Size(2, 5, 3), new Size(1, 7, 64), new Size(2, 3, 133))) {
      int rows = size.samples() * size.positions();
      int n = size.n();
      float[] x = Floats.random(3, STEPS * n, 1);
      for (NeuronConstants c : Cases.neurons()) {
        var s = Floats.zeros(STEPS * n);
        KERNELS.normNeuronForward(
            c,
            Floats.of(x),
            false,
            Floats.random(1, size.channels(), 1),
            Floats.random(2, size.channels(), 0.5),
            null,
            s,
            STEPS,
            rows,
            0,
            rows,
            null);
        int all = STEPS * rows;
        long[] expected = new long[all * Math.ceilDiv(size.channels(), Long.SIZE)];
        KERNELS.packSpikes(s, size.channels(), 1, expected, all, 0, all);
        assertThat(NormNeuronTwins.packed(KERNELS, c, x, false, STEPS, size, null))
            .containsExactly(expected);
      }
    }
  }

  @Test
  void aSequenceMayComeInParts() {
    Size size = new Size(2, 3, 70);
    int n = size.n();
    int words = size.samples() * size.positions() * 2;
    float[] x = Floats.random(3, STEPS * n, 1);
    for (NeuronConstants c : Cases.neurons()) {
      long[] whole = NormNeuronTwins.packed(KERNELS, c, x, false, STEPS, size, null);
      float[] rest = new float[n];
      Arrays.fill(rest, c.rest());
      var state = Floats.of(rest);
      for (int t = 0; t < STEPS; t++) {
        float[] step = Arrays.copyOfRange(x, t * n, (t + 1) * n);
        assertThat(NormNeuronTwins.packed(KERNELS, c, step, false, 1, size, state))
            .as("step %d of %s", t, c)
            .containsExactly(Arrays.copyOfRange(whole, t * words, (t + 1) * words));
      }
    }
  }
}
