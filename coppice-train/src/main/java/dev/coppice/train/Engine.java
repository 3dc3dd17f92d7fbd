package dev.coppice.train;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Node;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.kernels.Crew;
import dev.coppice.kernels.Kernels;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Runs a network forward and backward over batches and holds its weights while it is trained.
 *
 * <p>Inputs are {@code [T·B, H, W, C]}, time-major, or {@code [B, H, W, C]} for images that are the
 * same at every time step: whatever precedes the first neuron then runs once instead of T times.
 * Logits are {@code [T, B, K]}. An engine is used by one thread at a time; its arrays are freed by
 * {@link #close}.
 */
public final class Engine implements AutoCloseable {
  static {
    NativeSettings.make();
  }

  /** Some tens of microseconds: kernels follow each other, but between them libtorch may run. */
  private static final int SPINS = 2_000;

  private final Graph graph;
  private final List<Plan.Step> plan;
  private final NDManager manager;
  private final Crew crew;
  private final PlaneStore store;
  private final Parameters parameters;
  private final Optimizer optimizer;
  private final List<NDArray> optimizerState = new ArrayList<>();
  private long updates;
  private @Nullable LayerTimes times;

  /**
   * Where and how to run.
   *
   * @param device {@code cpu}, {@code gpu} or {@code gpuN}
   * @param threads CPU threads, of libtorch and of the kernels
   * @param kernels the neuron kernels on a CPU
   * @param convolutions how convolutions run on a CPU
   */
  public record Options(String device, int threads, Kernels kernels, ConvolutionPath convolutions) {
    /**
     * Throws {@link IllegalArgumentException} if the device is not known or threads not positive.
     */
    public Options {
      if (!device.matches("cpu|gpu[0-9]{0,2}")) {
        throw new IllegalArgumentException(
            "unknown device " + device + "; use cpu, gpu or gpu0, gpu1, …");
      }
      if (threads < 1) {
        throw new IllegalArgumentException("threads must be positive, not " + threads);
      }
    }

    /** Options with {@link ConvolutionPath#AUTO}. */
    public Options(String device, int threads, Kernels kernels) {
      this(device, threads, kernels, ConvolutionPath.AUTO);
    }

    /** Returns these with another way for convolutions. */
    public Options with(ConvolutionPath path) {
      return new Options(device, threads, kernels, path);
    }

    /** Returns the CPU with all its processors and the best kernels. */
    public static Options cpu() {
      return new Options("cpu", Runtime.getRuntime().availableProcessors(), Kernels.best());
    }
  }

  /**
   * Makes an engine for a network.
   *
   * @throws dev.coppice.graph.GraphException if the weights do not fit the graph
   */
  public Engine(Graph graph, Weights weights, Optimizer optimizer, Options options) {
    this(
        graph,
        weights,
        optimizer,
        options,
        options.device().equals("cpu") ? NeuronPath.FUSED : NeuronPath.LIBRARY);
  }

  /**
   * Makes an engine.
   *
   * @param path how neurons run; only {@code LIBRARY} off the CPU
   */
  Engine(Graph graph, Weights weights, Optimizer optimizer, Options options, NeuronPath path) {
    this.graph = graph;
    this.optimizer = optimizer;
    manager = NDManager.newBaseManager(device(options.device()), "PyTorch");
    JniUtils.setNumThreads(options.threads());
    JniUtils.setGradMode(false);
    crew = new Crew("coppice-kernel", options.threads(), SPINS);
    parameters = new Parameters(manager, graph, weights);
    for (int i = 0; i < optimizer.stateSize(); i++) {
      optimizerState.add(manager.zeros(new Shape(parameters.count())));
    }
    store = new PlaneStore(crew, options.kernels(), Plan.border(graph));
    plan = Plan.of(graph, parameters, path, options, store);
  }

  private static Device device(String name) {
    return switch (name) {
      case "cpu" -> Device.cpu();
      case "gpu" -> Device.gpu();
      default -> Device.gpu(Integer.parseInt(name.substring("gpu".length())));
    };
  }

  /** Looks at what the nodes read and write in an evaluation pass. */
  interface Observer {
    /** Sees a node's first input and its output before they are freed. */
    void observe(Node node, Activation input, Activation output);
  }

  /**
   * What a training step reports.
   *
   * @param loss the mean over the batch
   * @param correct samples classified rightly
   * @param rate the learning rate
   * @param measured what the probes found
   */
  public record StepResult(double loss, int correct, double rate, Probes.Measured measured) {}

  /** Acts on the gradients of a training step before the optimizer does. */
  interface BeforeUpdate {
    /** Returns whether the optimizer takes its step. */
    boolean act(Gradients gradients);
  }

  /**
   * One optimizer step on a batch: forward, loss, backward, update.
   *
   * @param input see the class description
   * @param labels {@code [B]}
   * @param settings the loss and the like
   * @param rate the learning rate
   * @param seed the randomness of this step
   * @param probes what to measure in this step
   * @throws NonFiniteException if the loss or a gradient is not finite; no weight is updated then,
   *     but the statistics of batch norms are
   */
  public StepResult train(
      float[] input, int[] labels, StepSettings settings, double rate, long seed, Probes probes) {
    return train(input, labels, settings, rate, seed, probes, _ -> true);
  }

  /** The same with somebody who may change the gradients or withhold the update. */
  StepResult train(
      float[] input,
      int[] labels,
      StepSettings settings,
      double rate,
      long seed,
      Probes probes,
      BeforeUpdate method) {
    try (NDManager scope = manager.newSubManager()) {
      Pass pass = Pass.of(scope, settings.timeSteps(), labels.length, true, seed, probes, null);
      List<Executor.@Nullable Backward> tape = new ArrayList<>();
      Activation last = forward(pass, input, tape);
      NDArray logits = overTime(last, pass);
      LossFunction.Value loss =
          settings
              .loss()
              .evaluate(
                  logits.toFloatArray(), labels, settings.timeSteps(), settings.labelSmoothing());
      if (!Double.isFinite(loss.value())) {
        throw nonFinite("loss", input, settings, labels.length, seed);
      }
      NDArray upstream = Memory.upload(scope, loss.gradient(), logits.getShape());
      backward(
          tape,
          last.constant()
              ? upstream.reshape(pass.steps(), pass.batch(), -1).sum(new int[] {0})
              : upstream);
      for (String name : probes.gradients()) {
        NDArray gradient = pass.gradients().get(name);
        if (gradient != null) {
          pass.measured().gradients().put(name, gradient.toFloatArray());
        }
      }
      if (!method.act(new Gradients(pass.gradients(), parameters))) {
        return new StepResult(loss.value(), loss.correct(), rate, pass.measured());
      }
      if (settings.scaleL1() > 0) {
        parameters.penalizeScales(pass.gradients(), settings.scaleL1());
      }
      NDArray gradient = parameters.flatGradient(pass.gradients());
      float norm = gradient.norm().getFloat();
      if (!Float.isFinite(norm)) {
        throw nonFinite("gradient", input, settings, labels.length, seed);
      }
      if (settings.clipNorm() > 0 && norm > settings.clipNorm()) {
        gradient.muli(settings.clipNorm() / norm);
      }
      updates++;
      parameters.update(optimizer, gradient, optimizerState, rate, updates);
      return new StepResult(loss.value(), loss.correct(), rate, pass.measured());
    } finally {
      store.endPass();
    }
  }

  /**
   * What a training step needs besides data.
   *
   * @param timeSteps T
   * @param clipNorm the largest norm of the gradient, or 0
   * @param scaleL1 λ of the penalty {@code λ·Σ|γ|} over the scales γ of all batch norms, whose
   *     subgradient {@code λ·sign γ} joins the gradient before it is clipped (Liu et al., arXiv
   *     1708.06519), or 0; neither the loss reported nor measured gradients include it
   */
  public record StepSettings(
      int timeSteps, LossFunction loss, float labelSmoothing, float clipNorm, float scaleL1) {}

  /**
   * Runs a batch in evaluation mode.
   *
   * @return logits {@code [T, B, K]}
   */
  public float[] logits(float[] input, int batch, int steps) {
    return evaluate(input, batch, steps, null);
  }

  float[] evaluate(float[] input, int batch, int steps, @Nullable Observer observer) {
    try (NDManager scope = manager.newSubManager()) {
      Pass pass = Pass.of(scope, steps, batch, false, 0, Probes.NONE, observer);
      return overTime(forward(pass, input, null), pass).toFloatArray();
    } finally {
      store.endPass();
    }
  }

  /**
   * Measures a batch and its gradients, as a training step with these settings would before its
   * update. Nothing changes but the statistics of batch norms.
   *
   * @param input see the class description
   * @param labels {@code [B]}
   * @param settings of which T and the loss are used
   * @param seed the randomness of this step
   * @throws NonFiniteException if the loss is not finite
   */
  public Probes.Measured measure(
      float[] input, int[] labels, TrainingSettings settings, long seed, Probes probes) {
    return train(input, labels, settings.step(), 0, seed, probes, _ -> false).measured();
  }

  /** Measures a batch in evaluation mode; gradients are not measured. */
  public Probes.Measured measure(float[] input, int batch, int steps, Probes probes) {
    try (NDManager scope = manager.newSubManager()) {
      Pass pass = Pass.of(scope, steps, batch, false, 0, probes, null);
      forward(pass, input, null);
      return pass.measured();
    } finally {
      store.endPass();
    }
  }

  private Activation forward(
      Pass pass, float[] input, @Nullable List<Executor.@Nullable Backward> tape) {
    Activation[] activations = new Activation[plan.size()];
    int[] readers = plan.stream().mapToInt(Plan.Step::readers).toArray();
    for (int i = 0; i < plan.size(); i++) {
      Plan.Step step = plan.get(i);
      if (step.executor() == null) {
        activations[i] = inputActivation(pass, input);
        if (tape != null) {
          tape.add(null);
        }
        continue;
      }
      List<Activation> inputs = new ArrayList<>();
      for (int index : step.inputs()) {
        inputs.add(activations[index]);
      }
      if (pass.probes().presynaptic().contains(step.node().name())) {
        pass.measured()
            .presynaptic()
            .put(step.node().name(), Pass.channelMagnitudes(inputs.getFirst().array()));
      }
      long start = System.nanoTime();
      long before = times == null ? 0 : times.total();
      Executor.Result result = step.executor().forward(inputs, pass);
      activations[i] = result.output();
      if (times != null && !result.output().maps().inPlanes()) {
        times.addSince(step.node().name(), start, before, crew.threads());
      }
      if (pass.probes().outputs().contains(step.node().name())) {
        pass.measured().outputs().put(step.node().name(), result.output().array().toFloatArray());
      }
      if (pass.observer() != null) {
        pass.observer().observe(step.node(), inputs.getFirst(), result.output());
      }
      if (tape != null) {
        tape.add(result.backward());
      }
      for (int index : step.inputs()) {
        if (--readers[index] == 0) {
          activations[index].maps().close();
        }
      }
    }
    return activations[plan.size() - 1];
  }

  /** Returns {@code [T·B, …]} of an output that may be constant. */
  private static NDArray overTime(Activation output, Pass pass) {
    NDArray array = output.array();
    return output.constant()
        ? NDArrays.concat(new NDList(Collections.nCopies(pass.steps(), array)))
        : array;
  }

  private Activation inputActivation(Pass pass, float[] input) {
    dev.coppice.graph.Shape shape = graph.shape(graph.input().name());
    boolean constant = input.length == pass.batch() * shape.size();
    if (!constant && input.length != (long) pass.steps() * pass.batch() * shape.size()) {
      throw new IllegalArgumentException(
          "the network reads "
              + shape
              + " values a sample; "
              + input.length
              + " values are neither "
              + pass.batch()
              + " samples nor "
              + pass.steps()
              + " time steps of them");
    }
    long samples = constant ? pass.batch() : (long) pass.steps() * pass.batch();
    Shape array =
        switch (shape) {
          case dev.coppice.graph.Shape.Map(int h, int w, int c) -> new Shape(samples, h, w, c);
          case dev.coppice.graph.Shape.Vector(int n) -> new Shape(samples, n);
        };
    return new Activation(Memory.upload(pass.manager(), input, array), constant);
  }

  private void backward(List<Executor.@Nullable Backward> tape, NDArray gradient) {
    @Nullable Maps[] gradients = new Maps[plan.size()];
    gradients[plan.size() - 1] = Maps.of(gradient);
    for (int i = plan.size() - 1; i > 0; i--) {
      Plan.Step step = plan.get(i);
      Executor.Backward way = tape.set(i, null);
      Maps own = gradients[i];
      if (way == null || own == null || !step.trained()) {
        continue;
      }
      gradients[i] = null;
      long start = System.nanoTime();
      long before = times == null ? 0 : times.total();
      List<@Nullable Maps> inputs = way.applyMaps(own);
      if (times != null && !(way instanceof MapsBackward)) {
        times.addSince(step.node().name(), start, before, crew.threads());
      }
      for (int k = 0; k < inputs.size(); k++) {
        Maps share = inputs.get(k);
        int index = step.inputs()[k];
        if (share == null || !plan.get(index).trained()) {
          continue;
        }
        Maps sum = gradients[index];
        if (sum == null) {
          gradients[index] = share;
        } else {
          sum.add(share);
        }
      }
    }
  }

  /** Runs the batch again to name the first layer whose output is not finite. */
  private NonFiniteException nonFinite(
      String what, float[] input, StepSettings settings, int batch, long seed) {
    String[] first = new String[1];
    try (NDManager scope = manager.newSubManager()) {
      Observer observer =
          (node, in, out) -> {
            if (first[0] == null && !Float.isFinite(out.array().sum().getFloat())) {
              first[0] = node.name();
            }
          };
      Pass pass = Pass.of(scope, settings.timeSteps(), batch, true, seed, Probes.NONE, observer);
      forward(pass, input, new ArrayList<>());
    }
    return new NonFiniteException(
        first[0] == null
            ? "the " + what + " is not finite"
            : "the " + what + " is not finite; the first layer to overflow is " + first[0]);
  }

  /** Returns the network. */
  public Graph graph() {
    return graph;
  }

  /** Returns a copy of the weights as they are now. */
  public Weights weights() {
    return parameters.weights();
  }

  /** Returns a copy of one tensor as it is now. */
  public Tensor tensor(String name) {
    return parameters.tensor(name);
  }

  /**
   * Fixes weights at zero from now on: {@code masks} hold 0 or 1, shaped like the weights they
   * name.
   */
  public void mask(Map<String, Tensor> masks) {
    parameters.mask(masks, optimizerState);
  }

  /**
   * Overwrites the weights of one tensor; the optimizer's state stays.
   *
   * @throws IllegalArgumentException if there is no trained tensor of this name and size
   */
  public void assign(String name, float[] values) {
    parameters.assign(name, values);
  }

  /**
   * Sets all trained tensors to these values and forgets what the optimizer remembers. The
   * statistics of batch norms stay.
   */
  public void rewind(Weights weights) {
    parameters.trainable().keySet().forEach(name -> assign(name, weights.get(name).data()));
    optimizerState.forEach(state -> state.muli(0));
    parameters.readState();
    updates = 0;
  }

  /** Records the time of every layer from now on, which costs little. */
  public void recordTimes() {
    times = new LayerTimes();
    store.record(times);
  }

  /**
   * How a layer ran.
   *
   * @param way what computed it
   * @param reason why, or the empty string where there is no choice
   * @param seconds wall time: that of the processors, shared out among the threads
   */
  public record LayerReport(String node, String way, String reason, double seconds) {}

  /** Returns how the layers ran since {@link #recordTimes}, in the order of the graph. */
  public List<LayerReport> layers() {
    LayerTimes known = times;
    return known == null
        ? List.of()
        : plan.stream().map(step -> known.report(step.node().name(), crew.threads())).toList();
  }

  /** Returns how many arrays the engine holds on the device, for tests of leaks. */
  int liveArrays() {
    return manager.getManagedArrays().size();
  }

  /** Returns the bytes that the engine holds for planes and arrays of maps, for tests of leaks. */
  long mapBytes() {
    return store.bytes();
  }

  /** Returns the optimizer's updates since it knew nothing, for a checkpoint. */
  long updates() {
    return updates;
  }

  /** Returns the optimizer's state, for a checkpoint. */
  Map<String, Tensor> optimizerState() {
    parameters.writeState();
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (int i = 0; i < optimizerState.size(); i++) {
      tensors.put("optimizer." + i, Tensor.of(optimizerState.get(i).toFloatArray()));
    }
    return tensors;
  }

  /** Restores weights and what {@link #optimizerState} returned, after so many updates. */
  void restore(Weights weights, Map<String, Tensor> state, long updates) {
    weights.check(graph);
    parameters.restore(weights);
    for (int i = 0; i < optimizerState.size(); i++) {
      Tensor tensor = state.get("optimizer." + i);
      NDArray array = optimizerState.get(i);
      if (tensor == null || tensor.size() != array.size()) {
        throw new IllegalArgumentException("the optimizer's state does not fit the network");
      }
      Memory.overwrite(array, tensor.data());
    }
    parameters.readState();
    this.updates = updates;
  }

  @Override
  public void close() {
    manager.close();
    store.close();
    crew.close();
  }
}
