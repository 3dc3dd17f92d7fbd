package dev.coppice.runtime;

import dev.coppice.graph.DenseOperations;
import dev.coppice.graph.Graph;
import dev.coppice.graph.GraphException;
import dev.coppice.graph.Model;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Weights;
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
  private final List<Step> steps = new ArrayList<>();
  private final List<NeuronStep> neurons = new ArrayList<>();
  private final List<SynapseStep> synapses = new ArrayList<>();
  private final Map<String, Value> values = new HashMap<>();

  /** Values that the node at hand made for itself. */
  private final List<Value> temporaries = new ArrayList<>();

  private Compiler(Model model) {
    this.graph = model.graph();
    this.weights = model.weights();
  }

  /**
   * Returns the plan of a model.
   *
   * @throws dev.coppice.graph.GraphException if a layer is too large
   */
  static Plan compile(Model model) {
    return new Compiler(model).compile();
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
        List.copyOf(neurons),
        List.copyOf(synapses),
        input,
        output);
  }

  private Value compile(Node node) {
    String name = node.name();
    Value in = value(node.inputs().getFirst());
    return switch (node.op()) {
      case Op.Input _ -> throw new IllegalStateException(name);
      case Op.Conv2d conv ->
          layer(
              new Layer(
                  name,
                  (Shape.Map) in.shape(),
                  conv,
                  weights.get(name + ".weight").data(),
                  DenseOperations.perStep(graph, node)),
              in);
      case Op.Linear(int inFeatures, int outFeatures, boolean bias) ->
          layer(
              new Layer(
                  name,
                  new Shape.Map(1, 1, inFeatures),
                  new Op.Conv2d(inFeatures, outFeatures, 1, 1, 0, 1, bias),
                  weights.get(name + ".weight").data(),
                  DenseOperations.perStep(graph, node)),
              in);
      case Op.BatchNorm norm -> through(name, in, Affine.norm(name, norm, weights));
      case Op.Neuron neuron -> neurons(name, neuron, in);
      case Op.AvgPool(int kernel, int stride) -> pool(name, true, kernel, stride, in);
      case Op.MaxPool(int kernel, int stride) -> pool(name, false, kernel, stride, in);
      case Op.GlobalAvgPool _ -> mean(name, in);
      case Op.Flatten _ -> flatten(name, in);
      case Op.Dropout _ -> renamed(name, in);
      case Op.Add _ -> sum(node);
      case Op.Select(List<Integer> channels) -> select(name, channels, in);
    };
  }

  private Value layer(Layer layer, Value in) {
    String name = layer.node();
    boolean constant = in instanceof Value.Analog analog && analog.constant();
    Affine bias = layer.conv().bias() ? Affine.bias(weights.get(name + ".bias").data()) : null;
    Value.Analog out = newFloats(name, constant);
    int index = synapses.size();
    SynapseStep step =
        in instanceof Value.Spikes spikes ? LayerChoice.ofSpikes(layer, index, spikes, out) : null;
    if (step == null) {
      step = LayerChoice.ofNumbers(layer, index, plain(name, in), out);
    }
    synapses.add(step);
    steps.add(step);
    return new Value.Analog(out.shape(), out.buffer(), constant, bias);
  }

  private Value through(String name, Value in, Affine affine) {
    Value.Analog analog = numbers(name, in);
    floats.share(analog.buffer(), readers(name));
    return new Value.Analog(
        analog.shape(), analog.buffer(), analog.constant(), Affine.then(analog.affine(), affine));
  }

  private Value neurons(String name, Op.Neuron neuron, Value in) {
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
    steps.add(step);
    return out;
  }

  private Value pool(String name, boolean average, int kernel, int stride, Value in) {
    Shape.Map from = (Shape.Map) in.shape();
    Shape.Map to = (Shape.Map) graph.shape(name);
    if (in instanceof Value.Spikes spikes) {
      long levels = average ? (long) spikes.levels() * kernel * kernel : spikes.levels();
      if (levels <= MAX_LEVELS) {
        Value.Spikes out = newSpikes(name, to.height(), to.width(), to.channels(), (int) levels);
        steps.add(new SpikePool(name, average, kernel, stride, spikes, out));
        return out;
      }
    }
    // A mean of affine maps is the map of the mean; of a maximum that is not true.
    Value.Analog numbers = average ? numbers(name, in) : plain(name, in);
    Value.Analog out = newFloats(name, numbers.constant());
    steps.add(new AnalogPool(name, average, kernel, stride, numbers, from, out, to));
    return new Value.Analog(to, out.buffer(), out.constant(), numbers.affine());
  }

  private Value mean(String name, Value in) {
    return switch (in) {
      case Value.Spikes spikes -> {
        Value.Analog out = newFloats(name, false);
        steps.add(new SpikeMean(name, spikes, out));
        yield out;
      }
      case Value.Analog analog -> {
        Value.Analog out = newFloats(name, analog.constant());
        steps.add(new AnalogMean(name, analog, out));
        yield new Value.Analog(out.shape(), out.buffer(), out.constant(), analog.affine());
      }
    };
  }

  private Value flatten(String name, Value in) {
    Shape shape = graph.shape(name);
    return switch (in) {
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
    (in instanceof Value.Spikes ? words : floats).share(in.buffer(), readers(name));
    return in;
  }

  private Value sum(Node node) {
    String name = node.name();
    int channels = graph.shape(name).channels();
    List<AddStep.Term> terms = new ArrayList<>();
    double[] shift = new double[channels];
    boolean constant = true;
    for (String input : node.inputs()) {
      Value.Analog term = numbers(name, value(input));
      constant &= term.constant();
      terms.add(new AddStep.Term(term, Affine.scales(term.affine(), channels)));
      for (int c = 0; term.affine() != null && c < channels; c++) {
        shift[c] += term.affine().shift()[c];
      }
    }
    Value.Analog out = newFloats(name, constant);
    float[] shifts = new float[channels];
    for (int c = 0; c < channels; c++) {
      shifts[c] = (float) shift[c];
    }
    steps.add(new AddStep(name, List.copyOf(terms), shifts, out));
    return out;
  }

  private Value select(String name, List<Integer> channels, Value in) {
    int[] indices = channels.stream().mapToInt(Integer::intValue).toArray();
    if (in instanceof Value.Spikes spikes && spikes.channels() == spikes.shape().channels()) {
      Value.Spikes out =
          newSpikes(name, spikes.height(), spikes.width(), indices.length, spikes.levels());
      steps.add(new SpikeSelect(name, indices, spikes, out));
      return out;
    }
    Value.Analog numbers = numbers(name, in);
    Value.Analog out = newFloats(name, numbers.constant());
    steps.add(new AnalogSelect(name, indices, numbers, out));
    Affine affine = numbers.affine();
    return new Value.Analog(
        out.shape(), out.buffer(), out.constant(), affine == null ? null : affine.select(channels));
  }

  /** Returns the value as floats, with what must still be done to them. */
  private Value.Analog numbers(String name, Value value) {
    return switch (value) {
      case Value.Analog analog -> analog;
      case Value.Spikes spikes -> {
        Value.Analog out = temporary(spikes.shape(), false);
        steps.add(new Unpack(name, spikes, out));
        yield out;
      }
    };
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
    steps.add(
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

  private void release(Value value) {
    (value instanceof Value.Spikes ? words : floats).release(value.buffer());
  }

  private Value value(String name) {
    @Nullable Value value = values.get(name);
    if (value == null) {
      throw new IllegalStateException(name + " is read before it is made");
    }
    return value;
  }
}
