package dev.coppice.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.graph.Charge;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Initialization;
import dev.coppice.graph.Op;
import dev.coppice.graph.Reset;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Surrogate;
import dev.coppice.graph.Weights;
import dev.coppice.kernels.Kernels;
import dev.coppice.train.CriticalityProbe;
import dev.coppice.train.Engine;
import dev.coppice.train.Optimizer;
import dev.coppice.train.Probes;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

/**
 * The criticality of neurons whose potentials are chosen: those without memory have their input.
 */
class CriticalityTest {
  private static final float THRESHOLD = 1;
  private static final float FAR = 1e4f;
  private static final CriticalityProbe PAPER = Regrowth.Criticality.paper(THRESHOLD).probe();
  private static final CriticalityProbe MEAN =
      new CriticalityProbe(PAPER.surrogate(), THRESHOLD, true, CriticalityProbe.Pooling.MEAN);
  private static final Graph GRAPH =
      Graph.builder(new Shape.Map(2, 2, 2))
          .add(
              "neuron",
              new Op.Neuron(
                  new Charge.Decay(0),
                  THRESHOLD,
                  false,
                  new Reset.Hard(0),
                  false,
                  new Surrogate.ATan(2)))
          .add("flatten", new Op.Flatten())
          .add("fc", new Op.Linear(8, 2, true))
          .build();

  /** Returns the scores {@code [2]} of potentials {@code [T, B, 2, 2, 2]}. */
  private static float[] scores(CriticalityProbe probe, float[] potentials, int steps) {
    Weights weights = Weights.initialize(GRAPH, 1, Initialization.UNIFORM_FAN_IN);
    try (Engine engine =
        new Engine(
            GRAPH,
            weights,
            new Optimizer.Sgd(0, false, 0),
            new Engine.Options("cpu", 1, Kernels.best()))) {
      int batch = potentials.length / steps / 8;
      Probes probes = Probes.criticality(Map.of("neuron", probe), Set.of());
      Probes.Measured measured = engine.measure(potentials, batch, steps, probes);
      return Objects.requireNonNull(measured.criticality().get("neuron"));
    }
  }

  private static float[] filled(int count, float value) {
    float[] values = new float[count];
    Arrays.fill(values, value);
    return values;
  }

  private static void assertScores(float[] actual, double first, double second) {
    assertThat(actual).hasSize(2);
    assertThat((double) actual[0]).isCloseTo(first, within(1e-5));
    assertThat((double) actual[1]).isCloseTo(second, within(1e-5));
  }

  @Test
  void atTheThresholdItIsOne() {
    for (CriticalityProbe probe : new CriticalityProbe[] {PAPER, MEAN}) {
      assertScores(scores(probe, filled(3 * 2 * 8, THRESHOLD), 3), 1, 1);
    }
  }

  @Test
  void oneAwayFromTheThresholdItIsTheDerivativeThere() {
    double expected = 1 / (1 + Math.PI * Math.PI);
    for (float potential : new float[] {THRESHOLD - 1, THRESHOLD + 1}) {
      assertScores(scores(PAPER, filled(3 * 2 * 8, potential), 3), expected, expected);
    }
  }

  @Test
  void aMapCountsByItsMostCriticalPositionOrByItsMean() {
    float[] potentials = filled(8, FAR);
    potentials[2 * 2 + 1] = THRESHOLD;
    assertScores(scores(PAPER, potentials, 1), 0, 1);
    assertScores(scores(MEAN, potentials, 1), 0, 0.25);
  }

  /** Wherever it lies. */
  @Property(tries = 100)
  void oneCriticalPositionOfALargeMapCountsByTheMaximumAlone(
      @ForAll @IntRange(max = 16 * 16 - 1) int position, @ForAll @IntRange(max = 2) int channel) {
    float[] potentials = filled(2 * 16 * 16 * 3, FAR);
    potentials[position * 3 + channel] = THRESHOLD;
    potentials[(16 * 16 + position) * 3 + channel] = THRESHOLD;
    for (Kernels kernels : new Kernels[] {Kernels.scalar(), Kernels.best()}) {
      float[] most = NeuronRun.score(PAPER, kernels, potentials, 2, 1, 3);
      float[] mean = NeuronRun.score(MEAN, kernels, potentials, 2, 1, 3);
      for (int c = 0; c < 3; c++) {
        double critical = c == channel ? 1 : 0;
        assertThat((double) most[c]).isCloseTo(critical, within(1e-5));
        assertThat((double) mean[c]).isCloseTo(critical / 256, within(1e-5));
      }
    }
  }

  /** Two positions that are critical at one step each are half as critical as one at both. */
  @Test
  void timeIsAveragedBeforeTheMap() {
    float[] potentials = filled(2 * 8, FAR);
    potentials[0] = THRESHOLD;
    potentials[8 + 2] = THRESHOLD;
    potentials[1] = THRESHOLD;
    potentials[8 + 1] = THRESHOLD;
    assertScores(scores(PAPER, potentials, 2), 0.5, 1);
  }

  /** Other positions of other samples do not compete: the batch is averaged last. */
  @Test
  void theBatchIsAveragedLast() {
    float[] potentials = filled(4 * 8, FAR);
    potentials[0] = THRESHOLD;
    potentials[8 + 4] = THRESHOLD;
    potentials[3 * 8 + 1] = THRESHOLD;
    assertScores(scores(PAPER, potentials, 1), 0.5, 0.25);
  }

  @Test
  void theFunctionOfThePublishedCodeRisesWithThePotential() {
    CriticalityProbe function =
        new CriticalityProbe(new Surrogate.Tanh(3), 0.5f, false, CriticalityProbe.Pooling.MAX);
    for (float h : new float[] {-0.7f, 0.5f, 0.9f, 2}) {
      double expected = (Math.tanh(3 * (h - 0.5)) + Math.tanh(1.5)) / (2 * Math.tanh(1.5));
      assertScores(scores(function, filled(8, h), 1), expected, expected);
    }
  }
}
