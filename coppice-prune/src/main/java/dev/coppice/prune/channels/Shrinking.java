package dev.coppice.prune.channels;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Model;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import java.util.stream.IntStream;

/** Builds the network that a cut leaves. */
final class Shrinking {
  private static final int LONGEST_NAME = 100;

  private final Model model;
  private final Graph graph;
  private final Cut cut;
  private final SequencedMap<String, Node> nodes = new LinkedHashMap<>();

  /** The node that stands for one that is not needed any more, such as a sum of one value. */
  private final Map<String, String> standIns = new HashMap<>();

  private final List<String> notes = new ArrayList<>();

  Shrinking(Model model, Cut cut) {
    this.model = model;
    this.graph = model.graph();
    this.cut = cut;
  }

  Surgery.Result result() {
    for (Node node : graph.nodes()) {
      if (!cut.dead(node.name())) {
        add(node);
      }
    }
    String output = standIn(graph.output());
    Set<String> needed = leadingTo(output);
    List<Node> left = nodes.values().stream().filter(node -> needed.contains(node.name())).toList();
    Graph smaller = Graph.of(left, output);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    Weights.expected(smaller).keySet().forEach(name -> tensors.put(name, slice(name)));
    return new Surgery.Result(
        new Model(smaller, Weights.of(tensors), metadata(smaller)), kept(needed), notes);
  }

  private Map<String, String> metadata(Graph smaller) {
    SequencedMap<String, KeptChannels.Layer> layers = new LinkedHashMap<>();
    for (Node node : graph.nodes()) {
      boolean counted =
          switch (node.op()) {
            case Op.Conv2d _, Op.Linear _, Op.BatchNorm _, Op.Neuron _ -> true;
            default -> false;
          };
      int before = graph.shape(node.name()).channels();
      int[] now = smaller.contains(node.name()) ? cut.kept(node.name()) : new int[0];
      if (counted && now.length < before) {
        layers.put(node.name(), new KeptChannels.Layer(before, now));
      }
    }
    KeptChannels all = KeptChannels.of(model).then(layers);
    Map<String, String> metadata = new LinkedHashMap<>(model.metadata());
    if (!all.layers().isEmpty()) {
      metadata.put(KeptChannels.KEY, all.toJson());
    }
    return metadata;
  }

  private void add(Node node) {
    String name = node.name();
    List<String> alive = node.inputs().stream().filter(input -> !cut.dead(input)).toList();
    switch (node.op()) {
      case Op.Input _ -> nodes.put(name, node);
      case Op.Add _ -> addition(node, alive);
      case Op.Select(List<Integer> channels) -> {
        String input = alive.getFirst();
        int[] selected = Arrays.stream(cut.kept(name)).map(channels::get).toArray();
        if (selected.length == cut.kept(input).length) {
          standIns.put(name, standIn(input));
        } else {
          put(name, select(Cut.positions(selected, cut.kept(input))), standIn(input));
        }
      }
      case Op.BatchNorm norm -> {
        int[] kept = cut.kept(name);
        int[] read = cut.kept(alive.getFirst());
        String source = standIn(alive.getFirst());
        if (kept.length < read.length) {
          source = selection(name, source, Cut.positions(kept, read));
        }
        put(
            name,
            new Op.BatchNorm(kept.length, norm.eps(), norm.momentum(), norm.initialScale()),
            source);
      }
      case Op.Conv2d conv -> put(name, narrow(conv, node), standIn(alive.getFirst()));
      case Op.Linear linear ->
          put(
              name,
              new Op.Linear(
                  cut.kept(alive.getFirst()).length, cut.kept(name).length, linear.bias()),
              standIn(alive.getFirst()));
      case Op.Neuron _,
          Op.AvgPool _,
          Op.MaxPool _,
          Op.GlobalAvgPool _,
          Op.Flatten _,
          Op.Dropout _,
          Op.Gate _ ->
          put(name, node.op(), standIn(alive.getFirst()));
    }
  }

  private void put(String name, Op op, String... inputs) {
    nodes.put(name, new Node(name, op, List.of(inputs)));
  }

  private String standIn(String name) {
    return standIns.getOrDefault(name, name);
  }

  private static Op.Select select(int[] channels) {
    return new Op.Select(Arrays.stream(channels).boxed().toList());
  }

  private void addition(Node node, List<String> alive) {
    for (String input : node.inputs()) {
      if (cut.dead(input)) {
        notes.add(
            node.name()
                + ": its input "
                + input
                + " is gone, because "
                + cut.lost(input)
                + " has no channels left");
      }
    }
    if (alive.size() == 1) {
      standIns.put(node.name(), standIn(alive.getFirst()));
      return;
    }
    List<String> sources = alive.stream().map(this::standIn).toList();
    for (String input : alive) {
      String source = standIn(input);
      if (!source.equals(input) && Collections.frequency(sources, source) > 1) {
        // A node may not read another twice: what was there before passes the value on.
        int[] everything = IntStream.range(0, cut.kept(input).length).toArray();
        put(input, select(everything), source);
        standIns.remove(input);
      }
    }
    put(node.name(), new Op.Add(), alive.stream().map(this::standIn).toArray(String[]::new));
  }

  /** Returns the name of a new node that selects channels of {@code source} for a batch norm. */
  private String selection(String norm, String source, int[] channels) {
    Node read = nodes.get(source);
    if (read != null && read.op() instanceof Op.Select(List<Integer> before)) {
      int[] composed = Arrays.stream(channels).map(before::get).toArray();
      if (graph.contains(source) && graph.consumers(source).equals(List.of(norm))) {
        put(source, select(composed), read.inputs().getFirst());
        return source;
      }
      return selection(norm, read.inputs().getFirst(), composed);
    }
    String name = norm + ".select";
    for (int i = 2;
        name.length() > LONGEST_NAME || graph.contains(name) || nodes.containsKey(name);
        i++) {
      name = "select" + i;
    }
    put(name, select(channels), source);
    return name;
  }

  private Op.Conv2d narrow(Op.Conv2d conv, Node node) {
    int in = cut.kept(node.inputs().getFirst()).length;
    return new Op.Conv2d(
        in,
        cut.kept(node.name()).length,
        conv.kernel(),
        conv.stride(),
        conv.padding(),
        ChannelMap.depthwise(conv) ? in : conv.groups(),
        conv.bias());
  }

  private Set<String> leadingTo(String output) {
    Set<String> leading = new HashSet<>(Set.of(output));
    Deque<String> pending = new ArrayDeque<>(leading);
    while (!pending.isEmpty()) {
      Node node = nodes.get(pending.pop());
      if (node == null) {
        throw new IllegalStateException("a node reads one that is gone");
      }
      for (String input : node.inputs()) {
        if (leading.add(input)) {
          pending.push(input);
        }
      }
    }
    return leading;
  }

  private Tensor slice(String tensorName) {
    Tensor tensor = model.weights().get(tensorName);
    String name = tensorName.substring(0, tensorName.lastIndexOf('.'));
    Node node = graph.node(name);
    int[] rows = cut.kept(name);
    if (node.op() instanceof Op.Gate) {
      return gates(tensor.data(), rows, graph.shape(name).channels());
    }
    boolean matrix = tensor.shape().length > 1;
    int columns = tensor.shape()[tensor.shape().length - 1];
    int[] read = matrix ? cut.read(node, columns) : new int[] {0};
    int width = matrix ? columns : 1;
    int taps = tensor.size() / tensor.shape()[0] / width;
    float[] data = new float[rows.length * taps * read.length];
    int at = 0;
    for (int row : rows) {
      for (int tap = 0; tap < taps; tap++) {
        int from = (row * taps + tap) * width;
        for (int column : read) {
          data[at++] = tensor.data()[from + column];
        }
      }
    }
    int[] shape = tensor.shape().clone();
    shape[0] = rows.length;
    if (matrix) {
      shape[shape.length - 1] = read.length;
    }
    return new Tensor(shape, data);
  }

  /** Returns the gates of the channels that are left, at every position. */
  private static Tensor gates(float[] gates, int[] kept, int channels) {
    float[] left = new float[gates.length / channels * kept.length];
    for (int i = 0; i < left.length; i++) {
      left[i] = gates[i / kept.length * channels + kept[i % kept.length]];
    }
    return Tensor.of(left);
  }

  private Map<String, int[]> kept(Set<String> needed) {
    Map<String, int[]> kept = new LinkedHashMap<>();
    for (Family family : cut.map().families()) {
      if (family.fixed() == null) {
        boolean there = family.nodes().stream().anyMatch(needed::contains);
        kept.put(family.group().name(), there ? cut.left(family) : new int[0]);
      }
    }
    return kept;
  }
}
