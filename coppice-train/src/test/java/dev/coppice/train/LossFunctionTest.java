package dev.coppice.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.FloatRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class LossFunctionTest {
  private static final LossFunction MEAN_LOGITS = new LossFunction.MeanLogits();
  private static final LossFunction PER_STEP = new LossFunction.PerStep();
  private static final List<LossFunction> ALL =
      List.of(MEAN_LOGITS, PER_STEP, new LossFunction.Tet(0.3f, 0.7f));

  /** One sample that changes its mind: {@code o₁ = (2, 0)}, {@code o₂ = (0, 2)}. */
  private static final float[] UNDECIDED = {2, 0, 0, 2};

  private static LossFunction.Value undecided(LossFunction loss) {
    return loss.evaluate(UNDECIDED, new int[] {0}, 2, 0);
  }

  @Test
  void crossEntropyOfTheMeanByHand() {
    LossFunction.Value value = undecided(MEAN_LOGITS);
    assertThat(value.value()).isCloseTo(0.693147, within(1e-6));
    Close.assertClose("gradient", value.gradient(), new float[] {-.25f, .25f, -.25f, .25f}, 1e-6);
  }

  @Test
  void meanOfTheCrossEntropiesByHand() {
    LossFunction.Value value = undecided(PER_STEP);
    assertThat(value.value()).isCloseTo(1.126928, within(1e-6));
    Close.assertClose(
        "gradient", value.gradient(), new float[] {-.0596f, .0596f, -.4404f, .4404f}, 1e-4);
  }

  @Test
  void temporalEfficientTrainingByHand() {
    assertThat(undecided(new LossFunction.Tet(1e-3f, 1)).value()).isCloseTo(1.126801, within(1e-6));
  }

  @Test
  void smoothingMovesTheTargetTowardsUniform() {
    // Softmax of (ln 3, 0) is (3/4, 1/4); the target is (0.9, 0.1).
    float[] logits = {(float) Math.log(3), 0};
    LossFunction.Value value = MEAN_LOGITS.evaluate(logits, new int[] {0}, 1, 0.2f);
    assertThat(value.value()).isCloseTo(-0.9 * Math.log(0.75) - 0.1 * Math.log(0.25), within(1e-6));
    Close.assertClose("gradient", value.gradient(), new float[] {-0.15f, 0.15f}, 1e-5);
  }

  @Property(tries = 100)
  void gradientsAreFiniteDifferences(
      @ForAll @IntRange(max = 2) int loss,
      @ForAll @IntRange(min = 1, max = 4) int steps,
      @ForAll @IntRange(min = 1, max = 3) int batch,
      @ForAll @IntRange(min = 2, max = 5) int classes,
      @ForAll @FloatRange(max = 0.5f) float smoothing,
      @ForAll long seed) {
    LossFunction function = ALL.get(loss);
    float[] logits = Small.normal(seed, steps * batch * classes, 2);
    int[] labels = new int[batch];
    for (int b = 0; b < batch; b++) {
      labels[b] = Math.floorMod(seed + b, classes);
    }
    float[] gradient = function.evaluate(logits, labels, steps, smoothing).gradient();
    for (int i = 0; i < logits.length; i++) {
      float[] up = logits.clone();
      float[] down = logits.clone();
      up[i] += 0x1p-6f;
      down[i] -= 0x1p-6f;
      double difference =
          function.evaluate(up, labels, steps, smoothing).value()
              - function.evaluate(down, labels, steps, smoothing).value();
      assertThat((double) gradient[i])
          .as("%s, logit %d", function, i)
          .isCloseTo(difference / ((double) up[i] - down[i]), within(3e-5));
    }
  }

  @Property(tries = 100)
  void theLossOfTheMeanIsAtMostTheMeanOfTheLosses(@ForAll long seed) {
    float[] logits = Small.normal(seed, 3 * 2 * 4, 3);
    int[] labels = {1, 3};
    assertThat(MEAN_LOGITS.evaluate(logits, labels, 3, 0).value())
        .isLessThanOrEqualTo(PER_STEP.evaluate(logits, labels, 3, 0).value() + 1e-9);
  }

  @Test
  void aSampleIsRightByItsMeanLogits() {
    // Time-major: sample 0 has (3, 0) then (0, 1); sample 1 has (0, 1) then (2, 0).
    float[] logits = {3, 0, 0, 1, 0, 1, 2, 0};
    for (LossFunction loss : ALL) {
      assertThat(loss.evaluate(logits, new int[] {0, 0}, 2, 0).correct()).isEqualTo(2);
      assertThat(loss.evaluate(logits, new int[] {0, 1}, 2, 0).correct()).isEqualTo(1);
    }
  }

  @Test
  void hugeLogitsDoNotOverflow() {
    LossFunction.Value value = MEAN_LOGITS.evaluate(new float[] {0, 1e30f}, new int[] {0}, 1, 0);
    assertThat(value.value()).isCloseTo(1e30, within(1e24));
    assertThat(value.gradient()).containsExactly(-1, 1);
  }

  @Test
  void aLabelMustBeAClass() {
    for (int label : new int[] {-1, 2}) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> PER_STEP.evaluate(UNDECIDED, new int[] {label}, 2, 0))
          .withMessage("label " + label + " is not one of the network's 2 classes");
    }
  }

  @Test
  void lambdaLiesBetweenZeroAndOne() {
    for (float lambda : new float[] {-0.1f, 1.1f, Float.NaN}) {
      assertThatIllegalArgumentException().isThrownBy(() -> new LossFunction.Tet(lambda, 1));
    }
  }
}
