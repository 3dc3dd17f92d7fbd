package dev.coppice.runtime;

import dev.coppice.graph.Shape;
import dev.coppice.kernels.PlaneNumbers;

/** Steps that bring values into the form that a node reads, if they are not in it already. */
final class Conversions {
  private final Storage storage;
  private final StepList steps;

  /** Zeros around every plane: what the widest kernel needs. */
  private final int border;

  /** How spikes are counted, and the zeros around planes of counts. */
  private final PlaneNumbers counted;

  private final int countBorder;

  Conversions(Storage storage, StepList steps, int border, PlaneNumbers counted, int countBorder) {
    this.storage = storage;
    this.steps = steps;
    this.border = border;
    this.counted = counted;
    this.countBorder = countBorder;
  }

  /** Returns spikes counted in planes. */
  Value.Planar counts(String name, Value value) {
    return switch (value) {
      case Value.Planar planar when planar.counted() -> planar;
      case Value.Spikes spikes -> {
        Shape.Map shape = (Shape.Map) spikes.shape();
        PlaneLayout layout = new PlaneLayout(shape, false, countBorder, 1);
        Value.Planar out = storage.temporaryPlanes(layout, spikes.levels(), counted);
        steps.add(new SpikesIntoPlanes(name, spikes, out));
        yield out;
      }
      case Value.Planar _, Value.Analog _ -> throw new IllegalStateException(name);
    };
  }

  /** Returns the value as floats, with what must still be done to them. */
  Value.Analog numbers(String name, Value value) {
    return switch (value) {
      case Value.Analog analog -> analog;
      case Value.Planar planar -> {
        Value.Analog out = storage.temporary(planar.shape(), planar.constant());
        steps.add(new FromPlanes(name, planar, out));
        yield new Value.Analog(out.shape(), out.buffer(), out.constant(), planar.affine());
      }
      case Value.Spikes spikes -> {
        Value.Analog out = storage.temporary(spikes.shape(), false);
        steps.add(new Unpack(name, spikes, out));
        yield out;
      }
    };
  }

  /** Returns the value out of planes, spikes as bits. */
  Value maps(String name, Value value) {
    if (!(value instanceof Value.Planar)) {
      return value;
    }
    return value.levels() > 0 ? packed(name, value) : numbers(name, value);
  }

  /** Returns spikes, or averages of them, as bits. */
  Value.Spikes packed(String name, Value value) {
    if (value instanceof Value.Spikes spikes) {
      return spikes;
    }
    Value.Planar planar = (Value.Planar) value;
    Value.Spikes out = storage.temporaryWords(planar.packed());
    steps.add(new SpikesFromPlanes(name, planar, out));
    return out;
  }

  /** Returns the value in planes of such a step with nothing left to be done to it. */
  Value.Planar planes(String name, Value value, int step) {
    return switch (value) {
      case Value.Planar planar when planar.affine() == null && step == 1 -> planar;
      case Value.Planar planar when planar.affine() == null -> {
        PlaneLayout layout = new PlaneLayout(planar.shape(), planar.constant(), border, step);
        Value.Planar out = storage.temporaryPlanes(layout, planar.levels(), PlaneNumbers.FLOATS);
        steps.add(new PlanesToPlanes(name, planar, out));
        yield out;
      }
      case Value.Spikes spikes -> {
        PlaneLayout layout = new PlaneLayout((Shape.Map) spikes.shape(), false, border, step);
        Value.Planar out = storage.temporaryPlanes(layout, spikes.levels(), PlaneNumbers.FLOATS);
        steps.add(new SpikesIntoPlanes(name, spikes, out));
        yield out;
      }
      case Value.Planar _, Value.Analog _ -> {
        Value.Analog plain = plain(name, value);
        PlaneLayout layout =
            new PlaneLayout((Shape.Map) plain.shape(), plain.constant(), border, step);
        Value.Planar out = storage.temporaryPlanes(layout, 0, PlaneNumbers.FLOATS);
        steps.add(new IntoPlanes(name, plain, out, true));
        yield out;
      }
    };
  }

  /** Returns input currents in planes, with what must still be done to them. */
  Value.Planar currents(String name, Value.Analog analog) {
    Shape.Map shape = (Shape.Map) analog.shape();
    PlaneLayout layout = new PlaneLayout(shape, analog.constant(), countBorder, 1);
    Value.Planar out = storage.temporaryPlanes(layout, 0, PlaneNumbers.FLOATS);
    steps.add(new IntoPlanes(name, analog, out, false));
    return new Value.Planar(
        shape, out.buffer(), out.layout(), out.constant(), analog.affine(), 0, PlaneNumbers.FLOATS);
  }

  /** Returns the value as floats with nothing left to be done to them. */
  Value.Analog plain(String name, Value value) {
    Value.Analog numbers = numbers(name, value);
    Affine affine = numbers.affine();
    if (affine == null) {
      return numbers;
    }
    int channels = numbers.shape().channels();
    Value.Analog out = storage.temporary(numbers.shape(), numbers.constant());
    steps.add(
        new Rescale(
            name, numbers, Affine.scales(affine, channels), Affine.shifts(affine, channels), out));
    return out;
  }
}
