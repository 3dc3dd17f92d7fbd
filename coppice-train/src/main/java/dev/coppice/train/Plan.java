package dev.coppice.train;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.kernels.ConvolutionShape;
import dev.coppice.kernels.Crew;
import dev.coppice.kernels.Kernels;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The order in which an engine runs a graph, and by what. The first step is the input. */
final class Plan {
  /** The side of the largest window whose averages are worth taking apart into spikes. */
  private static final int MOST_POOLED = 2;

  private final Graph graph;
  private final Parameters parameters;
  private final NeuronPath path;
  private final Kernels kernels;
  private final Crew crew;
  private final PlaneStore store;
  private final ConvolutionChoice choice;
  private final ChannelUse use;
  private final Workspace workspace = new Workspace();
  private final List<Step> steps = new ArrayList<>();
  private final Map<String, Integer> indices = new HashMap<>();

  /**
   * A node's place.
   *
   * @param executor null for the input
   * @param inputs the steps that it reads
   * @param readers how many steps read it
   * @param trained whether it or anything before it has parameters
   */
  record Step(Node node, @Nullable Executor executor, int[] inputs, int readers, boolean trained) {}

  private Plan(
      Graph graph,
      Parameters parameters,
      NeuronPath path,
      Engine.Options options,
      PlaneStore store) {
    this.graph = graph;
    this.parameters = parameters;
    this.path = path;
    this.kernels = options.kernels();
    this.crew = store.crew();
    this.store = store;
    this.choice = new ConvolutionChoice(options.convolutions(), parameters);
    this.use = new ChannelUse(graph, parameters);
  }

  /** Returns the zeros around planes that every convolution of a graph finds enough. */
  static int border(Graph graph) {
    int border = 0;
    for (Node node : graph.nodes()) {
      ConvolutionShape shape = sparse(graph, node);
      if (shape != null) {
        border = Math.max(border, Math.max(shape.inputBorder(), shape.outputBorder()));
      }
    }
    return border;
  }

  private static @Nullable ConvolutionShape sparse(Graph graph, Node node) {
    return node.op() instanceof Op.Conv2d conv
            && graph.shape(node.inputs().getFirst()) instanceof Shape.Map in
        ? SparseConvExecutor.shape(conv, in)
        : null;
  }

  static List<Step> of(
      Graph graph,
      Parameters parameters,
      NeuronPath path,
      Engine.Options options,
      PlaneStore store) {
    Plan plan = new Plan(graph, parameters, path, options, store);
    graph.nodes().forEach(plan::add);
    return List.copyOf(plan.steps);
  }

  private void add(Node node) {
    int[] inputs = node.inputs().stream().mapToInt(indices::get).toArray();
    if (node.op() instanceof Op.BatchNorm && fuses(node)) {
      // The neuron that follows reads what the batch norm would have read.
      indices.put(node.name(), inputs[0]);
      return;
    }
    boolean inputTrained = Arrays.stream(inputs).anyMatch(i -> steps.get(i).trained());
    boolean hasParameters =
        parameters.trainable().containsKey(node.name() + ".weight") || fusedNorm(node) != null;
    Executor executor = executor(node, inputs, inputTrained);
    int readers = graph.consumers(node.name()).size();
    indices.put(node.name(), steps.size());
    steps.add(new Step(node, executor, inputs, readers, inputTrained || hasParameters));
  }

  private @Nullable Executor executor(Node node, int[] inputs, boolean inputTrained) {
    return switch (node.op()) {
      case Op.Input _ -> null;
      case Op.Neuron neuron -> neuron(node, neuron, inputs[0], inputTrained);
      case Op.Add() -> new AddExecutor(node.name(), store);
      case Op.Dropout(float rate) ->
          new DropoutExecutor(rate, 0x9E3779B97F4A7C15L * (graph.nodes().indexOf(node) + 1));
      case Op.Conv2d conv -> convolution(node, conv, inputTrained);
      case Op.AvgPool(int kernel, int stride)
          when kernel == stride
              && path == NeuronPath.FUSED
              && graph.shape(node.inputs().getFirst()) instanceof Shape.Map in
              && graph.shape(node.name()) instanceof Shape.Map out ->
          new AveragePoolExecutor(node.name(), kernel, in, out, kernels, store);
      case Op op -> LibraryExecutor.of(node.name(), op, parameters, inputTrained, store.arrays());
    };
  }

  private Executor convolution(Node node, Op.Conv2d conv, boolean inputTrained) {
    Executor dense = denseConvolution(node, conv, inputTrained);
    ConvolutionShape shape = sparse(graph, node);
    if (shape == null || path != NeuronPath.FUSED) {
      return dense;
    }
    choice.add(graph, node, shape, dense instanceof SpikeConvExecutor);
    return new SparseConvExecutor(
        node.name(),
        shape,
        levels(node.inputs().getFirst()) == 1,
        parameters,
        inputTrained,
        dense,
        choice,
        use,
        store);
  }

  private Executor denseConvolution(Node node, Op.Conv2d conv, boolean inputTrained) {
    String input = node.inputs().getFirst();
    int levels = levels(input);
    if (levels > 0
        && graph.shape(input) instanceof Shape.Map in
        && SpikeConvExecutor.covers(conv, in, levels)) {
      return new SpikeConvExecutor(
          node.name(), conv, in, levels, parameters, inputTrained, kernels, store, workspace);
    }
    return LibraryExecutor.of(node.name(), conv, parameters, inputTrained, store.arrays());
  }

  /** Returns how many spikes a node's output is an average of; 0 if it is not one of few. */
  private int levels(String name) {
    if (path != NeuronPath.FUSED) {
      return 0;
    }
    Node node = graph.node(name);
    return switch (node.op()) {
      case Op.Neuron _ -> 1;
      case Op.MaxPool _, Op.Select _ -> levels(node.inputs().getFirst());
      case Op.AvgPool(int kernel, int _) when kernel <= MOST_POOLED ->
          levels(node.inputs().getFirst()) == 1 ? kernel * kernel : 0;
      default -> 0;
    };
  }

  private Executor neuron(Node node, Op.Neuron neuron, int input, boolean inputTrained) {
    if (path == NeuronPath.LIBRARY) {
      return new TensorNeuronExecutor(node.name(), neuron);
    }
    Node norm = fusedNorm(node);
    if (norm != null && norm.op() instanceof Op.BatchNorm settings) {
      return new NormNeuronExecutor(
          norm.name(), settings, node.name(), neuron, parameters, inputTrained, kernels, store);
    }
    return new NeuronExecutor(node.name(), neuron, ownsInput(input), kernels, crew);
  }

  /** Whether a batch norm runs as part of the neuron layer that reads it. */
  private boolean fuses(Node norm) {
    List<String> consumers = graph.consumers(norm.name());
    return path == NeuronPath.FUSED
        && consumers.size() == 1
        && graph.node(consumers.getFirst()).op() instanceof Op.Neuron;
  }

  /** Returns the batch norm that runs as part of this node, or null. */
  private @Nullable Node fusedNorm(Node node) {
    if (!(node.op() instanceof Op.Neuron)) {
      return null;
    }
    Node input = graph.node(node.inputs().getFirst());
    return input.op() instanceof Op.BatchNorm && fuses(input) ? input : null;
  }

  /**
   * Whether a neuron may overwrite this step's output: nobody else reads it, nor needs it again.
   */
  private boolean ownsInput(int index) {
    Step step = steps.get(index);
    return step.readers() == 1
        && switch (step.node().op()) {
          case Op.BatchNorm _, Op.Conv2d _, Op.Linear _ -> true;
          default -> false;
        };
  }
}
