package dev.coppice.prune.channels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Model;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import net.jqwik.api.Assume;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.statistics.Statistics;

class SurgeryPropertyTest {
  @Property(tries = 200)
  void theShrunkNetworkGivesTheLogitsOfTheMaskedOne(@ForAll long seed) {
    Graph graph = RandomNetworks.draw(seed);
    SplittableRandom random = new SplittableRandom(seed + 1);
    Residual residual = random.nextBoolean() ? Residual.GROUP : Residual.SELECT;
    List<ChannelGroup> groups = ChannelGroups.of(graph, residual);
    Map<String, float[]> scores = Twins.scores(groups, random);
    Map<String, boolean[]> keep = Twins.random(groups, random.nextDouble(), random);
    keep = Surgery.repair(graph, residual, keep, scores, new ArrayList<>());
    keep = Surgery.roundUp(keep, scores, 1 + random.nextInt(3));
    Model model = Twins.model(graph, seed);
    Twins.Run masked = Twins.run(Surgery.mask(model, residual, keep));
    Assume.that(masked.margin() > 1e-5);
    Surgery.Result result = Surgery.shrink(model, residual, keep);
    assertSameOfMasks(model, residual, keep, result.model());
    Twins.assertSame(Twins.run(result.model()), masked);
    Graph smaller = result.model().graph();
    assertThat(Weights.countTrainable(smaller)).isLessThanOrEqualTo(Weights.countTrainable(graph));
    assertThat(Twins.train(result.model())).isFinite();
    assertThat(Graph.fromJson(smaller.toJson())).isEqualTo(smaller);
    Statistics.label("cut")
        .collect(!smaller.equals(graph))
        .coverage(coverage -> coverage.check(true).percentage(share -> share > 60));
    Statistics.label("branch gone")
        .collect(!result.notes().isEmpty())
        .coverage(coverage -> coverage.check(true).percentage(share -> share > 5));
    Statistics.label("other logits than before")
        .collect(!Arrays.equals(Twins.run(model).logits(), masked.logits()))
        .coverage(coverage -> coverage.check(true).percentage(share -> share > 50));
  }

  /** Masks leave as many weights as there are in the shrunk network, and its logits. */
  private static void assertSameOfMasks(
      Model model, Residual residual, Map<String, boolean[]> keep, Model shrunk) {
    Map<String, Tensor> masks = Surgery.masks(model.graph(), residual, keep);
    Map<String, Tensor> tensors =
        new LinkedHashMap<>(Surgery.mask(model, residual, keep).weights().asMap());
    masks.forEach(
        (name, mask) -> {
          tensors.put(name, product(model.weights().get(name), mask));
          if (shrunk.weights().asMap().containsKey(name)) {
            assertThat(mask.countNonZero()).isEqualTo(shrunk.weights().get(name).size());
          }
        });
    Model masked = new Model(model.graph(), Weights.of(tensors), Map.of());
    Twins.assertSame(Twins.run(shrunk), Twins.run(masked));
  }

  private static Tensor product(Tensor weights, Tensor mask) {
    float[] product = weights.data().clone();
    for (int k = 0; k < product.length; k++) {
      product[k] *= mask.data()[k];
    }
    return new Tensor(weights.shape(), product);
  }

  @Property(tries = 100)
  void repairBringsBackNoMoreThanIsNeeded(@ForAll long seed) {
    Graph graph = RandomNetworks.draw(seed);
    SplittableRandom random = new SplittableRandom(seed + 1);
    Residual residual = random.nextBoolean() ? Residual.GROUP : Residual.SELECT;
    List<ChannelGroup> groups = ChannelGroups.of(graph, residual);
    Map<String, boolean[]> none = Twins.random(groups, 0, random);
    List<String> notes = new ArrayList<>();
    Map<String, boolean[]> keep =
        Surgery.repair(graph, residual, none, Twins.scores(groups, random), notes);
    ChannelMap map = ChannelMap.of(graph, residual);
    assertThat(new Cut(map, keep).severed()).isFalse();
    long kept = 0;
    for (boolean[] chosen : keep.values()) {
      for (int i = 0; i < chosen.length; i++) {
        if (chosen[i]) {
          kept++;
          chosen[i] = false;
          assertThat(new Cut(map, keep).severed()).isTrue();
          chosen[i] = true;
        }
      }
    }
    assertThat(notes).hasSize((int) kept);
  }
}
