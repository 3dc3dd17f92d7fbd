package dev.coppice.cli;

import com.google.gson.JsonObject;
import dev.coppice.data.DataSet;
import dev.coppice.data.Encoder;
import dev.coppice.data.Images;
import dev.coppice.data.Normalization;
import dev.coppice.graph.Model;
import dev.coppice.graph.ModelInput;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import dev.coppice.runtime.BatchInference;
import dev.coppice.runtime.Inference;
import dev.coppice.runtime.LayerActivity;
import dev.coppice.runtime.Session;
import dev.coppice.runtime.SpikingRuntime;
import dev.coppice.runtime.StepTime;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A compiled model in a session of the runtime, and how images become its input. */
final class ModelRunner implements AutoCloseable {
  /** How long the plan is run before its steps are timed, and how long they are. */
  private static final long MEASURE_NANOSECONDS = 500_000_000;

  private final Model model;
  private final SpikingRuntime network;
  private final Session session;
  private final Encoder encoder;
  private final boolean normalizes;
  private final long seed;

  /**
   * Opens a session.
   *
   * @param seed of encoders that draw spikes by chance
   */
  ModelRunner(Model model, SpikingRuntime network, long seed) {
    this.model = model;
    this.network = network;
    this.seed = seed;
    ModelInput input = ModelInput.of(model.metadata());
    String name = input.encoder();
    this.encoder = name == null ? new Encoder.Direct() : Encoder.of(name);
    this.normalizes = input.mean().length > 0;
    this.session = network.session();
  }

  SpikingRuntime network() {
    return network;
  }

  /** Returns the beginning of a result: what was run, and how. */
  JsonObject describe(Path file) {
    JsonObject json = new JsonObject();
    json.addProperty("model", file.toAbsolutePath().normalize().toString());
    json.addProperty("T", network.timeSteps());
    json.addProperty("threads", network.threads());
    json.addProperty("kernels", network.describeKernels());
    return json;
  }

  /**
   * Runs an image.
   *
   * @param image pixels in 0..1, {@code [H, W, C]}
   * @param number of the image, for the chance of the encoder
   */
  Inference run(float[] image, int number) {
    if (encoder.isStatic()) {
      return session.run(image);
    }
    int steps = network.timeSteps();
    float[] encoded = encoder.encode(image, 1, steps, seed + number);
    Map<String, LayerActivity> layers = new LinkedHashMap<>();
    float[] stepLogits = new float[steps * network.outputs()];
    session.reset();
    for (int t = 0; ; t++) {
      int from = t * image.length;
      Inference step = session.step(Arrays.copyOfRange(encoded, from, from + image.length));
      System.arraycopy(step.stepLogits(), 0, stepLogits, t * network.outputs(), network.outputs());
      step.layers().forEach(layer -> layers.merge(layer.node(), layer, ModelRunner::sum));
      if (t == steps - 1) {
        return new Inference(
            step.predicted(), step.logits(), stepLogits, List.copyOf(layers.values()));
      }
    }
  }

  private static LayerActivity sum(LayerActivity a, LayerActivity b) {
    return new LayerActivity(a.node(), a.spikes() + b.spikes(), a.operations() + b.operations());
  }

  /**
   * How a model does on test images.
   *
   * @param accuracy the share classified rightly, in [0, 1]
   * @param seconds for all images
   * @param spikes of all neurons, per image
   * @param operations synaptic operations performed, per image
   * @param firingRate mean spikes per neuron and time step, by neuron layer
   * @param operationsByLayer per image, of convolutions and linear layers
   */
  record Evaluation(
      int samples,
      double accuracy,
      double seconds,
      double spikes,
      double operations,
      Map<String, Double> firingRate,
      Map<String, Double> operationsByLayer) {

    double imagesPerSecond() {
      return samples / seconds;
    }
  }

  /** Runs the test images of a data set, whose normalisation counts if the model tells none. */
  Evaluation evaluate(DataSet data) {
    Images images = data.test();
    int group = network.batch();
    int correct = 0;
    Map<String, LayerActivity> layers = new LinkedHashMap<>();
    long start = System.nanoTime();
    for (int first = 0; first < images.size(); first += group) {
      int count = Math.min(group, images.size() - first);
      float[] pixels = pixels(data, first, count);
      int[] predicted = new int[count];
      if (encoder.isStatic()) {
        BatchInference answers = session.run(pixels, count);
        System.arraycopy(answers.predicted(), 0, predicted, 0, count);
        answers.layers().forEach(layer -> layers.merge(layer.node(), layer, ModelRunner::sum));
      } else {
        int size = images.shape().size();
        for (int i = 0; i < count; i++) {
          Inference answer = run(Arrays.copyOfRange(pixels, i * size, (i + 1) * size), first + i);
          predicted[i] = answer.predicted();
          answer.layers().forEach(layer -> layers.merge(layer.node(), layer, ModelRunner::sum));
        }
      }
      for (int i = 0; i < count; i++) {
        correct += predicted[i] == images.labels()[first + i] ? 1 : 0;
      }
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    double samples = images.size();
    Map<String, Double> rates = new LinkedHashMap<>();
    Map<String, Double> operations = new LinkedHashMap<>();
    for (Node node : model.graph().nodes()) {
      LayerActivity layer = layers.get(node.name());
      if (layer != null && node.op() instanceof Op.Neuron) {
        double neurons = model.graph().shape(node.name()).size();
        rates.put(node.name(), layer.spikes() / (samples * neurons * network.timeSteps()));
      } else if (layer != null) {
        operations.put(node.name(), layer.operations() / samples);
      }
    }
    return new Evaluation(
        images.size(),
        correct / samples,
        seconds,
        layers.values().stream().mapToLong(LayerActivity::spikes).sum() / samples,
        layers.values().stream().mapToLong(LayerActivity::operations).sum() / samples,
        rates,
        operations);
  }

  /** Returns test images as the session takes them, {@code [B, H, W, C]}. */
  float[] pixels(DataSet data, int first, int count) {
    Images images = data.test();
    int size = images.shape().size();
    int channels = images.shape().channels();
    Normalization normalization =
        normalizes || !encoder.isStatic() ? Normalization.NONE : data.normalization();
    float[] mean = normalization.mean();
    float[] std = normalization.std();
    float[] pixels = new float[Math.multiplyExact(count, size)];
    for (int i = 0; i < pixels.length; i++) {
      int channel = mean.length == 1 ? 0 : i % channels;
      float pixel = (images.pixels()[first * size + i] & 0xff) / images.divisor();
      pixels[i] = (pixel - mean[channel]) / std[channel];
    }
    return pixels;
  }

  /**
   * Returns the steps of the plan and how long each takes, the mean over as many runs as half a
   * second has, after as long a time to warm up.
   *
   * @param images {@code [B, H, W, C]}; with an encoder of time steps, only the first one is run,
   *     and times are those of the last time step
   */
  List<StepTime> explain(float[] images, int count) {
    repeat(images, count, new long[session.explain().size()]);
    long[] nanoseconds = new long[session.explain().size()];
    int runs = repeat(images, count, nanoseconds);
    List<StepTime> steps = new ArrayList<>();
    for (StepTime step : session.explain()) {
      steps.add(new StepTime(step.node(), step.kernel(), nanoseconds[steps.size()] / runs));
    }
    return steps;
  }

  private int repeat(float[] images, int count, long[] nanoseconds) {
    long start = System.nanoTime();
    int runs = 0;
    do {
      if (encoder.isStatic()) {
        session.run(images, count);
      } else {
        run(Arrays.copyOf(images, images.length / count), 0);
      }
      int next = 0;
      for (StepTime step : session.explain()) {
        nanoseconds[next++] += step.nanoseconds();
      }
      runs++;
    } while (System.nanoTime() - start < MEASURE_NANOSECONDS);
    return runs;
  }

  @Override
  public void close() {
    session.close();
  }
}
