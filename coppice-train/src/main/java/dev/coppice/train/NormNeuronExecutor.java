package dev.coppice.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.coppice.graph.Op;
import dev.coppice.kernels.ChannelSums;
import dev.coppice.kernels.Crew;
import dev.coppice.kernels.Kernels;
import dev.coppice.kernels.NeuronConstants;
import dev.coppice.kernels.Probe;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.List;

/**
 * A batch norm and the neuron layer that alone reads it, by the fused kernels: the normalised
 * current and the membrane potential are never stored. The same as {@link BatchNormalization}
 * followed by {@link NeuronExecutor}.
 */
final class NormNeuronExecutor implements Executor {
  private final ChannelNorm norm;
  private final String name;
  private final NeuronConstants constants;
  private final boolean inputGradient;
  private final Kernels kernels;
  private final Crew crew;
  private final PlaneNormNeurons planes;
  private final ArrayStore arrays;

  NormNeuronExecutor(
      String norm,
      Op.BatchNorm settings,
      String name,
      Op.Neuron neuron,
      Parameters parameters,
      boolean inputGradient,
      Kernels kernels,
      PlaneStore store) {
    this.norm = new ChannelNorm(norm, settings, parameters);
    this.name = name;
    this.constants = NeuronMapping.constants(neuron);
    this.inputGradient = inputGradient;
    this.kernels = kernels;
    this.crew = store.crew();
    this.arrays = store.arrays();
    this.planes = new PlaneNormNeurons(name, this.norm, constants, inputGradient, kernels, store);
  }

  @Override
  public Result forward(List<Activation> inputs, Pass pass) {
    Activation input = inputs.getFirst();
    if (input.maps().inPlanes() && !measured(pass)) {
      return planes.forward(input, pass);
    }
    Shape shape = input.peek().getShape();
    boolean constant = input.constant();
    int channels = norm.channels();
    long inputRows = shape.size() / channels;
    long rows = constant ? inputRows : inputRows / pass.steps();
    MemorySegment x = Memory.of(input.peek());
    ChannelNorm.Affine affine =
        pass.training() ? batchAffine(x, inputRows, constant, pass) : norm.running();

    Shape output = constant ? new Shape(shape.get(0) * pass.steps()).addAll(shape.slice(1)) : shape;
    NDArray spikes = arrays.take(pass, output);
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
    crew.run(
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
    Activation activation = new Activation(Maps.of(spikes, arrays), false);
    if (!pass.training()) {
      return new Result(activation, null);
    }
    // The backward pass reads the input again.
    Maps kept = input.maps().keep();
    return new Result(
        activation,
        gradient -> {
          NDArray result = backward(gradient, x, shape, constant, rows, affine, pass);
          kept.close();
          return Collections.singletonList(inputGradient ? result : null);
        });
  }

  /** Whether the pass measures what only the kernels for maps do. */
  private boolean measured(Pass pass) {
    return pass.readsPotential(name) || pass.probes().criticality().containsKey(name);
  }

  private NDArray backward(
      NDArray gradient,
      MemorySegment x,
      Shape shape,
      boolean constant,
      long rows,
      ChannelNorm.Affine affine,
      Pass pass) {
    int channels = norm.channels();
    NDArray result = constant ? arrays.take(pass, shape) : gradient;
    MemorySegment incoming = Memory.of(gradient);
    MemorySegment outgoing = constant ? Memory.of(result) : incoming;
    ChannelSums sums = new ChannelSums(rows, channels);
    crew.run(
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
      arrays.giveBack(gradient);
    }
    long count = shape.size() / channels;
    ChannelNorm.Slopes slopes = norm.slopes();
    ChannelNorm.slopes(slopes, affine, sums.first(), sums.second(), count, 0, channels);
    norm.publish(slopes, pass);
    if (inputGradient) {
      crew.run(
          count,
          1,
          (from, to) ->
              kernels.affineCombine(
                  outgoing, x, slopes.a(), slopes.b(), slopes.c(), outgoing, count, from, to));
    }
    return result;
  }

  /** Normalises by the statistics of the batch and moves the running ones towards them. */
  private ChannelNorm.Affine batchAffine(MemorySegment x, long rows, boolean constant, Pass pass) {
    ChannelSums sums = new ChannelSums(rows, norm.channels());
    crew.run(rows, sums.chunkRows(), (from, to) -> kernels.channelMoments(x, sums, from, to));
    ChannelSums.Moments moments = sums.moments();
    ChannelNorm.Affine affine = norm.affine();
    norm.batch(
        affine,
        moments.mean(),
        moments.variance(),
        (double) rows * (constant ? pass.steps() : 1),
        0,
        norm.channels());
    return affine;
  }
}
