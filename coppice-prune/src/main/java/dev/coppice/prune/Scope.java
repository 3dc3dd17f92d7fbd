package dev.coppice.prune;

import java.util.List;

/** Which weights compete with each other for a place in the mask. */
public enum Scope {
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
      case ERK -> shares(layers, keep, Scope::erdosRenyi);
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
              : (int) Math.min(layer.size(), Math.floor(scale * relative.of(layer) * layer.size()));
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
