package dev.coppice.prune;

import java.util.Arrays;
import java.util.List;

/** Which weights compete with each other for a place in the mask. */
public sealed interface Scope {
  /** The largest of the whole network or of a layer are kept, wherever they are. */
  enum Budget implements Scope {
    /** All weights of all layers. */
    GLOBAL,
    /** The weights of a layer; every layer keeps the same share. */
    UNIFORM,
    /**
     * The weights of a layer; a layer's density is proportional to {@code (O + I + 2k) / (O·I·k²)},
     * at most 1: Erdős–Rényi-kernel (Evci et al., arXiv 1911.11134).
     */
    ERK;

    /**
     * Returns how many weights each group keeps: one number for {@link #GLOBAL}, else one a layer.
     * They sum to {@code keep}.
     */
    int[] budgets(List<PrunableLayers.Layer> layers, int keep) {
      return switch (this) {
        case GLOBAL -> new int[] {keep};
        case UNIFORM -> shares(layers, keep, layer -> 1);
        case ERK -> shares(layers, keep, Budget::erdosRenyi);
      };
    }

    private static double erdosRenyi(PrunableLayers.Layer layer) {
      double sum = 0;
      for (int dimension : layer.shape()) {
        sum += dimension;
      }
      return sum / layer.size();
    }

    private interface RelativeDensity {
      double of(PrunableLayers.Layer layer);
    }

    /**
     * Scales relative densities until they spend the budget; a layer that would exceed 1 is dense.
     */
    private static int[] shares(
        List<PrunableLayers.Layer> layers, int keep, RelativeDensity relative) {
      int n = layers.size();
      boolean[] dense = new boolean[n];
      double scale;
      boolean again;
      do {
        again = false;
        double open = keep;
        double weight = 0;
        for (int i = 0; i < n; i++) {
          PrunableLayers.Layer layer = layers.get(i);
          if (dense[i]) {
            open -= layer.size();
          } else {
            weight += relative.of(layer) * layer.size();
          }
        }
        scale = weight == 0 ? 0 : open / weight;
        for (int i = 0; i < n; i++) {
          if (!dense[i] && scale * relative.of(layers.get(i)) > 1) {
            dense[i] = true;
            again = true;
          }
        }
      } while (again);
      int[] budgets = new int[n];
      int spent = 0;
      for (int i = 0; i < n; i++) {
        PrunableLayers.Layer layer = layers.get(i);
        budgets[i] =
            dense[i]
                ? layer.size()
                : (int)
                    Math.min(layer.size(), Math.floor(scale * relative.of(layer) * layer.size()));
        spent += budgets[i];
      }
      for (int i = 0; spent < keep; i = (i + 1) % n) {
        if (budgets[i] < layers.get(i).size()) {
          budgets[i]++;
          spent++;
        }
      }
      return budgets;
    }
  }

  /**
   * Of every M weights that follow each other along the input channels (of one output channel and
   * one tap of the kernel), N are left at the end; a last, shorter group of L keeps {@code
   * ⌈N·L/M⌉}. Until then every group keeps at least that many, and what may stay beyond them is
   * taken from the whole network. How sparse the network ends follows from it.
   *
   * @param n how many stay, at least 1
   * @param m of how many, more than N and at most {@value #MAX_M}
   */
  record Pattern(int n, int m) implements Scope {
    /** The longest group. */
    public static final int MAX_M = 64;

    /** Throws {@link IllegalArgumentException} for a value out of its range. */
    public Pattern {
      if (n < 1 || n >= m || m > MAX_M) {
        throw new IllegalArgumentException(
            "a pattern N:M needs 1 ≤ N < M ≤ " + MAX_M + ", not " + n + ":" + m);
      }
    }

    /** Returns how many weights of a group stay. */
    int least(int length) {
      return Math.ceilDiv(n * length, m);
    }

    /** Returns how many weights of all groups stay. */
    int least(PrunableLayers layers) {
      int sum = 0;
      for (PrunableLayers.Layer layer : layers.layers()) {
        int row = layer.shape()[layer.shape().length - 1];
        sum += layer.size() / row * (row / m * n + least(row % m));
      }
      return sum;
    }

    /**
     * Returns the mask of the best-scored weights of every group, as many as stay at the end.
     *
     * @param scores of all weights of the layers
     * @param seed decides where scores are equal
     */
    public boolean[] best(PrunableLayers layers, float[] scores, long seed) {
      boolean[] all = new boolean[scores.length];
      Arrays.fill(all, true);
      return Competition.of(this, layers, 0)
          .getFirst()
          .placed(scores, scores, all, new boolean[scores.length], seed);
    }

    /** Returns the pattern as users write it: {@code 2:4}. */
    @Override
    public String toString() {
      return n + ":" + m;
    }
  }
}
