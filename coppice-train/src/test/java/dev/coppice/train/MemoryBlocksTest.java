package dev.coppice.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MemoryBlocksTest {
  private final Arena arena = Arena.ofShared();
  private final MemoryBlocks blocks = new MemoryBlocks(arena);

  private record Lent(MemorySegment memory, byte use) {}

  @AfterEach
  void close() {
    arena.close();
  }

  @Test
  void blocksAreApartAndHoldWhatTheyShould() {
    Random random = new Random(1);
    List<Lent> lent = new ArrayList<>();
    for (int i = 0; i < 20_000; i++) {
      if (lent.size() > random.nextInt(20)) {
        Lent one = lent.remove(random.nextInt(lent.size()));
        assertThat(holdsOnly(one.memory(), one.use(), one.use())).isTrue();
        blocks.giveBack(one.memory());
      } else {
        byte use = (byte) (1 + random.nextInt(5));
        int bytes = 1 + random.nextInt(use * 1000);
        MemoryBlocks.Block block = blocks.take(use % 2 == 0 ? use * 500 : bytes, use);
        assertThat(block.memory().address() % 64).isZero();
        assertThat(block.memory().byteSize()).isGreaterThanOrEqualTo(use % 2 == 0 ? 1000 : bytes);
        if (block.fit()) {
          assertThat(holdsOnly(block.memory(), use, (byte) 0)).isTrue();
        }
        lent.add(new Lent(block.memory().fill(use), use));
      }
    }
    assertThat(blocks.bytes()).isLessThan(400_000);
  }

  private static boolean holdsOnly(MemorySegment memory, byte one, byte other) {
    for (byte value : memory.toArray(ValueLayout.JAVA_BYTE)) {
      if (value != one && value != other) {
        return false;
      }
    }
    return true;
  }

  @Test
  void whatIsGivenBackServesInPartsAndTogether() {
    MemorySegment first = blocks.take(640, "a").memory();
    MemorySegment second = blocks.take(640, "a").memory();
    blocks.giveBack(first);
    blocks.giveBack(second);
    MemorySegment both = blocks.take(1280, "b").memory();
    assertThat(both.address()).isEqualTo(first.address());
    blocks.giveBack(both);
    blocks.take(64, "c");
    blocks.take(1216, "c");
    assertThat(blocks.bytes()).isEqualTo(1280);
  }

  @Test
  void theSameUseGetsTheSameBlock() {
    MemorySegment large = blocks.take(6400, "large").memory();
    MemorySegment small = blocks.take(640, "small").memory();
    blocks.giveBack(large);
    blocks.giveBack(small);
    MemoryBlocks.Block again = blocks.take(640, "small");
    assertThat(again.memory().address()).isEqualTo(small.address());
    assertThat(again.fit()).isTrue();
    assertThat(blocks.take(640, "other").fit()).isFalse();
    assertThat(blocks.take(6400, "large").fit()).isTrue();
  }

  @Test
  void aSpoiledBlockIsNotFit() {
    MemorySegment block = blocks.take(640, "a").memory();
    blocks.spoil(block);
    blocks.giveBack(block);
    assertThat(blocks.take(640, "a").fit()).isFalse();
  }

  @Test
  void largerThanAPiece() {
    MemorySegment block = blocks.take(300L << 20, "a").memory();
    assertThat(block.get(ValueLayout.JAVA_BYTE, block.byteSize() - 1)).isZero();
    blocks.take(64, "b");
    assertThat(blocks.bytes()).isEqualTo((300L << 20) + 64);
  }

  @Test
  void refusesMemoryOfOthers() {
    blocks.take(640, "a");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> blocks.giveBack(arena.allocate(640)))
        .withMessageContaining("other memory");
  }
}
