package dev.coppice.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import dev.coppice.graph.Op;
import dev.coppice.kernels.Crew;
import dev.coppice.kernels.Kernels;
import dev.coppice.kernels.NeuronConstants;
import dev.coppice.kernels.Probe;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.List;

/** A neuron layer by the fused kernels, on the arrays' own memory: one pass over all T each way. */
final class NeuronExecutor implements Executor {
  /** Elements that threads share no cache line of. */
  private static final long GRAIN = 64;

  private final String name;
  private final NeuronConstants constants;
  private final boolean ownsInput;
  private final Kernels kernels;
  private final Crew crew;

  /**
   * Makes an executor.
   *
   * @param ownsInput whether nothing else reads the input, so that the potential may replace it
   */
  NeuronExecutor(String name, Op.Neuron neuron, boolean ownsInput, Kernels kernels, Crew crew) {
    this.name = name;
    this.constants = NeuronMapping.constants(neuron);
    this.ownsInput = ownsInput;
    this.kernels = kernels;
    this.crew = crew;
  }

  @Override
  public Result forward(List<Activation> inputs, Pass pass) {
    Activation input = inputs.getFirst();
    Shape shape = input.peek().getShape();
    Shape output =
        input.constant() ? new Shape(shape.get(0) * pass.steps()).addAll(shape.slice(1)) : shape;
    long size = output.size() / pass.steps();
    NDArray spikes = pass.manager().create(output, DataType.FLOAT32);
    // The backward pass reads the potential, which may lie where the input did.
    Maps potential =
        ownsInput && !input.constant()
            ? input.maps().keep()
            : Maps.of(pass.manager().create(output, DataType.FLOAT32));
    MemorySegment x = Memory.of(input.peek());
    MemorySegment h = Memory.of(potential.peek());
    MemorySegment s = Memory.of(spikes);
    CriticalityProbe wanted = pass.probes().criticality().get(name);
    int channels = Math.toIntExact(shape.get(shape.dimension() - 1));
    int inner = Math.toIntExact(size / pass.batch());
    Probe probe =
        wanted == null ? null : NeuronMapping.probe(wanted, pass.batch(), inner, channels);
    crew.run(
        size,
        probe == null ? GRAIN : inner,
        (from, to) ->
            kernels.neuronForward(
                constants, x, input.constant(), h, s, pass.steps(), size, from, to, null, probe));
    if (probe != null) {
      pass.measured().criticality().put(name, NeuronMapping.batchMean(probe.scores(), channels));
    }
    pass.measurePotential(name, potential.peek());
    Activation activation = new Activation(spikes, false);
    if (!pass.training()) {
      potential.close();
      return new Result(activation, null);
    }
    return new Result(
        activation,
        gradient -> {
          NDArray result =
              input.constant() ? pass.manager().create(shape, DataType.FLOAT32) : gradient;
          MemorySegment incoming = Memory.of(gradient);
          MemorySegment outgoing = input.constant() ? Memory.of(result) : incoming;
          crew.run(
              size,
              GRAIN,
              (from, to) ->
                  kernels.neuronBackward(
                      constants,
                      h,
                      incoming,
                      outgoing,
                      pass.steps(),
                      size,
                      from,
                      to,
                      input.constant()));
          potential.close();
          if (input.constant()) {
            gradient.close();
          }
          return Collections.singletonList(result);
        });
  }
}
