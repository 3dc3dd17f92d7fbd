package dev.coppice.runtime;

import static java.util.Objects.requireNonNull;

import dev.coppice.graph.Graph;
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
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Makes the plan of a model, node by node. Batch norms and biases become {@link Affine} maps that
 * whoever reads them applies, exactly; dropout and flattening become nothing; spikes stay packed as
 * long as whoever reads them can read bits.
 */
final class Compiler {
  private final Graph graph;
  private final Weights weights;
  private final int timeSteps;
  private final LayerChoices choices;
  private final Placements placements = new Placements();
  private final Storage storage;
  private final StepList steps;
  private final Conversions conversions;
  private final List<NeuronLayer> neurons = new ArrayList<>();
  private final List<String> synapses = new ArrayList<>();
  private final List<String> layers = new ArrayList<>();

  /** Zeros around every plane: what the widest kernel needs. */
  private final int border;

  /** How spikes are counted for quantised layers. */
  private final PlaneNumbers counted;

  /** Zeros around planes of counts, and of the currents that these are made of. */
  private final int countBorder;

  private Compiler(Model model, int timeSteps, Kernels kernels) {
    this.graph = model.graph();
    this.weights = model.weights();
    this.timeSteps = timeSteps;
    this.choices = new LayerChoices(model, timeSteps, kernels);
    this.border = graph.nodes().stream().mapToInt(node -> border(node)).max().orElse(0);
    this.counted = kernels.quantised();
    this.countBorder = counted == PlaneNumbers.COUNTS ? 0 : border;
    this.storage = new Storage(graph, placements);
    this.steps = new StepList(placements, storage);
    this.conversions = new Conversions(storage, steps, border, counted, countBorder);
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
    Value.Analog input = storage.newFloats(inputNode.name(), true);
    storage.put(inputNode, input);
    for (Node node : graph.nodes()) {
      if (!(node.op() instanceof Op.Input)) {
        storage.put(node, compile(node));
      }
    }
    Value.Analog output = conversions.plain(graph.output(), storage.value(graph.output()));
    return new Plan(
        steps.made(),
        storage.floats(),
        storage.words(),
        storage.planeLayouts(),
        placements,
        List.copyOf(neurons),
        List.copyOf(synapses),
        List.copyOf(layers),
        input,
        output);
  }

  private Value compile(Node node) {
    String name = node.name();
    Value in = storage.value(node.inputs().getFirst());
    return switch (node.op()) {
      case Op.Input _ -> throw new IllegalStateException(name);
      case Op.Conv2d conv ->
          layer(new Layer(name, (Shape.Map) in.shape(), conv, weights), node, in);
      case Op.Linear(int inFeatures, int outFeatures, boolean bias) ->
          layer(
              new Layer(
                  name,
                  new Shape.Map(1, 1, inFeatures),
                  new Op.Conv2d(inFeatures, outFeatures, 1, 1, 0, 1, bias),
                  weights),
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

  private Value layer(Layer layer, Node node, Value in) {
    String name = layer.node();
    Affine bias = layer.conv().bias() ? Affine.bias(weights.get(name + ".bias").data()) : null;
    layers.add(name);
    ConvolutionShape map = in.shape() instanceof Shape.Map ? layer.forPlanes() : null;
    SpikeConvolution driven =
        switch (in) {
          case Value.Spikes spikes -> layer.forSpikes(spikes);
          case Value.Planar planar when planar.levels() > 0 -> layer.forSpikes(planar.packed());
          case Value.Planar _, Value.Analog _ -> null;
        };
    LayerChoice choice =
        choices.of(layer, node.inputs().getFirst(), in, driven != null, map != null);
    String reason = choice.reason();
    return switch (choice.kernel()) {
      case COUNTS, PATTERNS -> integer(layer, requireNonNull(map), in, choice, bias);
      case SPARSE -> sparse(layer, requireNonNull(map), in, bias, reason);
      case DENSE -> {
        Value.Analog plain = conversions.plain(name, in);
        Value.Analog out = storage.newFloats(name, in.constant());
        DenseConvolution shape = layer.dense();
        int index = nextSynapse(name);
        steps.add(
            new DenseLayer(
                name, index, shape, layer.pack(shape), plain, out, layer.reach(), reason));
        yield new Value.Analog(out.shape(), out.buffer(), in.constant(), bias);
      }
      case SPIKE_DRIVEN, SPIKE_COLUMNS -> {
        SpikeConvolution shape = requireNonNull(driven);
        Value.Spikes packed = conversions.packed(name, in);
        Value.Analog out = storage.newFloats(name, false);
        int index = nextSynapse(name);
        Reach reach = layer.reach(shape);
        steps.add(
            choice.kernel() == LayerChoice.Kernel.SPIKE_DRIVEN
                ? new SpikeDrivenLayer(
                    name, index, shape, layer.pack(shape), packed, out, reach, reason)
                : new SpikeColumnsLayer(
                    name, index, layer.compress(shape), packed, out, reach, reason));
        yield new Value.Analog(out.shape(), out.buffer(), false, bias);
      }
    };
  }

  /** Returns the planes of a layout when images are run. */
  private Planes usual(int layout) {
    return placements.layout(layout).planes(Math.max(1, timeSteps));
  }

  /** Returns the zeros around the planes of currents. */
  private int around(String name) {
    return choices.isCounted(name) ? countBorder : border;
  }

  private int nextSynapse(String name) {
    synapses.add(name);
    return synapses.size() - 1;
  }

  private Value sparse(
      Layer layer, ConvolutionShape shape, Value in, @Nullable Affine bias, String reason) {
    String name = layer.node();
    Value.Planar planar = conversions.planes(name, in, shape.stride());
    steps.startChain();
    int around = around(name);
    PlaneLayout layout = new PlaneLayout((Shape.Map) graph.shape(name), in.constant(), around, 1);
    Value.Planar out = storage.newPlanes(name, layout, bias, 0, PlaneNumbers.FLOATS);
    steps.addToChain(
        new SparseLayer(
            name,
            placements.nextSparse(),
            layer.compress(shape, usual(planar.layout()), usual(out.layout())),
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
    Value.Planar counts = conversions.counts(name, in);
    boolean patterns = choice.kernel() == LayerChoice.Kernel.PATTERNS;
    boolean bytes = counted == PlaneNumbers.BYTES;
    int number = bytes ? placements.nextBytes() : placements.nextInteger();
    if (!bytes) {
      int together = patterns ? IntegerConvolution.TOGETHER : 1;
      steps.addToChain(new FoldStep(name, number, together, counts), counts);
    }
    steps.startChain();
    Affine scaling = Affine.scaling(scales, counts.levels());
    Affine affine = bias == null ? scaling : Affine.then(scaling, bias);
    Value.Planar out =
        storage.newPlanes(name, storage.layout(name, around(name)), affine, 0, PlaneNumbers.FLOATS);
    PlaneCount count = new PlaneCount(nextSynapse(name), layer.reach(), counts);
    Planes from = usual(counts.layout());
    Planes to = usual(out.layout());
    int levels = counts.levels();
    steps.addToChain(
        bytes
            ? new ByteLayer(
                name,
                number,
                layer.compress(shape, from, to, scales, levels),
                count,
                counts,
                out,
                choice.reason())
            : new IntegerLayer(
                name,
                number,
                layer.compress(shape, from, to, scales, levels, patterns),
                count,
                counts,
                out,
                choice.reason()),
        out);
    return out;
  }

  private Value through(String name, Value in, Affine affine) {
    if (in instanceof Value.Planar planar) {
      storage.share(planar, name);
      return new Value.Planar(
          planar.shape(),
          planar.buffer(),
          planar.layout(),
          planar.constant(),
          Affine.then(planar.affine(), affine),
          0,
          PlaneNumbers.FLOATS);
    }
    Value.Analog analog = conversions.numbers(name, in);
    storage.share(analog, name);
    return new Value.Analog(
        analog.shape(), analog.buffer(), analog.constant(), Affine.then(analog.affine(), affine));
  }

  private Value neurons(String name, Op.Neuron neuron, Value value) {
    layers.add(name);
    boolean counts = choices.takesCounts(name, 1);
    // Cheaper before the neurons, where there is one map for all time steps, than behind them.
    Value in =
        counts && value instanceof Value.Analog analog && analog.constant()
            ? conversions.currents(name, analog)
            : value;
    if (in instanceof Value.Planar planar) {
      int channels = planar.shape().channels();
      PlaneNumbers spikes = counts ? counted : PlaneNumbers.FLOATS;
      int around = placements.layout(planar.layout()).border();
      Value.Planar out = storage.newPlanes(name, storage.layout(name, around), null, 1, spikes);
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
      steps.addNeurons(step, out, readsAlone(graph.node(name)));
      return out;
    }
    Value.Analog current = conversions.numbers(name, in);
    Shape shape = current.shape();
    Value.Spikes out =
        shape instanceof Shape.Map(int height, int width, int channels)
            ? storage.newSpikes(name, height, width, channels, 1)
            : storage.newSpikes(name, 1, 1, shape.channels(), 1);
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
    steps.add(step);
    return out;
  }

  /**
   * Whether nothing else reads what a node does, as far as there are only affine maps before it.
   */
  private boolean readsAlone(Node reader) {
    Node node = graph.node(reader.inputs().getFirst());
    boolean alone = graph.consumers(node.name()).size() == 1;
    return switch (node.op()) {
      case Op.BatchNorm _, Op.Dropout _ -> alone && readsAlone(node);
      default -> alone;
    };
  }

  private Value pool(String name, boolean average, int kernel, int stride, Value in) {
    Shape.Map from = (Shape.Map) in.shape();
    Shape.Map to = (Shape.Map) graph.shape(name);
    if (in instanceof Value.Planar planar && (average || planar.affine() == null)) {
      long levels = average ? (long) planar.levels() * kernel * kernel : planar.levels();
      int around = planar.counted() ? countBorder : border;
      Value.Planar out =
          storage.newPlanes(
              name,
              new PlaneLayout(to, planar.constant(), around, 1),
              planar.affine(),
              levels <= LayerChoices.MAX_LEVELS ? (int) levels : 0,
              planar.numbers());
      int number = placements.nextPool();
      steps.addToChain(new PlanePoolStep(name, number, average, kernel, stride, planar, out), out);
      return out;
    }
    if (in instanceof Value.Spikes spikes) {
      long levels = average ? (long) spikes.levels() * kernel * kernel : spikes.levels();
      if (levels <= LayerChoices.MAX_LEVELS) {
        Value.Spikes out =
            storage.newSpikes(name, to.height(), to.width(), to.channels(), (int) levels);
        steps.add(new SpikePool(name, average, kernel, stride, spikes, out));
        return out;
      }
    }
    // A mean of affine maps is the map of the mean; of a maximum that is not true.
    Value.Analog numbers = average ? conversions.numbers(name, in) : conversions.plain(name, in);
    Value.Analog out = storage.newFloats(name, numbers.constant());
    steps.add(new AnalogPool(name, average, kernel, stride, numbers, from, out, to));
    return new Value.Analog(to, out.buffer(), out.constant(), numbers.affine());
  }

  private Value mean(String name, Value value) {
    if (value instanceof Value.Planar counts && counts.counted()) {
      Value.Analog out = storage.newFloats(name, false);
      steps.add(new CountMean(name, counts, out));
      return out;
    }
    Value in = conversions.maps(name, value);
    return switch (in) {
      case Value.Planar _ -> throw new IllegalStateException(name);
      case Value.Spikes spikes -> {
        Value.Analog out = storage.newFloats(name, false);
        steps.add(new SpikeMean(name, spikes, out));
        yield out;
      }
      case Value.Analog analog -> {
        Value.Analog out = storage.newFloats(name, analog.constant());
        steps.add(new AnalogMean(name, analog, out));
        yield new Value.Analog(out.shape(), out.buffer(), out.constant(), analog.affine());
      }
    };
  }

  private Value flatten(String name, Value value) {
    Shape shape = graph.shape(name);
    Value in = conversions.maps(name, value);
    return switch (in) {
      case Value.Planar _ -> throw new IllegalStateException(name);
      case Value.Spikes spikes -> {
        storage.share(spikes, name);
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
        Value.Analog source = analog.pixels() > 1 ? conversions.plain(name, analog) : analog;
        storage.share(source, name);
        yield new Value.Analog(shape, source.buffer(), source.constant(), source.affine());
      }
    };
  }

  private Value renamed(String name, Value in) {
    storage.share(in, name);
    return in;
  }

  private Value sum(Node node) {
    String name = node.name();
    int channels = graph.shape(name).channels();
    if (node.inputs().stream().allMatch(input -> storage.value(input) instanceof Value.Planar)) {
      return planarSum(node, channels);
    }
    List<AddStep.Term> terms = new ArrayList<>();
    double[] shift = new double[channels];
    boolean constant = true;
    for (String input : node.inputs()) {
      Value.Analog term = conversions.numbers(name, storage.value(input));
      constant &= term.constant();
      terms.add(new AddStep.Term(term, Affine.scales(term.affine(), channels)));
      addShift(term.affine(), shift);
    }
    Value.Analog out = storage.newFloats(name, constant);
    steps.add(new AddStep(name, List.copyOf(terms), floats(shift), out));
    return out;
  }

  private Value planarSum(Node node, int channels) {
    String name = node.name();
    List<PlaneAddStep.Term> terms = new ArrayList<>();
    double[] shift = new double[channels];
    boolean constant = true;
    for (String input : node.inputs()) {
      Value.Planar term = (Value.Planar) storage.value(input);
      constant &= term.constant();
      terms.add(new PlaneAddStep.Term(term, Affine.scales(term.affine(), channels)));
      addShift(term.affine(), shift);
    }
    PlaneLayout layout = new PlaneLayout((Shape.Map) graph.shape(name), constant, border, 1);
    Value.Planar out = storage.newPlanes(name, layout, null, 0, PlaneNumbers.FLOATS);
    steps.addToChain(new PlaneAddStep(name, List.copyOf(terms), floats(shift), out), out);
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
    Value in = conversions.maps(name, value);
    if (in instanceof Value.Spikes spikes
        && spikes.channels() == spikes.shape().channels()
        && SpikeGate.covers(gates)) {
      Value.Spikes out =
          storage.newSpikes(
              name, spikes.height(), spikes.width(), spikes.channels(), spikes.levels());
      steps.add(SpikeGate.of(name, gates, spikes, out));
      return out;
    }
    Value.Analog numbers = conversions.plain(name, in);
    Value.Analog out = storage.newFloats(name, numbers.constant());
    steps.add(new AnalogGate(name, gates, numbers, out));
    return out;
  }

  private Value select(String name, List<Integer> channels, Value value) {
    Value in = conversions.maps(name, value);
    int[] indices = channels.stream().mapToInt(Integer::intValue).toArray();
    if (in instanceof Value.Spikes spikes && spikes.channels() == spikes.shape().channels()) {
      Value.Spikes out =
          storage.newSpikes(name, spikes.height(), spikes.width(), indices.length, spikes.levels());
      steps.add(new SpikeSelect(name, indices, spikes, out));
      return out;
    }
    Value.Analog numbers = conversions.numbers(name, in);
    Value.Analog out = storage.newFloats(name, numbers.constant());
    steps.add(new AnalogSelect(name, indices, numbers, out));
    Affine affine = numbers.affine();
    return new Value.Analog(
        out.shape(), out.buffer(), out.constant(), affine == null ? null : affine.select(channels));
  }
}
