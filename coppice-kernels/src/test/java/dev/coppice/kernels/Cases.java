package dev.coppice.kernels;

import dev.coppice.kernels.SurrogateFunction.ATan;
import dev.coppice.kernels.SurrogateFunction.Rectangle;
import dev.coppice.kernels.SurrogateFunction.Sigmoid;
import dev.coppice.kernels.SurrogateFunction.Tanh;
import dev.coppice.kernels.SurrogateFunction.Triangle;
import java.util.ArrayList;
import java.util.List;

/** The neurons that the tests run over. */
final class Cases {
  static final List<SurrogateFunction> SURROGATES =
      List.of(new ATan(2), new Sigmoid(4), new Tanh(3), new Triangle(1), new Rectangle(1));

  static final float THRESHOLD = 0.5f;

  private Cases() {}

  /** Every surrogate with hard and soft reset, attached and detached, strict and not. */
  static List<NeuronConstants> neurons() {
    List<NeuronConstants> neurons = new ArrayList<>();
    for (SurrogateFunction surrogate : SURROGATES) {
      for (boolean hard : List.of(true, false)) {
        for (boolean attached : List.of(true, false)) {
          for (boolean strict : List.of(true, false)) {
            neurons.add(neuron(surrogate, hard, attached, strict));
          }
        }
      }
    }
    return neurons;
  }

  /** Neurons that differ in more than their gradients. */
  static List<NeuronConstants> forwardNeurons() {
    return neurons().stream()
        .filter(neuron -> !neuron.attached() && neuron.surrogate().equals(SURROGATES.getFirst()))
        .toList();
  }

  /** A leaky neuron whose constants are all unlike 0 and 1, where the reset allows it. */
  static NeuronConstants neuron(
      SurrogateFunction surrogate, boolean hard, boolean attached, boolean strict) {
    return new NeuronConstants(
        0.75f,
        0.9f,
        0.03f,
        THRESHOLD,
        strict,
        hard ? 0 : 1,
        hard ? -0.1f : -THRESHOLD,
        -0.2f,
        attached,
        surrogate);
  }
}
