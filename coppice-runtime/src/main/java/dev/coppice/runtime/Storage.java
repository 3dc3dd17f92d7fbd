package dev.coppice.runtime;

import dev.coppice.graph.Graph;
import dev.coppice.graph.GraphException;
import dev.coppice.graph.Node;
import dev.coppice.graph.Shape;
import dev.coppice.kernels.PlaneNumbers;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** The values of a network and the buffers that they share, while its plan is made. */
final class Storage {
  private final Graph graph;
  private final Placements placements;
  private final Buffers floats = new Buffers();
  private final Buffers words = new Buffers();
  private final Buffers planes = new Buffers();

  /** The layouts of the values in each buffer of planes. */
  private final List<List<Integer>> planeLayouts = new ArrayList<>();

  private final Map<String, Value> values = new HashMap<>();

  /** Values that the node at hand made for itself. */
  private final List<Value> temporaries = new ArrayList<>();

  /** Planes that a chain reads: they may not be written before all of it has run. */
  private final List<Value.Planar> held = new ArrayList<>();

  Storage(Graph graph, Placements placements) {
    this.graph = graph;
    this.placements = placements;
  }

  Value value(String name) {
    @Nullable Value value = values.get(name);
    if (value == null) {
      throw new IllegalStateException(name + " is read before it is made");
    }
    return value;
  }

  /** Notes what a node gives: it has read its inputs, and needs nothing else of what it made. */
  void put(Node node, Value made) {
    values.put(node.name(), made);
    node.inputs().forEach(name -> release(value(name)));
    temporaries.forEach(this::release);
    temporaries.clear();
  }

  /** Notes that the value of a node is read under another name. */
  void share(Value value, String name) {
    buffers(value).share(value.buffer(), readers(name));
  }

  /** Notes that all planes that were read may be written from now on. */
  void chainEnds() {
    held.forEach(planar -> planes.release(planar.buffer()));
    held.clear();
  }

  Value.Analog temporary(Shape shape, boolean constant) {
    Value.Analog value =
        new Value.Analog(shape, floats.take(shape.size(), constant, 1), constant, null);
    temporaries.add(value);
    return value;
  }

  Value.Analog newFloats(String name, boolean constant) {
    Shape shape = graph.shape(name);
    int buffer = floats.take(shape.size(), constant, readers(name));
    return new Value.Analog(shape, buffer, constant, null);
  }

  /** Returns where what is not the same at all time steps lies. */
  PlaneLayout layout(String name, int around) {
    return new PlaneLayout((Shape.Map) graph.shape(name), false, around, 1);
  }

  Value.Planar newPlanes(
      String name, PlaneLayout layout, @Nullable Affine affine, int levels, PlaneNumbers numbers) {
    return newPlanes(layout, affine, levels, numbers, readers(name));
  }

  Value.Planar temporaryPlanes(PlaneLayout layout, int levels, PlaneNumbers numbers) {
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

  Value.Spikes newSpikes(String name, int height, int width, int channels, int levels) {
    long size = (long) height * width * levels * Math.ceilDiv(channels, Long.SIZE);
    if (size > Integer.MAX_VALUE) {
      throw new GraphException(name + ": packed spikes of " + graph.shape(name) + " are too large");
    }
    Value.Spikes unplaced = new Value.Spikes(graph.shape(name), 0, height, width, channels, levels);
    return unplaced.inBuffer(words.take(unplaced.sampleWords(), false, readers(name)));
  }

  /** Returns spikes like these, for the node at hand. */
  Value.Spikes temporaryWords(Value.Spikes like) {
    Value.Spikes made = like.inBuffer(words.take(like.sampleWords(), false, 1));
    temporaries.add(made);
    return made;
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

  List<Buffers.Size> floats() {
    return floats.sizes();
  }

  List<Buffers.Size> words() {
    return words.sizes();
  }

  List<List<Integer>> planeLayouts() {
    return planeLayouts.stream().map(List::copyOf).toList();
  }
}
