package dev.coppice.train;

import ai.djl.ndarray.NDArray;
import dev.coppice.graph.Shape;
import dev.coppice.kernels.Kernels;
import dev.coppice.kernels.PlaneAverage;
import dev.coppice.kernels.Planes;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Averages over windows that do not overlap: in planes where the input comes in planes, and of
 * images otherwise.
 */
final class AveragePoolExecutor implements Executor {
  private final String name;
  private final int window;
  private final Shape.Map out;
  private final PlaneAverage ofImage;
  private final Kernels kernels;
  private final PlaneStore store;

  AveragePoolExecutor(
      String name, int window, Shape.Map in, Shape.Map out, Kernels kernels, PlaneStore store) {
    this.name = name;
    this.window = window;
    this.out = out;
    this.ofImage = new PlaneAverage(image(in), image(out), window);
    this.kernels = kernels;
    this.store = store;
  }

  /** Channels side by side are to the kernels what images side by side are. */
  private static Planes image(Shape.Map map) {
    return new Planes(1, map.height(), map.width(), map.channels(), 0, 1);
  }

  @Override
  public Result forward(List<Activation> inputs, Pass pass) {
    Activation input = inputs.getFirst();
    PlaneMaps marks = input.maps().marks();
    PlaneMaps x = marks == null ? input.maps().planes() : marks;
    if (x == null || x.layout().step() != 1) {
      return ofImages(input, pass);
    }
    Planes layout =
        new Planes(
            out.channels(), out.height(), out.width(), x.layout().group(), store.border(), 1);
    PlaneAverage geometry = new PlaneAverage(x.layout(), layout, window);
    PlaneMaps y = store.take(layout, x.images(), x.live());
    y.lazily(
        store.timed(
            name,
            (from, to) -> {
              if (marks == null) {
                kernels.planeAverage(geometry, x.memory(), y.memory(), x.groups(), from, to);
              } else {
                kernels.planeMarksAverage(geometry, x.memory(), y.memory(), x.groups(), from, to);
              }
            }),
        x);
    return new Result(
        new Activation(Maps.of(y, pass.manager()), input.constant()),
        pass.training() ? (PlaneBackward) gradient -> back(gradient, geometry, x, pass) : null);
  }

  private Result ofImages(Activation input, Pass pass) {
    NDArray x = input.peek();
    NDArray y = images(x.getShape().get(0), ofImage.out(), pass);
    each(y, x, (after, before) -> kernels.planeAverage(ofImage, before, after, 1, 0, 1));
    Activation activation = new Activation(Maps.of(y, store.arrays()), input.constant());
    if (!pass.training()) {
      return new Result(activation, null);
    }
    return new Result(
        activation,
        gradient -> {
          NDArray result = images(gradient.getShape().get(0), ofImage.in(), pass);
          each(
              gradient,
              result,
              (after, before) -> kernels.planeAverageBackward(ofImage, after, before, 1, 0, 1));
          store.arrays().giveBack(gradient);
          return List.of(result);
        });
  }

  private NDArray images(long count, Planes image, Pass pass) {
    long[] shape = {count, image.height(), image.width(), image.group()};
    return store.arrays().take(pass, new ai.djl.ndarray.types.Shape(shape));
  }

  /** Works on an image behind the pool and the one before it. */
  private interface Images {
    void pool(MemorySegment after, MemorySegment before);
  }

  private void each(NDArray after, NDArray before, Images work) {
    long images = after.getShape().get(0);
    MemorySegment a = Memory.of(after);
    MemorySegment b = Memory.of(before);
    long aBytes = a.byteSize() / images;
    long bBytes = b.byteSize() / images;
    store
        .crew()
        .run(
            images,
            1,
            (from, to) -> {
              for (long n = from; n < to; n++) {
                work.pool(a.asSlice(n * aBytes, aBytes), b.asSlice(n * bBytes, bBytes));
              }
            });
  }

  private Maps back(Maps gradient, PlaneAverage geometry, PlaneMaps x, Pass pass) {
    PlaneMaps incoming = gradient.takePlanes(geometry.out(), store);
    PlaneMaps result = store.take(geometry.in(), x.images(), x.live());
    result.lazily(
        store.timed(
            name,
            (from, to) ->
                kernels.planeAverageBackward(
                    geometry, incoming.memory(), result.memory(), result.groups(), from, to)),
        incoming);
    incoming.release();
    return Maps.of(result, pass.manager());
  }
}
