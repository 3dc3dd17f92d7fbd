package dev.coppice.runtime;

import dev.coppice.kernels.ByteConvolution;
import dev.coppice.kernels.IntegerConvolution;
import dev.coppice.kernels.PlaneNeurons;
import dev.coppice.kernels.PlanePool;
import dev.coppice.kernels.Planes;
import dev.coppice.kernels.SparseConvolution;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What the steps between planes need, made for a number of time steps when it is first run and
 * shared by all sessions.
 */
final class Placements {
  private final List<PlaneLayout> layouts = new ArrayList<>();
  private final List<SparseLayer> sparse = new ArrayList<>();
  private final List<IntegerLayer> integer = new ArrayList<>();
  private final List<ByteLayer> bytes = new ArrayList<>();
  private final List<PlaneNeuronStep> neurons = new ArrayList<>();
  private final List<PlanePoolStep> pools = new ArrayList<>();
  private final Map<Integer, Placement> made = new ConcurrentHashMap<>();

  /** Adds a layout while the plan is made, and returns its number. */
  int add(PlaneLayout layout) {
    int known = layouts.indexOf(layout);
    if (known >= 0) {
      return known;
    }
    layouts.add(layout);
    return layouts.size() - 1;
  }

  PlaneLayout layout(int number) {
    return layouts.get(number);
  }

  int nextSparse() {
    return sparse.size();
  }

  int nextInteger() {
    return integer.size();
  }

  int nextBytes() {
    return bytes.size();
  }

  int nextNeurons() {
    return neurons.size();
  }

  int nextPool() {
    return pools.size();
  }

  /** Adds a step while the plan is made; its number is the one that was next. */
  void add(PlaneStep step) {
    switch (step) {
      case SparseLayer layer -> sparse.add(layer);
      case IntegerLayer layer -> integer.add(layer);
      case ByteLayer layer -> bytes.add(layer);
      case PlaneNeuronStep layer -> neurons.add(layer);
      case PlanePoolStep pool -> pools.add(pool);
      case PlaneAddStep _, FoldStep _, WholeNeurons _ -> {}
    }
  }

  Placement at(int steps) {
    return made.computeIfAbsent(steps, this::place);
  }

  /** Returns the planes of all layouts for so many time steps. */
  List<Planes> planes(int steps) {
    return layouts.stream().map(layout -> layout.planes(steps)).toList();
  }

  private Placement place(int steps) {
    List<Planes> planes = planes(steps);
    List<SparseConvolution> convolutions =
        sparse.stream()
            .map(
                layer ->
                    layer
                        .weights()
                        .between(planes.get(layer.in().layout()), planes.get(layer.out().layout())))
            .toList();
    List<IntegerConvolution> wholes =
        integer.stream()
            .map(
                layer ->
                    layer
                        .weights()
                        .between(planes.get(layer.in().layout()), planes.get(layer.out().layout())))
            .toList();
    List<ByteConvolution> small =
        bytes.stream()
            .map(
                layer ->
                    layer
                        .weights()
                        .between(planes.get(layer.in().layout()), planes.get(layer.out().layout())))
            .toList();
    List<PlaneNeurons> layers =
        neurons.stream()
            .map(
                layer ->
                    new PlaneNeurons(
                        layer.constants(),
                        planes.get(layer.in().layout()),
                        planes.get(layer.out().layout()),
                        layer.scale(),
                        layer.shift(),
                        layer.out().numbers()))
            .toList();
    List<PlanePool> windows =
        pools.stream()
            .map(
                pool ->
                    new PlanePool(
                        pool.average(),
                        pool.kernel(),
                        pool.stride(),
                        planes.get(pool.in().layout()),
                        planes.get(pool.out().layout()),
                        pool.out().numbers()))
            .toList();
    return new Placement(steps, planes, convolutions, wholes, small, layers, windows);
  }
}
