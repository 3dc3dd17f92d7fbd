package dev.coppice.prune.channels;

import static org.assertj.core.api.Assertions.assertThat;

import dev.coppice.prune.Ties;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ChannelScopeTest {
  private static final Map<String, float[]> SCORES =
      Map.of("large", new float[] {50, 10, 40, 20}, "small", new float[] {0.1f, 0.3f, 0.3f, 0.2f});

  @Test
  void scoresOfALayerAreSharesOfItsChannels() {
    Map<String, float[]> shares = ChannelScope.LAYER.compared(SCORES);
    assertThat(shares.get("large")).containsExactly(1, 0.25f, 0.75f, 0.5f);
    assertThat(shares.get("small")).containsExactly(0.25f, 1, 1, 0.5f);
    assertThat(ChannelScope.GLOBAL.compared(SCORES)).isSameAs(SCORES);
  }

  /** Compared over the network the layer of small scores would lose all. */
  @Test
  void layersLoseTheSameShare() {
    List<ChannelGroup> groups =
        List.of(
            new ChannelGroup("large", 4, List.of(), List.of()),
            new ChannelGroup("small", 4, List.of(), List.of()));
    Map<String, boolean[]> balanced = keep(groups, ChannelScope.LAYER);
    assertThat(balanced.get("large")).containsExactly(true, false, true, false);
    assertThat(balanced.get("small")).containsExactly(false, true, true, false);
    assertThat(keep(groups, ChannelScope.GLOBAL).get("small")).containsOnly(false);
  }

  private static Map<String, boolean[]> keep(List<ChannelGroup> groups, ChannelScope scope) {
    return ChannelSelection.of(groups, scope.compared(SCORES), SCORES, 0.5, 0, Ties.EXACT, 1)
        .keep();
  }
}
