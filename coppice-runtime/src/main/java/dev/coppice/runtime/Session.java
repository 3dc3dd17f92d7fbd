package dev.coppice.runtime;

import dev.coppice.graph.ModelInput;
import dev.coppice.kernels.Crew;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Runs a compiled network; used by one thread at a time. Images and time steps are {@code [H, W,
 * C]} (or {@code [N]}) floats, pixels scaled to 0..1: the normalisation that the model was trained
 * with, if its metadata tell one, is applied here.
 *
 * <p>After the first calls, {@link #classify} allocates nothing and the other methods only what
 * they return.
 */
public final class Session implements AutoCloseable {
  /** About a millisecond: helpers stay awake between the layers of an image, and between images. */
  private static final int SPINS = 20_000;

  private final SpikingRuntime network;
  private final Plan plan;
  private final Frame frame;
  private final Crew crew;

  /** The most images of a pass through the plan. */
  private final int most;

  private final float[] mean;
  private final float[] std;
  private final int inputs;
  private final int outputs;
  private final long[] nanoseconds;
  private final long[] spikes;
  private final long[] operations;

  /** Sums of outputs over the time steps of an image. */
  private final double[] sums;

  private MemorySegment @Nullable [] streamStates;
  private final double[] streamSums;
  private long streamSteps;

  Session(SpikingRuntime network) {
    this.network = network;
    this.plan = network.plan();
    SpikingRuntime.Options options = network.options();
    int channels = network.inputShape().channels();
    ModelInput input = network.input();
    this.mean = perChannel(input.mean(), channels, 0);
    this.std = perChannel(input.std(), channels, 1);
    this.inputs = network.inputShape().size();
    this.outputs = network.outputs();
    this.nanoseconds = new long[plan.steps().size()];
    this.spikes = new long[plan.neurons().size()];
    this.operations = new long[plan.synapses().size()];
    this.sums = new double[outputs];
    this.streamSums = new double[outputs];
    this.crew = new Crew("coppice-runtime", options.threads(), SPINS);
    int steps = Math.max(1, network.timeSteps());
    this.most = Math.min(options.batch(), plan.sideBySide(steps));
    this.frame = new Frame(plan, network.kernels(), crew, steps, most);
  }

  private static float[] perChannel(float[] values, int channels, float otherwise) {
    float[] all = new float[channels];
    for (int c = 0; c < channels; c++) {
      all[c] = values.length == 0 ? otherwise : values[values.length == 1 ? 0 : c];
    }
    return all;
  }

  /**
   * Runs an image, the same at all T time steps. A stream is not disturbed.
   *
   * @param image {@code [H, W, C]}
   * @throws IllegalArgumentException if it is not of that size, or a value is not finite
   * @throws IllegalStateException if neither the model nor the options tell T, or the model was
   *     trained with an encoder other than {@code direct}: encode its time steps and {@link #step}
   */
  public Inference run(float[] image) {
    check(image.length);
    frame.counting = true;
    int steps = runImages(image, 0, 1);
    float[] stepLogits = new float[steps * outputs];
    copyLogits(stepLogits, 0, 1);
    int predicted = average(0);
    return new Inference(
        predicted, divided(sums, steps), stepLogits, layers(frame.spikes, frame.operations));
  }

  /**
   * Returns the class of an image as {@link #run(float[])} does, and nothing else.
   *
   * @throws IllegalArgumentException as {@link #run(float[])}
   * @throws IllegalStateException as {@link #run(float[])}
   */
  public int classify(float[] image) {
    check(image.length);
    frame.counting = false;
    runImages(image, 0, 1);
    return average(0);
  }

  /**
   * Runs several images.
   *
   * @param images {@code [B, H, W, C]}
   * @param count B
   * @throws IllegalArgumentException if they are not of that size, or a value is not finite
   * @throws IllegalStateException as {@link #run(float[])}
   */
  public BatchInference run(float[] images, int count) {
    check(images, count);
    Arrays.fill(spikes, 0);
    Arrays.fill(operations, 0);
    int steps = timeSteps();
    int[] predicted = new int[count];
    float[] logits = new float[Math.multiplyExact(count, outputs)];
    float[] stepLogits = new float[Math.multiplyExact(logits.length, steps)];
    frame.counting = true;
    for (int first = 0; first < count; first += most) {
      int size = Math.min(most, count - first);
      runImages(images, first, size);
      copyLogits(stepLogits, first, count);
      for (int b = 0; b < size; b++) {
        predicted[first + b] = average(b);
        for (int k = 0; k < outputs; k++) {
          logits[(first + b) * outputs + k] = (float) (sums[k] / steps);
        }
      }
      add(frame.spikes, spikes);
      add(frame.operations, operations);
    }
    return new BatchInference(predicted, logits, stepLogits, layers(spikes, operations));
  }

  /**
   * Returns the classes of several images as {@link #run(float[], int)} does, and nothing else.
   *
   * @throws IllegalArgumentException as {@link #run(float[], int)}
   * @throws IllegalStateException as {@link #run(float[])}
   */
  public int[] classify(float[] images, int count) {
    check(images, count);
    int[] predicted = new int[count];
    frame.counting = false;
    for (int first = 0; first < count; first += most) {
      int size = Math.min(most, count - first);
      runImages(images, first, size);
      for (int b = 0; b < size; b++) {
        predicted[first + b] = average(b);
      }
    }
    return predicted;
  }

  private static void add(long[] more, long[] sums) {
    for (int i = 0; i < sums.length; i++) {
      sums[i] += more[i];
    }
  }

  /**
   * Runs one time step of a stream: neurons go on from the potentials that the last step left.
   *
   * @param step {@code [H, W, C]}, normalised as images are
   * @return the logits of this step, and their mean since the last {@link #reset}
   * @throws IllegalArgumentException if it is not of that size, or a value is not finite
   */
  public Inference step(float[] step) {
    check(step.length);
    frame.counting = true;
    load(step, 0, 1);
    if (streamStates == null) {
      streamStates = new MemorySegment[plan.neurons().size()];
      frame.placement = plan.placements().at(1);
      for (int i = 0; i < streamStates.length; i++) {
        streamStates[i] = plan.neurons().get(i).allocateState(frame);
      }
    }
    frame.states = streamStates;
    try {
      runPlan(1, 1);
    } finally {
      frame.states = null;
    }
    streamSteps++;
    float[] stepLogits = new float[outputs];
    copyLogits(stepLogits, 0, 1);
    for (int k = 0; k < outputs; k++) {
      streamSums[k] += stepLogits[k];
    }
    return new Inference(
        largest(streamSums),
        divided(streamSums, streamSteps),
        stepLogits,
        layers(frame.spikes, frame.operations));
  }

  /** Puts all neurons of the stream to rest: the next step is the first of a sequence. */
  public void reset() {
    MemorySegment[] states = streamStates;
    if (states != null) {
      frame.placement = plan.placements().at(1);
      for (int i = 0; i < states.length; i++) {
        plan.neurons().get(i).rest(frame, states[i]);
      }
    }
    Arrays.fill(streamSums, 0);
    streamSteps = 0;
  }

  /** Returns the steps of the plan, in order, and how long each took in the last run. */
  public List<StepTime> explain() {
    List<StepTime> times = new ArrayList<>();
    for (int i = 0; i < nanoseconds.length; i++) {
      Step step = plan.steps().get(i);
      times.add(new StepTime(step.node(), step.explain(), nanoseconds[i]));
    }
    return times;
  }

  /** Ends the threads of the session; their memory goes with the session itself. */
  @Override
  public void close() {
    crew.close();
  }

  private int timeSteps() {
    String encoder = network.input().encoder();
    if (encoder != null && !encoder.equals("direct")) {
      throw new IllegalStateException(
          "the model was trained with the encoder "
              + encoder
              + ", not direct: encode the time steps of an image and give them to step()");
    }
    int steps = network.timeSteps();
    if (steps == 0) {
      throw new IllegalStateException(
          "the model does not tell its time steps: give them in the options");
    }
    return steps;
  }

  private void check(int length) {
    if (length != inputs) {
      throw new IllegalArgumentException(
          "expected an image of %s, %d values, found %d"
              .formatted(network.inputShape(), inputs, length));
    }
  }

  private void check(float[] images, int count) {
    if (count < 1 || images.length != (long) count * inputs) {
      throw new IllegalArgumentException(
          "expected %d images of %s, %d values, found %d"
              .formatted(count, network.inputShape(), (long) count * inputs, images.length));
    }
  }

  /** Runs images from number {@code first} of an array, and returns T. */
  private int runImages(float[] images, int first, int count) {
    int steps = timeSteps();
    load(images, first, count);
    runPlan(steps, count);
    return steps;
  }

  private void load(float[] images, int first, int count) {
    MemorySegment target = frame.floats[plan.input().buffer()];
    int from = first * inputs;
    int channel = 0;
    for (int i = 0; i < count * inputs; i++) {
      float value = (images[from + i] - mean[channel]) / std[channel];
      if (!Float.isFinite(value)) {
        throw new IllegalArgumentException(
            "value " + (from + i) + " of the input is not finite but " + images[from + i]);
      }
      Frame.store(target, i, value);
      channel = channel + 1 == mean.length ? 0 : channel + 1;
    }
  }

  private void runPlan(int steps, int images) {
    frame.steps = steps;
    frame.images = images;
    if (frame.placement.steps() != steps) {
      frame.placement = plan.placements().at(steps);
    }
    long before = System.nanoTime();
    List<Step> planned = plan.steps();
    for (int i = 0; i < nanoseconds.length; i++) {
      planned.get(i).run(frame);
      long after = System.nanoTime();
      nanoseconds[i] = after - before;
      before = after;
    }
  }

  /** Returns where the outputs of an image at a time step begin. */
  private long logitsAt(int step, int image) {
    return (long) (plan.output().constant() ? image : step * frame.images + image) * outputs;
  }

  /**
   * Copies the outputs of the frame's images into {@code [T, all, K]}, the first of them at {@code
   * first}.
   */
  private void copyLogits(float[] target, int first, int all) {
    MemorySegment source = frame.floats[plan.output().buffer()];
    for (int t = 0; t < frame.steps; t++) {
      for (int b = 0; b < frame.images; b++) {
        long at = logitsAt(t, b);
        for (int k = 0; k < outputs; k++) {
          target[(t * all + first + b) * outputs + k] = Frame.load(source, at + k);
        }
      }
    }
  }

  /** Sums the outputs of an image over the time steps, and returns its class. */
  private int average(int image) {
    MemorySegment source = frame.floats[plan.output().buffer()];
    Arrays.fill(sums, 0);
    for (int t = 0; t < frame.steps; t++) {
      long at = logitsAt(t, image);
      for (int k = 0; k < outputs; k++) {
        sums[k] += Frame.load(source, at + k);
      }
    }
    return largest(sums);
  }

  private static int largest(double[] values) {
    int best = 0;
    for (int k = 1; k < values.length; k++) {
      if (values[k] > values[best]) {
        best = k;
      }
    }
    return best;
  }

  private static float[] divided(double[] sums, long count) {
    float[] means = new float[sums.length];
    for (int k = 0; k < means.length; k++) {
      means[k] = (float) (sums[k] / count);
    }
    return means;
  }

  private List<LayerActivity> layers(long[] spikesOf, long[] operationsOf) {
    Map<String, LayerActivity> byNode = new HashMap<>();
    for (NeuronLayer neurons : plan.neurons()) {
      long count = spikesOf[neurons.index()];
      byNode.put(neurons.node(), new LayerActivity(neurons.node(), count, 0));
    }
    for (int i = 0; i < operationsOf.length; i++) {
      String node = plan.synapses().get(i);
      byNode.put(node, new LayerActivity(node, 0, operationsOf[i]));
    }
    List<LayerActivity> layers = new ArrayList<>();
    plan.layers().forEach(node -> layers.add(byNode.get(node)));
    return layers;
  }
}
