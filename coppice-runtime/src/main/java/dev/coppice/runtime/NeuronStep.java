package dev.coppice.runtime;

import dev.coppice.graph.Op;
import dev.coppice.graph.Reset;
import dev.coppice.kernels.NeuronConstants;
import dev.coppice.kernels.SurrogateFunction;
import java.lang.foreign.MemorySegment;

/**
 * A layer of neurons. It reads its input current through the batch norm and the biases before it,
 * and gives packed spikes.
 *
 * @param index the number of the neuron layer
 * @param scale factor of a channel of the input
 * @param shift constant term of a channel of the input
 */
record NeuronStep(
    String node,
    int index,
    NeuronConstants constants,
    Value.Analog in,
    Value.Spikes out,
    float[] scale,
    float[] shift)
    implements Step, NeuronLayer {
  /** Elements that are worth a thread of their own. */
  private static final int GRAIN = 1 << 12;

  /** Returns the kernels' form of a neuron; no gradient will be asked of it. */
  static NeuronConstants constants(Op.Neuron neuron) {
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
        false,
        new SurrogateFunction.Rectangle(1));
  }

  private long rows(Frame frame) {
    return (long) frame.images * in.pixels();
  }

  @Override
  public void run(Frame frame) {
    long rows = rows(frame);
    frame.share(this, rows, Math.max(1, GRAIN / scale.length));
    if (frame.counting) {
      count(frame);
    }
  }

  private void count(Frame frame) {
    long[] packed = frame.words[out.buffer()];
    long count = 0;
    int used = frame.samples(false) * out.sampleWords();
    for (int i = 0; i < used; i++) {
      count += Long.bitCount(packed[i]);
    }
    frame.spikes[index] = count;
  }

  @Override
  public void work(Frame frame, long from, long to) {
    frame.kernels.packedNeuronForward(
        constants,
        frame.floats[in.buffer()],
        in.constant(),
        scale,
        shift,
        frame.words[out.buffer()],
        frame.steps,
        rows(frame),
        from,
        to,
        frame.states == null ? null : frame.states[index]);
  }

  @Override
  public MemorySegment allocateState(Frame frame) {
    MemorySegment state = Frame.allocate(in.shape().size());
    rest(frame, state);
    return state;
  }

  @Override
  public void rest(Frame frame, MemorySegment state) {
    for (int i = 0; i < in.shape().size(); i++) {
      Frame.store(state, i, constants.rest());
    }
  }

  @Override
  public String explain() {
    return "neurons" + (in.constant() ? ", input constant in time" : "");
  }
}
