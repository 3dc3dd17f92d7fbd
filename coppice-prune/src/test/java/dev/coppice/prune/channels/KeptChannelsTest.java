package dev.coppice.prune.channels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Model;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.zoo.ResNet19;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class KeptChannelsTest {
  /** Marks every scale by the place of its batch norm and channel. */
  private static Model marked(Model model) {
    Model marked = model;
    for (Node node : model.graph().nodes()) {
      if (node.op() instanceof Op.BatchNorm norm) {
        float[] marks = new float[norm.channels()];
        for (int i = 0; i < marks.length; i++) {
          marks[i] = 1 + i;
        }
        marked =
            new Model(
                model.graph(),
                marked.weights().with(node.name() + ".weight", Tensor.of(marks)),
                Map.of("mine", "stays"));
      }
    }
    return marked;
  }

  private static Model shrink(Model model, Residual residual, double share, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<ChannelGroup> groups = ChannelGroups.of(model.graph(), residual);
    return Surgery.shrink(
            model,
            residual,
            Surgery.repair(
                model.graph(),
                residual,
                Twins.random(groups, share, random),
                Twins.scores(groups, random),
                new java.util.ArrayList<>()))
        .model();
  }

  @ParameterizedTest
  @EnumSource(Residual.class)
  void whatIsLeftAfterSeveralCutsIsTheChannelsTold(Residual residual) {
    Graph graph = ResNet19.preActivation(new Shape.Map(8, 8, 3), 10, Op.Neuron.decay(), 0.0625);
    Model original = marked(Twins.model(graph, 3));
    assertThat(KeptChannels.of(original)).isEqualTo(KeptChannels.NONE);
    Model model = original;
    for (int cut = 0; cut < 3; cut++) {
      model = shrink(model, residual, 0.6, cut);
      assertThat(model.metadata()).containsEntry("mine", "stays");
      KeptChannels kept = KeptChannels.of(model);
      assertThat(new KeptChannels(kept.layers()).toJson())
          .isEqualTo(model.metadata().get(KeptChannels.KEY));
      for (Node node : graph.nodes()) {
        if (node.op() instanceof Op.BatchNorm norm) {
          int width = norm.channels();
          KeptChannels.Layer layer = kept.layers().get(node.name());
          assertThat(kept.before(node.name(), model.graph())).isEqualTo(width);
          int[] indices = layer == null ? IntStream.range(0, width).toArray() : layer.kept();
          float[] scales =
              model.graph().contains(node.name())
                  ? model.weights().get(node.name() + ".weight").data()
                  : new float[0];
          assertThat(scales).hasSameSizeAs(indices);
          for (int i = 0; i < scales.length; i++) {
            assertThat(scales[i]).isEqualTo(1 + indices[i]);
          }
        }
      }
    }
  }

  @Test
  void layersThatAreGoneAreToldWithTheChannelsTheyHad() {
    Graph graph = ResNet19.preActivation(new Shape.Map(8, 8, 3), 10, Op.Neuron.decay(), 0.0625);
    Model model = Twins.model(graph, 3);
    ChannelGroup inner =
        ChannelGroups.of(graph, Residual.SELECT).stream()
            .filter(group -> group.name().endsWith(".conv1"))
            .findFirst()
            .orElseThrow();
    boolean[] none = new boolean[inner.channels()];
    Model smaller = Surgery.shrink(model, Residual.SELECT, Map.of(inner.name(), none)).model();
    assertThat(smaller.graph().contains(inner.name())).isFalse();
    KeptChannels kept = KeptChannels.of(smaller);
    KeptChannels.Layer gone = Objects.requireNonNull(kept.layers().get(inner.name()));
    assertThat(gone.of()).isEqualTo(inner.channels());
    assertThat(gone.kept()).isEmpty();
    assertThat(kept.before("nothing", smaller.graph())).isNull();
  }
}
