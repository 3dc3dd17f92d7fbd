package dev.coppice.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.coppice.graph.Op;
import dev.coppice.graph.Reset;
import dev.coppice.graph.Surrogate;
import java.util.Collections;
import java.util.List;

/**
 * A neuron layer as library operations on arrays {@code [T, B, …]}, one time step after the other:
 * for devices whose memory the kernels cannot reach.
 */
final class TensorNeuronExecutor implements Executor {
  private final String name;
  private final Op.Neuron neuron;

  TensorNeuronExecutor(String name, Op.Neuron neuron) {
    this.name = name;
    this.neuron = neuron;
  }

  @Override
  public Result forward(List<Activation> inputs, Pass pass) {
    Activation input = inputs.getFirst();
    Shape step =
        input.constant()
            ? input.array().getShape()
            : new Shape(pass.batch()).addAll(input.array().getShape().slice(1));
    NDList potentials = new NDList();
    NDList spikes = new NDList();
    float reset = neuron.reset().potential();
    NDArray state = pass.manager().full(step, reset, DataType.FLOAT32);
    for (int t = 0; t < pass.steps(); t++) {
      NDArray current = input.constant() ? input.array() : slice(input.array(), t, pass.batch());
      NDArray h =
          state
              .mul(neuron.charge().leak())
              .add(current.mul(neuron.charge().gain()))
              .add(neuron.charge().drift(reset));
      NDArray s = fires(h);
      state =
          switch (neuron.reset()) {
            case Reset.Hard(float potential) -> NDArrays.where(s.gt(0), s.mul(potential), h);
            case Reset.Soft() -> h.sub(s.mul(neuron.threshold()));
          };
      potentials.add(h);
      spikes.add(s);
    }
    CriticalityProbe probe = pass.probes().criticality().get(name);
    if (probe != null) {
      float[] scores = score(probe, potentials);
      int channels = scores.length / pass.batch();
      pass.measured().criticality().put(name, NeuronMapping.batchMean(scores, channels));
    }
    if (pass.readsPotential(name)) {
      pass.measurePotential(name, NDArrays.concat(potentials));
    }
    Activation output = new Activation(NDArrays.concat(spikes), false);
    return new Result(
        output,
        pass.training()
            ? gradient ->
                Collections.singletonList(
                    backward(gradient, potentials, spikes, input.constant(), pass))
            : null);
  }

  private NDArray fires(NDArray h) {
    NDArray fires = neuron.strict() ? h.gt(neuron.threshold()) : h.gte(neuron.threshold());
    return fires.toType(DataType.FLOAT32, false);
  }

  private NDArray backward(
      NDArray gradient, NDList potentials, NDList spikes, boolean constant, Pass pass) {
    NDList results = new NDList();
    NDArray later = null;
    for (int t = pass.steps() - 1; t >= 0; t--) {
      NDArray h = potentials.get(t);
      NDArray s = spikes.get(t);
      NDArray slope = derivative(neuron.surrogate(), h.sub(neuron.threshold()));
      NDArray delta = slice(gradient, t, pass.batch()).mul(slope);
      if (later != null) {
        delta = delta.add(later.mul(neuron.charge().leak()).mul(throughReset(h, s, slope)));
      }
      later = delta;
      results.add(delta.mul(neuron.charge().gain()));
    }
    Collections.reverse(results);
    if (constant) {
      NDArray sum = results.getFirst();
      for (NDArray result : results.subList(1, results.size())) {
        sum = sum.add(result);
      }
      return sum;
    }
    return NDArrays.concat(results);
  }

  /** The derivative of the potential after reset with respect to that before. */
  private NDArray throughReset(NDArray h, NDArray s, NDArray slope) {
    return switch (neuron.reset()) {
      case Reset.Hard(float potential) -> {
        NDArray direct = s.mul(-1).add(1);
        yield neuron.detachReset() ? direct : direct.add(slope.mul(h.mul(-1).add(potential)));
      }
      case Reset.Soft() -> {
        NDArray direct = s.onesLike();
        yield neuron.detachReset() ? direct : direct.sub(slope.mul(neuron.threshold()));
      }
    };
  }

  private static float[] score(CriticalityProbe probe, NDList potentials) {
    NDArray sum = null;
    for (NDArray h : potentials) {
      NDArray x = h.sub(probe.threshold());
      NDArray f =
          probe.derivative() ? derivative(probe.surrogate(), x) : value(probe.surrogate(), x);
      sum = sum == null ? f : sum.add(f);
    }
    if (sum == null) {
      throw new IllegalStateException("no time steps");
    }
    NDArray mean = sum.div(potentials.size());
    if (mean.getShape().dimension() == 4) {
      NDArray positions = LibraryExecutor.positions(mean);
      int[] axis = {1};
      mean =
          switch (probe.pooling()) {
            case MAX -> positions.max(axis);
            case MEAN -> positions.mean(axis);
          };
    }
    return mean.toFloatArray();
  }

  /** The surrogate's derivative; x is the potential minus the threshold. */
  private static NDArray derivative(Surrogate surrogate, NDArray x) {
    return switch (surrogate) {
      case Surrogate.ATan(float alpha) ->
          x.mul((float) (Math.PI * alpha / 2)).square().add(1).pow(-1).mul(alpha / 2);
      case Surrogate.Sigmoid(float alpha) -> {
        NDArray value = sigmoid(x.mul(alpha));
        yield value.mul(value.mul(-1).add(1)).mul(alpha);
      }
      case Surrogate.Tanh(float temperature) ->
          x.mul(temperature)
              .tanh()
              .square()
              .mul(-1)
              .add(1)
              .mul((float) (temperature / (2 * Math.tanh(temperature / 2))))
              .mul(within(x.abs().lte(0.5f)));
      case Surrogate.Triangle(float gamma) ->
          x.abs().mul(-1).add(gamma).maximum(0).div(gamma * gamma);
      case Surrogate.Rectangle(float width) -> within(x.abs().lt(width / 2)).div(width);
    };
  }

  /** The surrogate itself. */
  private static NDArray value(Surrogate surrogate, NDArray x) {
    return switch (surrogate) {
      case Surrogate.ATan(float alpha) ->
          x.mul((float) (Math.PI * alpha / 2)).atan().div((float) Math.PI).add(0.5f);
      case Surrogate.Sigmoid(float alpha) -> sigmoid(x.mul(alpha));
      case Surrogate.Tanh(float temperature) ->
          x.mul(temperature).tanh().div((float) (2 * Math.tanh(temperature / 2))).add(0.5f);
      case Surrogate.Triangle(float gamma) -> {
        NDArray c = x.clip(-gamma, gamma);
        yield c.div(gamma).sub(c.mul(c.abs()).div(2 * gamma * gamma)).add(0.5f);
      }
      case Surrogate.Rectangle(float width) -> x.div(width).add(0.5f).clip(0, 1);
    };
  }

  private static NDArray sigmoid(NDArray x) {
    return x.mul(0.5f).tanh().add(1).mul(0.5f);
  }

  private static NDArray within(NDArray condition) {
    return condition.toType(DataType.FLOAT32, false);
  }

  private static NDArray slice(NDArray array, int step, int batch) {
    return array.get((long) step * batch + ":" + (long) (step + 1) * batch);
  }
}
