package dev.coppice.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.kernels.Kernels;
import dev.coppice.kernels.PlaneNumbers;
import dev.coppice.kernels.Planes;
import dev.coppice.kernels.WeightRows;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Operations against a count of every spike and every weight. */
class ReachTest {
  private static final int HEIGHT = 7;
  private static final int WIDTH = 6;
  private static final int LEVELS = 4;
  private static final int STEPS = 3;

  static List<Op.Conv2d> convolutions() {
    return List.of(
        new Op.Conv2d(5, 4, 3, 1, 1, 1, false),
        new Op.Conv2d(5, 4, 3, 2, 1, 1, false),
        new Op.Conv2d(4, 6, 3, 1, 0, 2, false),
        new Op.Conv2d(5, 3, 5, 1, 2, 1, false),
        new Op.Conv2d(5, 3, 1, 3, 0, 1, false),
        new Op.Conv2d(70, 3, 6, 1, 0, 1, false));
  }

  @ParameterizedTest
  @MethodSource("convolutions")
  void everySpikeMeetsItsSurvivingWeights(Op.Conv2d conv) {
    int channels = conv.inChannels();
    int kernel = conv.kernel();
    SplittableRandom random = new SplittableRandom(1);
    float[] weights = new float[conv.outChannels() * kernel * kernel * channels / conv.groups()];
    for (int k = 0; k < weights.length; k++) {
      weights[k] = random.nextDouble() < 0.3 ? 1 : 0;
    }
    int[] spikes = new int[STEPS * HEIGHT * WIDTH * channels];
    for (int k = 0; k < spikes.length; k++) {
      spikes[k] = random.nextDouble() < 0.4 ? random.nextInt(LEVELS + 1) : 0;
    }
    int row = weights.length / conv.outChannels();
    WeightRows rows =
        visitor -> {
          for (int out = 0; out < conv.outChannels(); out++) {
            visitor.row(out, Arrays.copyOfRange(weights, out * row, (out + 1) * row));
          }
        };
    Reach reach = new Reach(HEIGHT, WIDTH, channels, conv, kernel, rows);
    long expected = counted(conv, weights, spikes);
    assertThat(reach.performed(packed(spikes, channels), LEVELS, STEPS)).isEqualTo(expected);
    int[] all = new int[HEIGHT * WIDTH * channels];
    Arrays.fill(all, 1);
    assertThat(reach.all()).isEqualTo(counted(conv, weights, all));
    for (Kernels kernels : List.of(Kernels.best(), Kernels.scalar())) {
      var planes = new Planes(channels, HEIGHT, WIDTH, 1, 1, conv.stride(), STEPS);
      MemorySegment memory = planes.allocate(Arena.ofAuto(), 1);
      for (PlaneNumbers numbers : PlaneNumbers.values()) {
        memory.fill((byte) 0);
        planes.fromSpikes(packed(spikes, channels), LEVELS, numbers, memory, 1);
        var shape = new Shape.Map(HEIGHT, WIDTH, channels);
        var value = new Value.Planar(shape, 0, 0, false, null, LEVELS, numbers);
        long sum = 0;
        for (int channel = 0; channel < channels; channel++) {
          sum += reach.performed(kernels, planes, memory, value, 0, channel);
        }
        assertThat(sum).isEqualTo(expected);
      }
    }
  }

  /** Loops over every sample, output, tap and channel. */
  private static long counted(Op.Conv2d conv, float[] weights, int[] spikes) {
    int kernel = conv.kernel();
    int own = conv.inChannels() / conv.groups();
    int outputs = conv.outChannels() / conv.groups();
    int samples = spikes.length / (HEIGHT * WIDTH * conv.inChannels());
    long sum = 0;
    for (int sample = 0; sample < samples; sample++) {
      for (int top = -conv.padding();
          top + kernel <= HEIGHT + conv.padding();
          top += conv.stride()) {
        for (int left = -conv.padding();
            left + kernel <= WIDTH + conv.padding();
            left += conv.stride()) {
          for (int k = 0; k < weights.length; k++) {
            int out = k / own / (kernel * kernel);
            int y = top + k / own % (kernel * kernel) / kernel;
            int x = left + k / own % kernel;
            if (weights[k] != 0 && y >= 0 && y < HEIGHT && x >= 0 && x < WIDTH) {
              int channel = out / outputs * own + k % own;
              sum += spikes[((sample * HEIGHT + y) * WIDTH + x) * conv.inChannels() + channel];
            }
          }
        }
      }
    }
    return sum;
  }

  /** Returns {@code [samples, H, W, levels, ⌈C/64⌉]}. */
  private static long[] packed(int[] spikes, int channels) {
    int words = Math.ceilDiv(channels, Long.SIZE);
    long[] packed = new long[spikes.length / channels * LEVELS * words];
    for (int k = 0; k < spikes.length; k++) {
      for (int level = 0; level < spikes[k]; level++) {
        packed[(k / channels * LEVELS + level) * words + k % channels / Long.SIZE] |=
            1L << k % channels;
      }
    }
    return packed;
  }
}
