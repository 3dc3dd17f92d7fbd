package dev.coppice.runtime;

import static java.util.Objects.requireNonNull;

import dev.coppice.graph.Graph;
import dev.coppice.graph.GraphException;
import dev.coppice.graph.Model;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Weights;
import dev.coppice.kernels.ConvolutionShape;
import dev.coppice.kernels.DenseConvolution;
import dev.coppice.kernels.IntegerConvolution;
import dev.coppice.kernels.Kernels;
import dev.coppice.kernels.PlaneNumbers;
import dev.coppice.kernels.Planes;
import dev.coppice.kernels.SpikeConvolution;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Makes the plan of a model, node by node. Batch norms and biases become {@link Affine} maps that
 * whoever reads them applies, exactly; dropout and flattening become nothing; spikes stay packed as
 * long as whoever reads them can read bits.
 */
final class Compiler {
  /** The most levels that averages of spikes are kept in. */
  private static final int MAX_LEVELS = 16;

  private final Graph graph;
  private final Weights weights;
  private final Buffers floats = new Buffers();
  private final Buffers words = new Buffers();
  private final Buffers planes = new Buffers();

  /** The layouts of the values in each buffer of planes. */
  private final List<List<Integer>> planeLayouts = new ArrayList<>();

  private final Placements placements = new Placements();
  private final List<Step> steps = new ArrayList<>();
  private final List<NeuronLayer> neurons = new ArrayList<>();
  private final List<String> synapses = new ArrayList<>();
  private final List<String> layers = new ArrayList<>();
  private final ExpectedSpikes densities;
  private final int timeSteps;
  private final Kernels kernels;

  /** How layers go on that read counts, by name. */
  private final Map<String, LayerChoice> whole = new HashMap<>();

  /** Zeros around every plane: what the widest kernel needs. */
  private final int border;

  /** The parts of the chain that is being made, which is the last step; or none. */
  private List<PlaneStep> chain = new ArrayList<>();

  /** Planes that the chain reads: they may not be written before all of it has run. */
  private final List<Value.Planar> held = new ArrayList<>();

  private final Map<String, Value> values = new HashMap<>();

  /** Values that the node at hand made for itself. */
  private final List<Value> temporaries = new ArrayList<>();

  private Compiler(Model model, int timeSteps, Kernels kernels) {
    this.kernels = kernels;
    this.graph = model.graph();
    this.weights = model.weights();
    this.densities = new ExpectedSpikes(model);
    this.timeSteps = timeSteps;
    this.border = graph.nodes().stream().mapToInt(node -> border(node)).max().orElse(0);
  }

  /** Returns the zeros around its input that a convolution between planes needs. */
  private int border(Node node) {
    if (!(node.op() instanceof Op.Conv2d conv)) {
      return 0;
    }
    Shape.Map in = (Shape.Map) graph.shape(node.inputs().getFirst());
    ConvolutionShape shape = Layer.forPlanes(in, conv);
    return shape == null ? 0 : shape.inputBorder();
  }

  /**
   * Returns the plan of a model.
   *
   * @param timeSteps T of images, which says what kernels cost, or 0 if it is not known
   * @param kernels those that will run it: whole numbers, exact however they are added up, may take
   *     another way where it is fast
   * @throws dev.coppice.graph.GraphException if a layer is too large
   */
  static Plan compile(Model model, int timeSteps, Kernels kernels) {
    return new Compiler(model, timeSteps, kernels).compile();
  }

  private Plan compile() {
    Node inputNode = graph.input();
    Value.Analog input = newFloats(inputNode.name(), true);
    values.put(inputNode.name(), input);
    for (Node node : graph.nodes()) {
      if (node.op() instanceof Op.Input) {
        continue;
      }
      values.put(node.name(), compile(node));
      node.inputs().forEach(name -> release(value(name)));
      temporaries.forEach(this::release);
      temporaries.clear();
    }
    Value.Analog output = plain(graph.output(), value(graph.output()));
    return new Plan(
        List.copyOf(steps),
        floats.sizes(),
        words.sizes(),
        planeLayouts.stream().map(List::copyOf).toList(),
        placements,
        List.copyOf(neurons),
        List.copyOf(synapses),
        List.copyOf(layers),
        input,
        output);
  }

  private Value compile(Node node) {
    String name = node.name();
    Value in = value(node.inputs().getFirst());
    return switch (node.op()) {
      case Op.Input _ -> throw new IllegalStateException(name);
      case Op.Conv2d conv -> layer(layer(name, (Shape.Map) in.shape(), conv), node, in);
      case Op.Linear(int inFeatures, int outFeatures, boolean bias) ->
          layer(
              layer(
                  name,
                  new Shape.Map(1, 1, inFeatures),
                  new Op.Conv2d(inFeatures, outFeatures, 1, 1, 0, 1, bias)),
              node,
              in);
      case Op.BatchNorm norm -> through(name, in, Affine.norm(name, norm, weights));
      case Op.Neuron neuron -> neurons(name, neuron, in);
      case Op.AvgPool(int kernel, int stride) -> pool(name, true, kernel, stride, in);
      case Op.MaxPool(int kernel, int stride) -> pool(name, false, kernel, stride, in);
      case Op.GlobalAvgPool _ -> mean(name, in);
      case Op.Flatten _ -> flatten(name, in);
      case Op.Dropout _ -> renamed(name, in);
      case Op.Add _ -> sum(node);
      case Op.Gate _ -> gate(name, in);
      case Op.Select(List<Integer> channels) -> select(name, channels, in);
    };
  }

  private Layer layer(String name, Shape.Map in, Op.Conv2d conv) {
    return new Layer(name, in, conv, weights);
  }

  private Value layer(Layer layer, Node node, Value in) {
    String name = layer.node();
    boolean constant =
        switch (in) {
          case Value.Analog analog -> analog.constant();
          case Value.Planar planar -> planar.constant();
          case Value.Spikes _ -> false;
        };
    Affine bias = layer.conv().bias() ? Affine.bias(weights.get(name + ".bias").data()) : null;
    layers.add(name);
    ConvolutionShape map = in.shape() instanceof Shape.Map ? layer.forPlanes() : null;
    SpikeConvolution driven = levels(in) > 0 ? layer.forSpikes(packedLike(in)) : null;
    LayerChoice choice =
        driven == null
            ? LayerChoice.ofNumbers(facts(layer, in, constant, 1), map != null, isCounted(name))
            : counted(in)
                ? requireNonNull(whole.get(name))
                : LayerChoice.ofSpikes(
                    facts(layer, in, constant, densities.of(node.inputs().getFirst())),
                    map != null);
    String reason = choice.reason();
    return switch (choice.kernel()) {
      case COUNTS, PATTERNS -> integer(layer, requireNonNull(map), in, choice, bias);
      case SPARSE -> sparse(layer, requireNonNull(map), in, constant, bias, reason);
      case DENSE -> {
        Value.Analog plain = plain(name, in);
        Value.Analog out = newFloats(name, constant);
        DenseConvolution shape = layer.dense();
        int index = nextSynapse(name);
        add(
            new DenseLayer(
                name, index, shape, layer.pack(shape), plain, out, layer.reach(), reason));
        yield new Value.Analog(out.shape(), out.buffer(), constant, bias);
      }
      case SPIKE_DRIVEN, SPIKE_COLUMNS -> {
        SpikeConvolution shape = requireNonNull(driven);
        Value.Spikes packed = packed(name, in);
        Value.Analog out = newFloats(name, false);
        int index = nextSynapse(name);
        Reach reach = layer.reach(shape);
        add(
            choice.kernel() == LayerChoice.Kernel.SPIKE_DRIVEN
                ? new SpikeDrivenLayer(
                    name, index, shape, layer.pack(shape), packed, out, reach, reason)
                : new SpikeColumnsLayer(
                    name, index, layer.compress(shape), packed, out, reach, reason));
        yield new Value.Analog(out.shape(), out.buffer(), false, bias);
      }
    };
  }

  private LayerChoice.Facts facts(Layer layer, Value in, boolean constant, double spikes) {
    boolean planar = in instanceof Value.Planar;
    // Averages of spikes as floats would have to be counted first.
    int levels = planar ? 0 : levels(in);
    return facts(layer, in.shape(), constant, spikes, planar, levels);
  }

  private LayerChoice.Facts facts(
      Layer layer, Shape in, boolean constant, double spikes, boolean planar, int levels) {
    Shape out = graph.shape(layer.node());
    return new LayerChoice.Facts(
        layer.density(),
        spikes,
        constant ? 1 : Math.max(1, timeSteps),
        in.size(),
        out.size() / out.channels(),
        out.channels(),
        layer.rowWeights(),
        planar,
        whole(layer, in, levels));
  }

  /** Returns which kernels for whole numbers compute a layer that reads counts of spikes. */
  private LayerChoice.Whole whole(Layer layer, Shape in, int levels) {
    ConvolutionShape shape = in instanceof Shape.Map ? layer.forPlanes() : null;
    if (layer.scales() == null || shape == null || !IntegerConvolution.fits(shape, levels)) {
      return LayerChoice.Whole.NONE;
    }
    return levels == 1 && kernels.looksUpPatterns()
        ? LayerChoice.Whole.COUNTS_AND_PATTERNS
        : LayerChoice.Whole.COUNTS;
  }

  private static boolean counted(Value value) {
    return value instanceof Value.Planar planar && planar.numbers() == PlaneNumbers.COUNTS;
  }

  /**
   * Whether all readers of spikes had better have them counted in planes; notes how they go on.
   *
   * @param levels how many spikes are counted together
   */
  private boolean takesCounts(String name, int levels) {
    List<String> readers = graph.consumers(name);
    return !readers.isEmpty()
        && !name.equals(graph.output())
        && graph.shape(name) instanceof Shape.Map map
        && readers.stream().map(graph::node).allMatch(reader -> takesCounts(reader, map, levels));
  }

  private boolean takesCounts(Node reader, Shape.Map map, int levels) {
    String name = reader.name();
    return switch (reader.op()) {
      case Op.Conv2d conv -> {
        // A reader is asked about for its neurons and for the layer before them.
        LayerChoice choice =
            whole.computeIfAbsent(
                name,
                _ -> {
                  Layer layer = layer(name, map, conv);
                  double spikes = densities.of(reader.inputs().getFirst());
                  return LayerChoice.ofSpikes(facts(layer, map, false, spikes, true, levels), true);
                });
        yield choice.whole();
      }
      case Op.AvgPool(int kernel, _) ->
          levels * kernel * kernel <= MAX_LEVELS && takesCounts(name, levels * kernel * kernel);
      case Op.MaxPool _, Op.Dropout _ -> takesCounts(name, levels);
      case Op.GlobalAvgPool _ -> true;
      default -> false;
    };
  }

  /** Returns of how many spikes the value is an average, or 0 if it is any numbers. */
  private static int levels(Value value) {
    return switch (value) {
      case Value.Analog _ -> 0;
      case Value.Spikes spikes -> spikes.levels();
      case Value.Planar planar -> planar.levels();
    };
  }

  /** Returns what spikes are when they are packed, without a buffer. */
  private static Value.Spikes packedLike(Value value) {
    return switch (value) {
      case Value.Spikes spikes -> spikes;
      case Value.Planar planar ->
          new Value.Spikes(
              planar.shape(),
              0,
              planar.shape().height(),
              planar.shape().width(),
              planar.shape().channels(),
              planar.levels());
      case Value.Analog _ -> throw new IllegalArgumentException("numbers are not packed");
    };
  }

  /** Returns the planes of a value when images are run. */
  private Planes usual(Value.Planar value) {
    return placements.layout(value.layout()).planes(Math.max(1, timeSteps));
  }

  private int nextSynapse(String name) {
    synapses.add(name);
    return synapses.size() - 1;
  }

  private Value sparse(
      Layer layer,
      ConvolutionShape shape,
      Value in,
      boolean constant,
      @Nullable Affine bias,
      String reason) {
    String name = layer.node();
    Value.Planar planar = planes(name, in, shape.stride());
    startChain();
    PlaneLayout layout = new PlaneLayout((Shape.Map) graph.shape(name), constant, border, 1);
    Value.Planar out = newPlanes(name, layout, bias, 0, PlaneNumbers.FLOATS);
    addToChain(
        new SparseLayer(
            name,
            placements.nextSparse(),
            layer.compress(shape, usual(planar), usual(out)),
            new PlaneCount(nextSynapse(name), layer.reach(), planar),
            planar,
            out,
            reason),
        out);
    return out;
  }

  private Value integer(
      Layer layer, ConvolutionShape shape, Value in, LayerChoice choice, @Nullable Affine bias) {
    String name = layer.node();
    float[] scales = requireNonNull(layer.scales());
    Value.Planar counts = counts(name, in);
    boolean patterns = choice.kernel() == LayerChoice.Kernel.PATTERNS;
    int number = placements.nextInteger();
    addToChain(
        new ShiftStep(name, number, patterns ? IntegerConvolution.TOGETHER : 1, counts), counts);
    startChain();
    Affine scaling = Affine.scaling(scales, counts.levels());
    Affine affine = bias == null ? scaling : Affine.then(scaling, bias);
    Value.Planar out =
        newPlanes(name, layout(name, isCounted(name) ? 0 : border), affine, 0, PlaneNumbers.FLOATS);
    addToChain(
        new IntegerLayer(
            name,
            number,
            layer.compress(shape, usual(counts), usual(out), scales, counts.levels(), patterns),
            new PlaneCount(nextSynapse(name), layer.reach(), counts),
            counts,
            out,
            choice.reason()),
        out);
    return out;
  }

  /** Whether all that reads currents are neurons whose spikes are counted. */
  private boolean isCounted(String name) {
    return !name.equals(graph.output())
        && graph.consumers(name).stream()
            .map(graph::node)
            .allMatch(
                reader ->
                    switch (reader.op()) {
                      case Op.Neuron _ -> takesCounts(reader.name(), 1);
                      case Op.BatchNorm _, Op.Dropout _ -> isCounted(reader.name());
                      default -> false;
                    });
  }

  private Value.Planar counts(String name, Value value) {
    return switch (value) {
      case Value.Planar planar when counted(planar) -> planar;
      case Value.Spikes spikes -> {
        Shape.Map shape = (Shape.Map) spikes.shape();
        PlaneLayout layout = new PlaneLayout(shape, false, 0, 1);
        Value.Planar out = temporaryPlanes(layout, spikes.levels(), PlaneNumbers.COUNTS);
        add(new SpikesIntoPlanes(name, spikes, out));
        yield out;
      }
      case Value.Planar _, Value.Analog _ -> throw new IllegalStateException(name);
    };
  }

  private void add(Step step) {
    steps.add(step);
    chain = new ArrayList<>();
  }

  /** Ends the chain that is being made: all of what it reads may be written from now on. */
  private void startChain() {
    chain = new ArrayList<>();
    held.forEach(planar -> planes.release(planar.buffer()));
    held.clear();
  }

  /** Adds a step to the chain that is being made if it goes on there, or else begins one. */
  private void addToChain(PlaneStep step, Value.Planar out) {
    placements.add(step);
    int channels = out.shape().channels();
    if (!chain.isEmpty() && ((PlaneChain) steps.getLast()).planes() == channels) {
      steps.removeLast();
    } else {
      chain = new ArrayList<>();
    }
    chain.add(step);
    steps.add(new PlaneChain(List.copyOf(chain), channels));
  }

  private Value through(String name, Value in, Affine affine) {
    if (in instanceof Value.Planar planar) {
      planes.share(planar.buffer(), readers(name));
      return new Value.Planar(
          planar.shape(),
          planar.buffer(),
          planar.layout(),
          planar.constant(),
          Affine.then(planar.affine(), affine),
          0,
          PlaneNumbers.FLOATS);
    }
    Value.Analog analog = numbers(name, in);
    floats.share(analog.buffer(), readers(name));
    return new Value.Analog(
        analog.shape(), analog.buffer(), analog.constant(), Affine.then(analog.affine(), affine));
  }

  private Value neurons(String name, Op.Neuron neuron, Value value) {
    layers.add(name);
    boolean counts = takesCounts(name, 1);
    // Cheaper before the neurons, where there is one map for all time steps, than behind them.
    Value in =
        counts && value instanceof Value.Analog analog && analog.constant()
            ? currents(name, analog)
            : value;
    if (in instanceof Value.Planar planar) {
      int channels = planar.shape().channels();
      PlaneNumbers spikes = counts ? PlaneNumbers.COUNTS : PlaneNumbers.FLOATS;
      int around = placements.layout(planar.layout()).border();
      Value.Planar out = newPlanes(name, layout(name, around), null, 1, spikes);
      PlaneNeuronStep step =
          new PlaneNeuronStep(
              name,
              neurons.size(),
              placements.nextNeurons(),
              NeuronStep.constants(neuron),
              planar,
              out,
              Affine.scales(planar.affine(), channels),
              Affine.shifts(planar.affine(), channels));
      neurons.add(step);
      addToChain(step, out);
      return out;
    }
    Value.Analog current = numbers(name, in);
    Shape shape = current.shape();
    Value.Spikes out =
        shape instanceof Shape.Map(int height, int width, int channels)
            ? newSpikes(name, height, width, channels, 1)
            : newSpikes(name, 1, 1, shape.channels(), 1);
    NeuronStep step =
        new NeuronStep(
            name,
            neurons.size(),
            NeuronStep.constants(neuron),
            current,
            out,
            Affine.scales(current.affine(), shape.channels()),
            Affine.shifts(current.affine(), shape.channels()));
    neurons.add(step);
    add(step);
    return out;
  }

  private Value pool(String name, boolean average, int kernel, int stride, Value in) {
    Shape.Map from = (Shape.Map) in.shape();
    Shape.Map to = (Shape.Map) graph.shape(name);
    if (in instanceof Value.Planar planar && (average || planar.affine() == null)) {
      long levels = average ? (long) planar.levels() * kernel * kernel : planar.levels();
      int around = counted(planar) ? 0 : border;
      Value.Planar out =
          newPlanes(
              name,
              new PlaneLayout(to, planar.constant(), around, 1),
              planar.affine(),
              levels <= MAX_LEVELS ? (int) levels : 0,
              planar.numbers());
      int number = placements.nextPool();
      addToChain(new PlanePoolStep(name, number, average, kernel, stride, planar, out), out);
      return out;
    }
    if (in instanceof Value.Spikes spikes) {
      long levels = average ? (long) spikes.levels() * kernel * kernel : spikes.levels();
      if (levels <= MAX_LEVELS) {
        Value.Spikes out = newSpikes(name, to.height(), to.width(), to.channels(), (int) levels);
        add(new SpikePool(name, average, kernel, stride, spikes, out));
        return out;
      }
    }
    // A mean of affine maps is the map of the mean; of a maximum that is not true.
    Value.Analog numbers = average ? numbers(name, in) : plain(name, in);
    Value.Analog out = newFloats(name, numbers.constant());
    add(new AnalogPool(name, average, kernel, stride, numbers, from, out, to));
    return new Value.Analog(to, out.buffer(), out.constant(), numbers.affine());
  }

  private Value mean(String name, Value value) {
    if (value instanceof Value.Planar counts && counted(counts)) {
      Value.Analog out = newFloats(name, false);
      add(new CountMean(name, counts, out));
      return out;
    }
    Value in = maps(name, value);
    return switch (in) {
      case Value.Planar _ -> throw new IllegalStateException(name);
      case Value.Spikes spikes -> {
        Value.Analog out = newFloats(name, false);
        add(new SpikeMean(name, spikes, out));
        yield out;
      }
      case Value.Analog analog -> {
        Value.Analog out = newFloats(name, analog.constant());
        add(new AnalogMean(name, analog, out));
        yield new Value.Analog(out.shape(), out.buffer(), out.constant(), analog.affine());
      }
    };
  }

  private Value flatten(String name, Value value) {
    Shape shape = graph.shape(name);
    Value in = maps(name, value);
    return switch (in) {
      case Value.Planar _ -> throw new IllegalStateException(name);
      case Value.Spikes spikes -> {
        words.share(spikes.buffer(), readers(name));
        yield new Value.Spikes(
            shape,
            spikes.buffer(),
            spikes.height(),
            spikes.width(),
            spikes.channels(),
            spikes.levels());
      }
      case Value.Analog analog -> {
        // What belongs to a channel of the map belongs to no channel of the vector.
        Value.Analog source = analog.pixels() > 1 ? plain(name, analog) : analog;
        floats.share(source.buffer(), readers(name));
        yield new Value.Analog(shape, source.buffer(), source.constant(), source.affine());
      }
    };
  }

  private Value renamed(String name, Value in) {
    buffers(in).share(in.buffer(), readers(name));
    return in;
  }

  private Value sum(Node node) {
    String name = node.name();
    int channels = graph.shape(name).channels();
    if (node.inputs().stream().allMatch(input -> value(input) instanceof Value.Planar)) {
      return planarSum(node, channels);
    }
    List<AddStep.Term> terms = new ArrayList<>();
    double[] shift = new double[channels];
    boolean constant = true;
    for (String input : node.inputs()) {
      Value.Analog term = numbers(name, value(input));
      constant &= term.constant();
      terms.add(new AddStep.Term(term, Affine.scales(term.affine(), channels)));
      addShift(term.affine(), shift);
    }
    Value.Analog out = newFloats(name, constant);
    add(new AddStep(name, List.copyOf(terms), floats(shift), out));
    return out;
  }

  private Value planarSum(Node node, int channels) {
    String name = node.name();
    List<PlaneAddStep.Term> terms = new ArrayList<>();
    double[] shift = new double[channels];
    boolean constant = true;
    for (String input : node.inputs()) {
      Value.Planar term = (Value.Planar) value(input);
      constant &= term.constant();
      terms.add(new PlaneAddStep.Term(term, Affine.scales(term.affine(), channels)));
      addShift(term.affine(), shift);
    }
    PlaneLayout layout = new PlaneLayout((Shape.Map) graph.shape(name), constant, border, 1);
    Value.Planar out = newPlanes(name, layout, null, 0, PlaneNumbers.FLOATS);
    addToChain(new PlaneAddStep(name, List.copyOf(terms), floats(shift), out), out);
    return out;
  }

  private static void addShift(@Nullable Affine affine, double[] sums) {
    for (int c = 0; affine != null && c < sums.length; c++) {
      sums[c] += affine.shift()[c];
    }
  }

  private static float[] floats(double[] values) {
    float[] floats = new float[values.length];
    for (int c = 0; c < values.length; c++) {
      floats[c] = (float) values[c];
    }
    return floats;
  }

  private Value gate(String name, Value value) {
    float[] gates = weights.get(name + ".gate").data();
    Value in = maps(name, value);
    if (in instanceof Value.Spikes spikes
        && spikes.channels() == spikes.shape().channels()
        && SpikeGate.covers(gates)) {
      Value.Spikes out =
          newSpikes(name, spikes.height(), spikes.width(), spikes.channels(), spikes.levels());
      add(SpikeGate.of(name, gates, spikes, out));
      return out;
    }
    Value.Analog numbers = plain(name, in);
    Value.Analog out = newFloats(name, numbers.constant());
    add(new AnalogGate(name, gates, numbers, out));
    return out;
  }

  private Value select(String name, List<Integer> channels, Value value) {
    Value in = maps(name, value);
    int[] indices = channels.stream().mapToInt(Integer::intValue).toArray();
    if (in instanceof Value.Spikes spikes && spikes.channels() == spikes.shape().channels()) {
      Value.Spikes out =
          newSpikes(name, spikes.height(), spikes.width(), indices.length, spikes.levels());
      add(new SpikeSelect(name, indices, spikes, out));
      return out;
    }
    Value.Analog numbers = numbers(name, in);
    Value.Analog out = newFloats(name, numbers.constant());
    add(new AnalogSelect(name, indices, numbers, out));
    Affine affine = numbers.affine();
    return new Value.Analog(
        out.shape(), out.buffer(), out.constant(), affine == null ? null : affine.select(channels));
  }

  /** Returns the value as floats, with what must still be done to them. */
  private Value.Analog numbers(String name, Value value) {
    return switch (value) {
      case Value.Analog analog -> analog;
      case Value.Planar planar -> {
        Value.Analog out = temporary(planar.shape(), planar.constant());
        add(new FromPlanes(name, planar, out));
        yield new Value.Analog(out.shape(), out.buffer(), out.constant(), planar.affine());
      }
      case Value.Spikes spikes -> {
        Value.Analog out = temporary(spikes.shape(), false);
        add(new Unpack(name, spikes, out));
        yield out;
      }
    };
  }

  /** Returns the value out of planes, spikes as bits. */
  private Value maps(String name, Value value) {
    if (!(value instanceof Value.Planar)) {
      return value;
    }
    return levels(value) > 0 ? packed(name, value) : numbers(name, value);
  }

  /** Returns spikes, or averages of them, as bits. */
  private Value.Spikes packed(String name, Value value) {
    if (value instanceof Value.Spikes spikes) {
      return spikes;
    }
    Value.Planar planar = (Value.Planar) value;
    Value.Spikes like = packedLike(planar);
    int buffer = words.take(like.sampleWords(), false, 1);
    Value.Spikes out =
        new Value.Spikes(
            like.shape(), buffer, like.height(), like.width(), like.channels(), like.levels());
    temporaries.add(out);
    add(new SpikesFromPlanes(name, planar, out));
    return out;
  }

  /** Returns the value in planes of such a step with nothing left to be done to it. */
  private Value.Planar planes(String name, Value value, int step) {
    return switch (value) {
      case Value.Planar planar when planar.affine() == null && step == 1 -> planar;
      case Value.Planar planar when planar.affine() == null -> {
        PlaneLayout layout = new PlaneLayout(planar.shape(), planar.constant(), border, step);
        Value.Planar out = temporaryPlanes(layout, planar.levels(), PlaneNumbers.FLOATS);
        add(new PlanesToPlanes(name, planar, out));
        yield out;
      }
      case Value.Spikes spikes -> {
        PlaneLayout layout = new PlaneLayout((Shape.Map) spikes.shape(), false, border, step);
        Value.Planar out = temporaryPlanes(layout, spikes.levels(), PlaneNumbers.FLOATS);
        add(new SpikesIntoPlanes(name, spikes, out));
        yield out;
      }
      case Value.Planar _, Value.Analog _ -> {
        Value.Analog plain = plain(name, value);
        PlaneLayout layout =
            new PlaneLayout((Shape.Map) plain.shape(), plain.constant(), border, step);
        Value.Planar out = temporaryPlanes(layout, 0, PlaneNumbers.FLOATS);
        add(new IntoPlanes(name, plain, out, true));
        yield out;
      }
    };
  }

  /** Returns input currents in planes, with what must still be done to them. */
  private Value.Planar currents(String name, Value.Analog analog) {
    Shape.Map shape = (Shape.Map) analog.shape();
    PlaneLayout layout = new PlaneLayout(shape, analog.constant(), 0, 1);
    Value.Planar out = temporaryPlanes(layout, 0, PlaneNumbers.FLOATS);
    add(new IntoPlanes(name, analog, out, false));
    return new Value.Planar(
        shape, out.buffer(), out.layout(), out.constant(), analog.affine(), 0, PlaneNumbers.FLOATS);
  }

  /** Returns the value as floats with nothing left to be done to them. */
  private Value.Analog plain(String name, Value value) {
    Value.Analog numbers = numbers(name, value);
    Affine affine = numbers.affine();
    if (affine == null) {
      return numbers;
    }
    int channels = numbers.shape().channels();
    Value.Analog out = temporary(numbers.shape(), numbers.constant());
    add(
        new Rescale(
            name, numbers, Affine.scales(affine, channels), Affine.shifts(affine, channels), out));
    return out;
  }

  private Value.Analog temporary(Shape shape, boolean constant) {
    Value.Analog value =
        new Value.Analog(shape, floats.take(shape.size(), constant, 1), constant, null);
    temporaries.add(value);
    return value;
  }

  private Value.Analog newFloats(String name, boolean constant) {
    Shape shape = graph.shape(name);
    int buffer = floats.take(shape.size(), constant, readers(name));
    return new Value.Analog(shape, buffer, constant, null);
  }

  /** Returns where what is not the same at all time steps lies. */
  private PlaneLayout layout(String name, int around) {
    return new PlaneLayout((Shape.Map) graph.shape(name), false, around, 1);
  }

  private Value.Planar newPlanes(
      String name, PlaneLayout layout, @Nullable Affine affine, int levels, PlaneNumbers numbers) {
    return newPlanes(layout, affine, levels, numbers, readers(name));
  }

  private Value.Planar temporaryPlanes(PlaneLayout layout, int levels, PlaneNumbers numbers) {
    Value.Planar value = newPlanes(layout, null, levels, numbers, 1);
    temporaries.add(value);
    return value;
  }

  private Value.Planar newPlanes(
      PlaneLayout layout,
      @Nullable Affine affine,
      int levels,
      PlaneNumbers numbers,
      int readerCount) {
    int number = placements.add(layout);
    int buffer = planes.take(layout.shape().size(), layout.constant(), readerCount);
    if (buffer == planeLayouts.size()) {
      planeLayouts.add(new ArrayList<>());
    }
    planeLayouts.get(buffer).add(number);
    return new Value.Planar(
        layout.shape(), buffer, number, layout.constant(), affine, levels, numbers);
  }

  private Value.Spikes newSpikes(String name, int height, int width, int channels, int levels) {
    long size = (long) height * width * levels * Math.ceilDiv(channels, Long.SIZE);
    if (size > Integer.MAX_VALUE) {
      throw new GraphException(name + ": packed spikes of " + graph.shape(name) + " are too large");
    }
    Value.Spikes unplaced = new Value.Spikes(graph.shape(name), 0, height, width, channels, levels);
    int buffer = words.take(unplaced.sampleWords(), false, readers(name));
    return new Value.Spikes(unplaced.shape(), buffer, height, width, channels, levels);
  }

  /** Returns how many read the node's value, who reads the network's output included. */
  private int readers(String name) {
    return graph.consumers(name).size() + (name.equals(graph.output()) ? 1 : 0);
  }

  private Buffers buffers(Value value) {
    return switch (value) {
      case Value.Analog _ -> floats;
      case Value.Spikes _ -> words;
      case Value.Planar _ -> planes;
    };
  }

  private void release(Value value) {
    if (value instanceof Value.Planar planar) {
      held.add(planar);
    } else {
      buffers(value).release(value.buffer());
    }
  }

  private Value value(String name) {
    @Nullable Value value = values.get(name);
    if (value == null) {
      throw new IllegalStateException(name + " is read before it is made");
    }
    return value;
  }
}
