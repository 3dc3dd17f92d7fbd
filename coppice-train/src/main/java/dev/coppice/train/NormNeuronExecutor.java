package dev.coppice.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.coppice.graph.Op;
import dev.coppice.kernels.ChannelSums;
import dev.coppice.kernels.Kernels;
import dev.coppice.kernels.NeuronConstants;
import dev.coppice.kernels.Probe;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Collections;
import java.util.List;

/**
 * A batch norm and the neuron layer that alone reads it, by the fused kernels: the normalised
 * current and the membrane potential are never stored. The same as {@link BatchNormalization}
 * followed by {@link NeuronExecutor}.
 */
final class NormNeuronExecutor implements Executor {
  private final String norm;
  private final Op.BatchNorm settings;
  private final String name;
  private final NeuronConstants constants;
  private final Parameters parameters;
  private final boolean inputGradient;
  private final Kernels kernels;
  private final Parallel parallel;

  NormNeuronExecutor(
      String norm,
      Op.BatchNorm settings,
      String name,
      Op.Neuron neuron,
      Parameters parameters,
      boolean inputGradient,
      Kernels kernels,
      Parallel parallel) {
    this.norm = norm;
    this.settings = settings;
    this.name = name;
    this.constants = NeuronMapping.constants(neuron);
    this.parameters = parameters;
    this.inputGradient = inputGradient;
    this.kernels = kernels;
    this.parallel = parallel;
  }

  /** What the normalisation does to a channel: {@code y = x·scale + shift}. */
  private record Affine(float[] mean, float[] inverseDeviation, float[] scale, float[] shift) {}

  @Override
  public Result forward(List<Activation> inputs, Pass pass) {
    Activation input = inputs.getFirst();
    Shape shape = input.array().getShape();
    boolean constant = input.constant();
    int channels = settings.channels();
    long inputRows = shape.size() / channels;
    long rows = constant ? inputRows : inputRows / pass.steps();
    MemorySegment x = Memory.of(input.array());
    Affine affine = pass.training() ? batchAffine(x, inputRows, constant, pass) : runningAffine();

    Shape output = constant ? new Shape(shape.get(0) * pass.steps()).addAll(shape.slice(1)) : shape;
    NDArray spikes = pass.manager().create(output, DataType.FLOAT32);
    MemorySegment s = Memory.of(spikes);
    NDArray potential =
        pass.readsPotential(name) ? pass.manager().create(output, DataType.FLOAT32) : null;
    MemorySegment h = potential == null ? null : Memory.of(potential);
    CriticalityProbe criticality = pass.probes().criticality().get(name);
    long sampleRows = rows / pass.batch();
    int inner = Math.toIntExact(sampleRows * channels);
    Probe probe =
        criticality == null
            ? null
            : NeuronMapping.probe(criticality, pass.batch(), inner, channels);
    parallel.run(
        rows,
        probe == null ? 1 : sampleRows,
        (from, to) ->
            kernels.normNeuronForward(
                constants,
                x,
                constant,
                affine.scale(),
                affine.shift(),
                h,
                s,
                pass.steps(),
                rows,
                from,
                to,
                probe));
    if (probe != null) {
      pass.measured().criticality().put(name, NeuronMapping.batchMean(probe.scores(), channels));
    }
    if (potential != null) {
      pass.measurePotential(name, potential);
      potential.close();
    }
    Activation activation = new Activation(spikes, false);
    if (!pass.training()) {
      return new Result(activation, null);
    }
    // The backward pass reads the input again: an alias keeps its memory.
    NDArray kept = input.array().reshape(shape);
    return new Result(
        activation,
        gradient -> {
          NDArray result = backward(gradient, x, shape, constant, rows, affine, pass);
          kept.close();
          return Collections.singletonList(inputGradient ? result : null);
        });
  }

  private NDArray backward(
      NDArray gradient,
      MemorySegment x,
      Shape shape,
      boolean constant,
      long rows,
      Affine affine,
      Pass pass) {
    int channels = settings.channels();
    NDArray result = constant ? pass.manager().create(shape, DataType.FLOAT32) : gradient;
    MemorySegment incoming = Memory.of(gradient);
    MemorySegment outgoing = constant ? Memory.of(result) : incoming;
    ChannelSums sums = new ChannelSums(rows, channels);
    parallel.run(
        rows,
        sums.chunkRows(),
        (from, to) ->
            kernels.normNeuronBackward(
                constants,
                x,
                constant,
                affine.scale(),
                affine.shift(),
                affine.mean(),
                incoming,
                outgoing,
                pass.steps(),
                rows,
                from,
                to,
                sums));
    if (constant) {
      gradient.close();
    }
    double[] first = sums.first();
    double[] second = sums.second();
    long count = shape.size() / channels;
    float[] weightGradient = new float[channels];
    float[] biasGradient = new float[channels];
    float[] a = new float[channels];
    float[] b = new float[channels];
    float[] c = new float[channels];
    for (int k = 0; k < channels; k++) {
      double inverse = affine.inverseDeviation()[k];
      double slope = -affine.scale()[k] * inverse * inverse * second[k] / count;
      weightGradient[k] = (float) (inverse * second[k]);
      biasGradient[k] = (float) first[k];
      a[k] = affine.scale()[k];
      b[k] = (float) slope;
      c[k] = (float) (-affine.scale()[k] * first[k] / count - slope * affine.mean()[k]);
    }
    Shape perChannel = new Shape(channels);
    pass.gradients()
        .put(norm + ".weight", Memory.upload(pass.manager(), weightGradient, perChannel));
    pass.gradients().put(norm + ".bias", Memory.upload(pass.manager(), biasGradient, perChannel));
    if (inputGradient) {
      parallel.run(
          count,
          1,
          (from, to) -> kernels.affineCombine(outgoing, x, a, b, c, outgoing, count, from, to));
    }
    return result;
  }

  /** Normalises by the statistics of the batch and moves the running ones towards them. */
  private Affine batchAffine(MemorySegment x, long rows, boolean constant, Pass pass) {
    ChannelSums sums = new ChannelSums(rows, settings.channels());
    parallel.run(rows, sums.chunkRows(), (from, to) -> kernels.channelMoments(x, sums, from, to));
    ChannelSums.Moments moments = sums.moments();
    // The statistics of T equal copies are those of one, but for Bessel's n/(n−1).
    double count = (double) rows * (constant ? pass.steps() : 1);
    double bessel = count > 1 ? count / (count - 1) : 1;
    double momentum = settings.momentum();
    MemorySegment runningMean = Memory.of(parameters.view(norm + ".running_mean"));
    MemorySegment runningVariance = Memory.of(parameters.view(norm + ".running_var"));
    for (int k = 0; k < settings.channels(); k++) {
      move(runningMean, k, moments.mean()[k], momentum);
      move(runningVariance, k, moments.variance()[k] * bessel, momentum);
    }
    return affine(moments.mean(), moments.variance());
  }

  private static void move(MemorySegment running, int channel, double value, double momentum) {
    float old = running.getAtIndex(ValueLayout.JAVA_FLOAT, channel);
    running.setAtIndex(
        ValueLayout.JAVA_FLOAT, channel, (float) ((1 - momentum) * old + momentum * value));
  }

  private Affine runningAffine() {
    double[] mean = new double[settings.channels()];
    double[] variance = new double[settings.channels()];
    float[] runningMean = values(".running_mean");
    float[] runningVariance = values(".running_var");
    for (int k = 0; k < mean.length; k++) {
      mean[k] = runningMean[k];
      variance[k] = runningVariance[k];
    }
    return affine(mean, variance);
  }

  private Affine affine(double[] mean, double[] variance) {
    int channels = settings.channels();
    float[] weight = values(".weight");
    float[] bias = values(".bias");
    float[] center = new float[channels];
    float[] inverse = new float[channels];
    float[] scale = new float[channels];
    float[] shift = new float[channels];
    for (int k = 0; k < channels; k++) {
      double inverseDeviation = 1 / Math.sqrt(variance[k] + settings.eps());
      center[k] = (float) mean[k];
      inverse[k] = (float) inverseDeviation;
      scale[k] = (float) (weight[k] * inverseDeviation);
      shift[k] = (float) (bias[k] - mean[k] * weight[k] * inverseDeviation);
    }
    return new Affine(center, inverse, scale, shift);
  }

  private float[] values(String tensor) {
    return Memory.of(parameters.view(norm + tensor)).toArray(ValueLayout.JAVA_FLOAT);
  }
}
