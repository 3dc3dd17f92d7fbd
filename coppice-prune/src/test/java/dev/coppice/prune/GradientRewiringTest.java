package dev.coppice.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.coppice.train.Optimizer;
import java.util.List;
import java.util.SplittableRandom;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class GradientRewiringTest {
  private static final Optimizer SGD = new Optimizer.Sgd(0, false, 0);
  private static final Optimizer ADAM = new Optimizer.Adam(0.9f, 0.999f, 1e-8f, 0);

  private static GradientRewiring rewiring(
      Optimizer optimizer, double alpha, double sparsity, float... weights) {
    GradientRewiring rewiring = new GradientRewiring(optimizer, alpha, sparsity);
    rewiring.begin(weights);
    return rewiring;
  }

  private static List<float[]> state(int size) {
    return List.of(new float[size], new float[size]);
  }

  private static void step(
      GradientRewiring rewiring,
      Optimizer optimizer,
      List<float[]> state,
      double rate,
      long step,
      float... gradient) {
    float[] moved = rewiring.moved();
    optimizer.update(
        moved, rewiring.gradient(gradient), state.subList(0, optimizer.stateSize()), rate, step);
    rewiring.after(moved, rate, step);
  }

  private static float[] strengths(GradientRewiring rewiring) {
    return Hidden.part(rewiring.state(), "strengths");
  }

  /** A connection dies and comes back with its sign. */
  @Test
  void byHand() {
    GradientRewiring rewiring = rewiring(SGD, 0.01, 0.95, -0.02f);
    float[] gradients = {0.3f, -0.6f, -0.1f, 0.5f};
    double[] strengths = {0.049, -0.012, -0.023, 0.026};
    double[] weights = {-0.049, 0, 0, -0.026};
    for (int k = 0; k < 4; k++) {
      step(rewiring, SGD, state(1), 0.1, k + 1, gradients[k]);
      assertThat((double) strengths(rewiring)[0]).isCloseTo(strengths[k], within(1e-7));
      assertThat((double) rewiring.weights()[0]).isCloseTo(weights[k], within(1e-7));
    }
  }

  /** Without bias correction of the rate it would take a hundred steps. */
  @Test
  void withoutAGradientAWeightDiesAndSinksOn() {
    GradientRewiring rewiring = rewiring(ADAM, 1e-3, 0.95, 1e-3f);
    List<float[]> state = state(1);
    int died = 0;
    float before = 0;
    for (int k = 1; k <= 100; k++) {
      step(rewiring, ADAM, state, 1e-2, k, 0f);
      if (rewiring.weights()[0] == 0 && died == 0) {
        died = k;
        before = strengths(rewiring)[0];
      }
    }
    assertThat(died).isEqualTo(73);
    assertThat(strengths(rewiring)[0]).isLessThan(before);
  }

  @Property(tries = 50)
  void signsNeverChangeAndZerosStay(@ForAll long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    float[] start = new float[20];
    for (int i = 1; i < start.length; i++) {
      start[i] = (float) random.nextGaussian() * 0.05f;
    }
    GradientRewiring rewiring = rewiring(ADAM, 0.02, 0.9, start);
    List<float[]> state = state(start.length);
    for (int k = 1; k <= 30; k++) {
      float[] gradient = new float[start.length];
      for (int i = 0; i < gradient.length; i++) {
        gradient[i] = (float) random.nextGaussian();
      }
      step(rewiring, ADAM, state, 0.01, k, gradient);
    }
    float[] weights = rewiring.weights();
    assertThat(weights[0]).isZero();
    for (int i = 0; i < weights.length; i++) {
      assertThat(weights[i] * start[i]).isGreaterThanOrEqualTo(0);
    }
  }

  @Test
  void withoutAPriorAndACrossingItIsTheOptimizer() {
    float[] plain = {0.5f, -0.4f};
    GradientRewiring rewiring = rewiring(ADAM, 0, 0.95, plain.clone());
    List<float[]> state = state(2);
    List<float[]> plainState = state(2);
    for (int k = 1; k <= 20; k++) {
      float[] gradient = {0.1f * k - 1, 0.3f};
      step(rewiring, ADAM, state, 1e-3, k, gradient);
      ADAM.update(plain, gradient, plainState, 1e-3, k);
      assertThat(rewiring.weights()).isEqualTo(plain);
    }
  }

  @Test
  void thePriorHasItsCenterBySparsity() {
    assertThat(GradientRewiring.center(0.1, 0.95)).isCloseTo(-23.026, within(1e-3));
    assertThat(GradientRewiring.center(0.1, 0.5)).isZero();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new GradientRewiring(SGD, 0.1, 0.4))
        .withMessage("Grad R's prior needs a sparsity in [0.5, 1), not 0.4");
    assertThatIllegalArgumentException().isThrownBy(() -> new GradientRewiring(SGD, -1, 0.9));
  }

  /** With p = ½ the center is 0, and a strength below it is pushed up. */
  @Test
  void belowTheCenterThePriorPushesUp() {
    GradientRewiring rewiring = rewiring(SGD, 0.5, 0.5, 0.01f);
    step(rewiring, SGD, state(1), 0.1, 1, 0.6f);
    assertThat((double) strengths(rewiring)[0]).isCloseTo(-0.1, within(1e-6));
    step(rewiring, SGD, state(1), 0.1, 2, 0f);
    assertThat((double) strengths(rewiring)[0]).isCloseTo(-0.05, within(1e-6));
  }

  @Test
  void aSavedStateGoesOnTheSame() {
    GradientRewiring whole = rewiring(ADAM, 0.05, 0.95, 0.01f, -0.02f, 0);
    List<float[]> state = state(3);
    for (int k = 1; k <= 5; k++) {
      step(whole, ADAM, state, 0.01, k, 1, -1, 0.5f);
    }
    GradientRewiring restored = new GradientRewiring(ADAM, 0.05, 0.95);
    restored.restore(whole.state());
    List<float[]> copied = List.of(state.getFirst().clone(), state.getLast().clone());
    step(whole, ADAM, state, 0.01, 6, 0.3f, 0.2f, 1);
    step(restored, ADAM, copied, 0.01, 6, 0.3f, 0.2f, 1);
    assertThat(strengths(restored)).isEqualTo(strengths(whole));
    assertThat(restored.weights()).isEqualTo(whole.weights());
  }
}
