package dev.coppice.prune;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Layers without a network. */
final class Layers {
  private Layers() {}

  /**
   * Returns layers of these shapes; each but the last drives the neurons {@code n0}, {@code n1}…
   */
  static PrunableLayers of(int[]... shapes) {
    List<PrunableLayers.Layer> layers = new ArrayList<>();
    int offset = 0;
    for (int i = 0; i < shapes.length; i++) {
      String neuron = i < shapes.length - 1 ? "n" + i : null;
      int[] channels = IntStream.range(0, shapes[i][0]).toArray();
      layers.add(
          new PrunableLayers.Layer(
              "layer" + i, offset, shapes[i], neuron, neuron == null ? null : channels));
      offset = layers.getLast().end();
    }
    return PrunableLayers.of(layers);
  }

  /** Returns one to four layers, convolutions and linear ones. */
  static PrunableLayers random(SplittableRandom random) {
    int[][] shapes = new int[1 + random.nextInt(4)][];
    for (int i = 0; i < shapes.length; i++) {
      int kernel = 1 + 2 * random.nextInt(2);
      int out = 1 + random.nextInt(6);
      int in = 1 + random.nextInt(6);
      shapes[i] = random.nextBoolean() ? new int[] {out, in} : new int[] {out, kernel, kernel, in};
    }
    return of(shapes);
  }
}
