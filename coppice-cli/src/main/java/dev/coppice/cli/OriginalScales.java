package dev.coppice.cli;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Model;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import dev.coppice.prune.channels.KeptChannels;
import java.util.LinkedHashSet;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedSet;

/**
 * The scales of two models' batch norms, each at the channel that it had in the network that both
 * were pruned from.
 *
 * @param first γ of the first model, {@code [n]}; 0 where a channel is gone
 * @param second of the second, at the same channels
 */
record OriginalScales(float[] first, float[] second) {
  /** Returns the scales, unless the models are not of one network. */
  static Optional<OriginalScales> of(Model first, Model second) {
    KeptChannels firstKept = KeptChannels.of(first);
    KeptChannels secondKept = KeptChannels.of(second);
    SequencedSet<String> norms = new LinkedHashSet<>();
    addNorms(first.graph(), norms);
    addNorms(second.graph(), norms);
    int total = 0;
    for (String norm : norms) {
      Integer width = firstKept.before(norm, first.graph());
      if (width == null || !Objects.equals(width, secondKept.before(norm, second.graph()))) {
        return Optional.empty();
      }
      total = Math.addExact(total, width);
    }
    return Optional.of(
        new OriginalScales(
            scales(first, firstKept, norms, total), scales(second, secondKept, norms, total)));
  }

  private static void addNorms(Graph graph, SequencedSet<String> norms) {
    for (Node node : graph.nodes()) {
      if (node.op() instanceof Op.BatchNorm) {
        norms.add(node.name());
      }
    }
  }

  private static float[] scales(
      Model model, KeptChannels kept, SequencedSet<String> norms, int total) {
    float[] scales = new float[total];
    int offset = 0;
    for (String norm : norms) {
      KeptChannels.Layer layer = kept.layers().get(norm);
      if (model.graph().contains(norm)) {
        float[] own = model.weights().get(norm + ".weight").data();
        for (int i = 0; i < own.length; i++) {
          scales[offset + (layer == null ? i : layer.kept()[i])] = own[i];
        }
      }
      offset += Objects.requireNonNull(kept.before(norm, model.graph()));
    }
    return scales;
  }

  /** Returns where scales are not 0. */
  static boolean[] kept(float[] scales) {
    boolean[] kept = new boolean[scales.length];
    for (int i = 0; i < kept.length; i++) {
      kept[i] = scales[i] != 0;
    }
    return kept;
  }
}
