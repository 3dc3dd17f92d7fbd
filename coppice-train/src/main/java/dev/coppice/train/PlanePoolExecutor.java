package dev.coppice.train;

import dev.coppice.graph.Shape;
import dev.coppice.kernels.Kernels;
import dev.coppice.kernels.PlaneAverage;
import dev.coppice.kernels.Planes;
import java.util.List;

/** Averages over windows that do not overlap, in planes where the input comes in planes. */
final class PlanePoolExecutor implements Executor {
  private final String name;
  private final int window;
  private final Shape.Map out;
  private final Executor dense;
  private final Kernels kernels;
  private final PlaneStore store;

  PlanePoolExecutor(
      String name, int window, Shape.Map out, Executor dense, Kernels kernels, PlaneStore store) {
    this.name = name;
    this.window = window;
    this.out = out;
    this.dense = dense;
    this.kernels = kernels;
    this.store = store;
  }

  @Override
  public Result forward(List<Activation> inputs, Pass pass) {
    Activation input = inputs.getFirst();
    PlaneMaps bits = input.maps().bits();
    PlaneMaps x = bits == null ? input.maps().planes() : bits;
    if (x == null || x.layout().step() != 1) {
      return dense.forward(inputs, pass);
    }
    Planes layout =
        new Planes(
            out.channels(), out.height(), out.width(), x.layout().group(), store.border(), 1);
    PlaneAverage geometry = new PlaneAverage(x.layout(), layout, window);
    PlaneMaps y = store.take(layout, x.images());
    y.lazily(
        store.timed(
            name,
            (from, to) -> {
              if (bits == null) {
                kernels.planeAverage(geometry, x.memory(), y.memory(), x.groups(), from, to);
              } else {
                kernels.planeBitsAverage(geometry, x.memory(), y.memory(), x.groups(), from, to);
              }
            }),
        x);
    return new Result(
        new Activation(Maps.of(y, pass.manager()), input.constant()),
        pass.training()
            ? (PlaneBackward) gradient -> back(gradient, geometry, x.images(), pass)
            : null);
  }

  private Maps back(Maps gradient, PlaneAverage geometry, int images, Pass pass) {
    PlaneMaps incoming = gradient.takePlanes(geometry.out(), store);
    PlaneMaps result = store.take(geometry.in(), images);
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
