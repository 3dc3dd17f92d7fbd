package dev.coppice.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;

class OpTest {
  private static final float NAN = Float.NaN;

  @Test
  void refusesAbsurdSettings() {
    Op.Neuron good = Op.Neuron.decay();
    List<ThrowingCallable> absurd =
        List.of(
            () -> new Op.Conv2d(0, 1, 3, 1, 1, 1, false),
            () -> new Op.Conv2d(1, -1, 3, 1, 1, 1, false),
            () -> new Op.Conv2d(1, 1, 0, 1, 1, 1, false),
            () -> new Op.Conv2d(1, 1, 1025, 1, 1, 1, false),
            () -> new Op.Conv2d(1, 1, 3, 0, 1, 1, false),
            () -> new Op.Conv2d(1, 1, 3, 1, -1, 1, false),
            () -> new Op.Conv2d(4, 6, 3, 1, 1, 4, false),
            () -> new Op.Conv2d(4, 4, 3, 1, 1, 0, false),
            () -> new Op.Conv2d(1 << 16, 1 << 16, 1, 1, 0, 1, false),
            () -> new Op.Conv2d(Integer.MAX_VALUE, 1, 1024, 1, 0, 1, false),
            () -> new Op.Linear(0, 1, true),
            () -> new Op.Linear(1, 0, true),
            () -> new Op.Linear(1 << 16, 1 << 16, true),
            () -> new Op.BatchNorm(0, 1e-5f, 0.1f, 1),
            () -> new Op.BatchNorm(1, 0, 0.1f, 1),
            () -> new Op.BatchNorm(1, NAN, 0.1f, 1),
            () -> new Op.BatchNorm(1, 1e-5f, 1.1f, 1),
            () -> new Op.BatchNorm(1, 1e-5f, NAN, 1),
            () -> new Op.BatchNorm(1, 1e-5f, 0.1f, NAN),
            () -> new Op.Neuron(good.charge(), 0, true, good.reset(), true, good.surrogate()),
            () -> new Op.Neuron(good.charge(), NAN, true, good.reset(), true, good.surrogate()),
            () -> new Op.AvgPool(0, 1),
            () -> new Op.AvgPool(1, 0),
            () -> new Op.MaxPool(0, 1),
            () -> new Op.MaxPool(1, 2000),
            () -> new Op.Dropout(1),
            () -> new Op.Dropout(-0.1f),
            () -> new Op.Dropout(NAN),
            () -> new Op.Select(List.of()),
            () -> new Op.Select(List.of(-1, 2)),
            () -> new Op.Select(List.of(0, 2, 2)),
            () -> new Charge.Decay(NAN),
            () -> new Charge.TimeConstant(0.5f, true),
            () -> new Reset.Hard(Float.POSITIVE_INFINITY),
            () -> new Surrogate.ATan(0),
            () -> new Surrogate.Sigmoid(-1),
            () -> new Surrogate.Tanh(NAN),
            () -> new Surrogate.Triangle(Float.POSITIVE_INFINITY),
            () -> new Surrogate.Rectangle(0),
            () -> new Shape.Map(1, 0, 1),
            () -> new Shape.Map(1 << 16, 1 << 16, 1),
            () -> new Shape.Vector(0));
    for (ThrowingCallable construction : absurd) {
      assertThatThrownBy(construction)
          .isInstanceOf(GraphException.class)
          .message()
          .isNotBlank()
          .doesNotContain("\n");
    }
  }

  @Test
  void saysWhatWasExpectedAndFound() {
    assertThatThrownBy(() -> new Op.Dropout(1.5f))
        .hasMessage("a dropout rate must lie in [0, 1), not 1.5");
    assertThatThrownBy(() -> new Op.Select(List.of(1, 3, 2)))
        .hasMessage(
            "the channels of a selection must increase from at least 0, not go from 3 to 2");
    assertThatThrownBy(() -> new Op.Conv2d(1, 1, 3, 0, 1, 1, false))
        .hasMessage("the stride of a convolution must lie in [1, 1024], not 0");
  }

  @Test
  void tensorsFitTheirShape() {
    assertThat(new Tensor(new int[] {2, 0}, new float[0]).size()).isZero();
    assertThatThrownBy(() -> new Tensor(new int[] {-1, -3}, new float[3]))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Tensor(new int[] {1 << 16, 1 << 16}, new float[0]))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new Tensor(new int[] {2}, new float[3]))
        .hasMessage("shape [2] does not fit 3 values");
  }
}
