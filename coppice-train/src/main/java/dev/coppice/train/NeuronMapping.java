package dev.coppice.train;

import dev.coppice.graph.Op;
import dev.coppice.graph.Reset;
import dev.coppice.graph.Surrogate;
import dev.coppice.kernels.NeuronConstants;
import dev.coppice.kernels.Probe;
import dev.coppice.kernels.SurrogateFunction;

/** How the graph's descriptions of neurons and probes become the kernels' constants. */
public final class NeuronMapping {
  private NeuronMapping() {}

  /** Returns the kernels' form of a neuron. */
  public static NeuronConstants constants(Op.Neuron neuron) {
    float reset = neuron.reset().potential();
    boolean hard = neuron.reset() instanceof Reset.Hard;
    return new NeuronConstants(
        neuron.charge().leak(),
        neuron.charge().gain(),
        neuron.charge().drift(reset),
        neuron.threshold(),
        neuron.strict(),
        hard ? 0 : 1,
        hard ? reset : -neuron.threshold(),
        reset,
        !neuron.detachReset(),
        function(neuron.surrogate()));
  }

  private static SurrogateFunction function(Surrogate surrogate) {
    return switch (surrogate) {
      case Surrogate.ATan(float alpha) -> new SurrogateFunction.ATan(alpha);
      case Surrogate.Sigmoid(float alpha) -> new SurrogateFunction.Sigmoid(alpha);
      case Surrogate.Tanh(float temperature) -> new SurrogateFunction.Tanh(temperature);
      case Surrogate.Triangle(float gamma) -> new SurrogateFunction.Triangle(gamma);
      case Surrogate.Rectangle(float width) -> new SurrogateFunction.Rectangle(width);
    };
  }

  /** Returns the kernels' form of a probe, with scores {@code [B·C]} to be filled. */
  public static Probe probe(CriticalityProbe wanted, int batch, int inner, int channels) {
    return new Probe(
        function(wanted.surrogate()),
        wanted.threshold(),
        wanted.derivative() ? Probe.Response.DERIVATIVE : Probe.Response.FUNCTION,
        switch (wanted.pooling()) {
          case MAX -> Probe.Pooling.MAX;
          case MEAN -> Probe.Pooling.MEAN;
        },
        inner,
        channels,
        new float[batch * channels]);
  }

  /** Returns the mean over the batch of scores {@code [B, C]}. */
  public static float[] batchMean(float[] scores, int channels) {
    double[] sums = new double[channels];
    for (int i = 0; i < scores.length; i++) {
      sums[i % channels] += scores[i];
    }
    float[] means = new float[channels];
    for (int c = 0; c < channels; c++) {
      means[c] = (float) (sums[c] * channels / scores.length);
    }
    return means;
  }
}
