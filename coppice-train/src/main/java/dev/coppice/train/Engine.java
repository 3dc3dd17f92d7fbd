package dev.coppice.train;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.kernels.Kernels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
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
  private final Graph graph;
  private final List<Step> plan = new ArrayList<>();
  private final NDManager manager;
  private final Parallel parallel;
  private final Parameters parameters;
  private final Optimizer optimizer;
  private final List<NDArray> optimizerState = new ArrayList<>();
  private long updates;

  /** A node of the plan: its executor, where its inputs come from and how often it is read. */
  private record Step(
      Node node, @Nullable Executor executor, int[] inputs, int consumers, boolean trained) {}

  /**
   * Where and how to run.
   *
   * @param device {@code cpu}, {@code gpu} or {@code gpuN}
   * @param threads CPU threads, of libtorch and of the kernels
   * @param kernels the neuron kernels on a CPU
   */
  public record Options(String device, int threads, Kernels kernels) {
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
    this(graph, weights, optimizer, options, options.device().equals("cpu"));
  }

  /**
   * Makes an engine.
   *
   * @param neuronKernels whether neurons run in the kernels or as library operations
   */
  Engine(
      Graph graph, Weights weights, Optimizer optimizer, Options options, boolean neuronKernels) {
    this.graph = graph;
    this.optimizer = optimizer;
    manager = NDManager.newBaseManager(device(options.device()), "PyTorch");
    JniUtils.setNumThreads(options.threads());
    JniUtils.setGradMode(false);
    parallel = new Parallel(options.threads());
    parameters = new Parameters(manager, graph, weights);
    for (int i = 0; i < optimizer.stateSize(); i++) {
      optimizerState.add(manager.zeros(new Shape(parameters.count())));
    }
    Map<String, Integer> indices = new HashMap<>();
    for (Node node : graph.nodes()) {
      int[] inputs = node.inputs().stream().mapToInt(indices::get).toArray();
      boolean inputTrained = Arrays.stream(inputs).anyMatch(i -> plan.get(i).trained());
      Executor executor =
          switch (node.op()) {
            case Op.Input _ -> null;
            case Op.Neuron neuron when neuronKernels ->
                new NeuronExecutor(
                    node.name(), neuron, ownsInput(inputs[0]), options.kernels(), parallel);
            case Op.Neuron neuron -> new TensorNeuronExecutor(node.name(), neuron);
            case Op.Add() -> new AddExecutor();
            case Op.Dropout(float rate) ->
                new DropoutExecutor(rate, 0x9E3779B97F4A7C15L * (plan.size() + 1));
            case Op op -> LibraryExecutor.of(node.name(), op, parameters, inputTrained);
          };
      boolean trained = inputTrained || parameters.trainable().containsKey(node.name() + ".weight");
      int consumers = graph.consumers(node.name()).size();
      indices.put(node.name(), plan.size());
      plan.add(new Step(node, executor, inputs, consumers, trained));
    }
  }

  private static Device device(String name) {
    return switch (name) {
      case "cpu" -> Device.cpu();
      case "gpu" -> Device.gpu();
      default -> Device.gpu(Integer.parseInt(name.substring("gpu".length())));
    };
  }

  /**
   * Whether a neuron may overwrite this node's output: nobody else reads it, nor needs it again.
   */
  private boolean ownsInput(int index) {
    Step step = plan.get(index);
    return step.consumers() == 1
        && switch (step.node().op()) {
          case Op.BatchNorm _, Op.Conv2d _, Op.Linear _ -> true;
          default -> false;
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
   * @param measured what the probes found
   */
  public record StepResult(double loss, int correct, Probes.Measured measured) {}

  /**
   * One optimizer step on a batch: forward, loss, backward, update.
   *
   * @param input see the class description
   * @param labels {@code [B]}
   * @param settings the loss and the like
   * @param rate the learning rate
   * @param seed the randomness of this step
   * @param probes what to measure in this step
   * @throws NonFiniteException if the loss or a gradient is not finite; nothing is updated
   */
  public StepResult train(
      float[] input, int[] labels, StepSettings settings, double rate, long seed, Probes probes) {
    try (NDManager scope = manager.newSubManager()) {
      Pass pass = Pass.of(scope, settings.timeSteps(), labels.length, true, seed, probes);
      List<Executor.@Nullable Backward> tape = new ArrayList<>();
      NDArray logits = forward(pass, input, tape, null);
      LossFunction.Value loss =
          settings
              .loss()
              .evaluate(
                  logits.toFloatArray(), labels, settings.timeSteps(), settings.labelSmoothing());
      if (!Double.isFinite(loss.value())) {
        throw nonFinite(input, settings, labels.length, seed);
      }
      backward(tape, Memory.upload(scope, loss.gradient(), logits.getShape()));
      for (String name : probes.gradients()) {
        NDArray gradient = pass.gradients().get(name);
        if (gradient != null) {
          pass.measured().gradients().put(name, gradient.toFloatArray());
        }
      }
      NDArray gradient = parameters.flatGradient(pass.gradients());
      float norm = gradient.norm().getFloat();
      if (!Float.isFinite(norm)) {
        throw new NonFiniteException("the gradient is not finite");
      }
      if (settings.clipNorm() > 0 && norm > settings.clipNorm()) {
        gradient.muli(settings.clipNorm() / norm);
      }
      updates++;
      optimizer.update(parameters.values(), gradient, optimizerState, rate, updates);
      return new StepResult(loss.value(), loss.correct(), pass.measured());
    }
  }

  /**
   * What a training step needs besides data.
   *
   * @param timeSteps T
   * @param clipNorm the largest norm of the gradient, or 0
   */
  public record StepSettings(
      int timeSteps, LossFunction loss, float labelSmoothing, float clipNorm) {}

  /**
   * Runs a batch in evaluation mode.
   *
   * @return logits {@code [T, B, K]}
   */
  public float[] logits(float[] input, int batch, int steps) {
    return evaluate(input, batch, steps, (node, in, out) -> {});
  }

  float[] evaluate(float[] input, int batch, int steps, Observer observer) {
    try (NDManager scope = manager.newSubManager()) {
      Pass pass = Pass.of(scope, steps, batch, false, 0, Probes.NONE);
      return forward(pass, input, null, observer).toFloatArray();
    }
  }

  /** Measures a batch in evaluation mode; gradients are not measured. */
  public Probes.Measured measure(float[] input, int batch, int steps, Probes probes) {
    try (NDManager scope = manager.newSubManager()) {
      Pass pass = Pass.of(scope, steps, batch, false, 0, probes);
      forward(pass, input, null, null);
      return pass.measured();
    }
  }

  private NDArray forward(
      Pass pass,
      float[] input,
      @Nullable List<Executor.@Nullable Backward> tape,
      @Nullable Observer observer) {
    Activation[] activations = new Activation[plan.size()];
    int[] readers = plan.stream().mapToInt(Step::consumers).toArray();
    for (int i = 0; i < plan.size(); i++) {
      Step step = plan.get(i);
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
        pass.measured().presynaptic().put(step.node().name(), channelMeans(inputs.getFirst()));
      }
      Executor.Result result = step.executor().forward(inputs, pass);
      activations[i] = result.output();
      if (pass.probes().outputs().contains(step.node().name())) {
        pass.measured().outputs().put(step.node().name(), result.output().array().toFloatArray());
      }
      if (observer != null) {
        observer.observe(step.node(), inputs.getFirst(), result.output());
      }
      if (tape != null) {
        tape.add(result.backward());
      }
      for (int index : step.inputs()) {
        if (--readers[index] == 0) {
          activations[index].array().close();
        }
      }
    }
    Activation last = activations[plan.size() - 1];
    return last.constant() ? last.array().tile(0, pass.steps()) : last.array();
  }

  private static float[] channelMeans(Activation input) {
    Shape shape = input.array().getShape();
    long channels = shape.get(shape.dimension() - 1);
    return input.array().reshape(-1, channels).mean(new int[] {0}).toFloatArray();
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
    @Nullable NDArray[] gradients = new NDArray[plan.size()];
    gradients[plan.size() - 1] = gradient;
    for (int i = plan.size() - 1; i > 0; i--) {
      Step step = plan.get(i);
      Executor.Backward way = tape.set(i, null);
      NDArray own = gradients[i];
      if (way == null || own == null || !step.trained()) {
        continue;
      }
      gradients[i] = null;
      List<@Nullable NDArray> inputs = way.apply(own);
      for (int k = 0; k < inputs.size(); k++) {
        NDArray share = inputs.get(k);
        int index = step.inputs()[k];
        if (share == null || !plan.get(index).trained()) {
          continue;
        }
        NDArray sum = gradients[index];
        if (sum == null) {
          gradients[index] = share;
        } else {
          sum.addi(share);
          share.close();
        }
      }
    }
  }

  /** Runs the batch again to name the first layer whose output is not finite. */
  private NonFiniteException nonFinite(float[] input, StepSettings settings, int batch, long seed) {
    String[] first = new String[1];
    try (NDManager scope = manager.newSubManager()) {
      Pass pass = Pass.of(scope, settings.timeSteps(), batch, true, seed, Probes.NONE);
      forward(
          pass,
          input,
          new ArrayList<>(),
          (node, in, out) -> {
            if (first[0] == null && !Float.isFinite(out.array().sum().getFloat())) {
              first[0] = node.name();
            }
          });
    }
    return new NonFiniteException(
        first[0] == null
            ? "the loss is not finite"
            : "the loss is not finite; the first layer to overflow is " + first[0]);
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

  /** Returns how many arrays the engine holds on the device, for tests of leaks. */
  int liveArrays() {
    return manager.getManagedArrays().size();
  }

  /** Returns the optimizer's state, for a checkpoint. */
  Map<String, Tensor> optimizerState() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (int i = 0; i < optimizerState.size(); i++) {
      tensors.put("optimizer." + i, Tensor.of(optimizerState.get(i).toFloatArray()));
    }
    return tensors;
  }

  /** Restores weights and what {@link #optimizerState} returned, after so many updates. */
  void restore(Weights weights, Map<String, Tensor> state, long updates) {
    parameters.restore(weights);
    for (int i = 0; i < optimizerState.size(); i++) {
      Tensor tensor = state.get("optimizer." + i);
      NDArray array = optimizerState.get(i);
      if (tensor == null || tensor.size() != array.size()) {
        throw new IllegalArgumentException("the optimizer's state does not fit the network");
      }
      Memory.overwrite(array, tensor.data());
    }
    this.updates = updates;
  }

  @Override
  public void close() {
    manager.close();
    parallel.close();
  }
}
