package dev.coppice.prune;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;

class ScopeTest {
  @Property(tries = 300)
  void budgetsAddUpAndFitTheirLayers(
      @ForAll long seed, @ForAll @DoubleRange(max = 1) double density) {
    PrunableLayers layers = Layers.random(new SplittableRandom(seed));
    int keep = (int) (layers.size() * density);
    for (Scope.Budget scope : Scope.Budget.values()) {
      int[] budgets = scope.budgets(layers.layers(), keep);
      assertThat(Arrays.stream(budgets).sum()).as("%s", scope).isEqualTo(keep);
      if (scope == Scope.Budget.GLOBAL) {
        assertThat(budgets).hasSize(1);
        continue;
      }
      assertThat(budgets).hasSize(layers.layers().size());
      for (int i = 0; i < budgets.length; i++) {
        assertThat(budgets[i]).isBetween(0, layers.layers().get(i).size());
      }
    }
  }

  @Test
  void uniformKeepsTheSameShare() {
    List<PrunableLayers.Layer> layers = Layers.of(new int[] {10, 10}, new int[] {5, 8}).layers();
    assertThat(Scope.Budget.UNIFORM.budgets(layers, 70)).containsExactly(50, 20);
  }

  /** Densities in proportion to the sum of the dimensions over their product, here 26 : 16. */
  @Test
  void erdosRenyiKeepsMoreOfSmallLayers() {
    int[] conv = {40, 3, 3, 20};
    int[] linear = {10, 90};
    List<PrunableLayers.Layer> layers = Layers.of(conv, linear).layers();
    int[] budgets = Scope.Budget.ERK.budgets(layers, 500);
    double convolution = budgets[0] / 7200.0;
    double classifier = budgets[1] / 900.0;
    assertThat(classifier / convolution).isCloseTo((100 / 900.0) / (66 / 7200.0), within(0.05));
  }

  private static double[] densities(double density, int[]... shapes) {
    PrunableLayers layers = Layers.of(shapes);
    int[] budgets =
        Scope.Budget.ERK.budgets(layers.layers(), (int) Math.round(layers.size() * density));
    return IntStream.range(0, budgets.length)
        .mapToDouble(i -> budgets[i] / (double) layers.layers().get(i).size())
        .toArray();
  }

  /** The densities of the published code, but for weights that cannot be halved. */
  @Test
  void erdosRenyiByHand() {
    Offset<Double> aWeight = within(1.01 / 16);
    assertThat(densities(0.5, new int[] {8, 8}, new int[] {4, 4}))
        .containsExactly(new double[] {.41667, .83333}, aWeight);
    assertThat(densities(0.7, new int[] {8, 8}, new int[] {4, 4}))
        .containsExactly(new double[] {.625, 1}, aWeight);
    assertThat(
            densities(0.1, new int[] {64, 3, 3, 3}, new int[] {128, 3, 3, 64}, new int[] {10, 128}))
        .containsExactly(new double[] {.99668, .06336, 1}, within(1.01 / 1728));
  }

  /** At this density the small layer would need more weights than it has. */
  @Test
  void erdosRenyiFillsALayerBeforeTheOthers() {
    List<PrunableLayers.Layer> layers = Layers.of(new int[] {50, 50}, new int[] {2, 3}).layers();
    assertThat(Scope.Budget.ERK.budgets(layers, 506)).containsExactly(500, 6);
  }
}
