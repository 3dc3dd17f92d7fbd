package dev.coppice.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SeedsTest {
  @Test
  void noPurposeOrStepOrRunSharesASeed() {
    Set<Long> seen = new HashSet<>();
    for (Seeds purpose : Seeds.values()) {
      for (long seed = -20; seed <= 20; seed++) {
        for (long step = -50; step <= 50; step++) {
          assertThat(seen.add(purpose.at(seed, step)))
              .as("%s of seed %d at step %d", purpose, seed, step)
              .isTrue();
        }
      }
    }
  }
}
