package dev.coppice.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ByteShufflesTest {
  @Test
  void existWhereTheProcessorNamesThem() {
    assertThat(ByteShuffles.exist(processor("avx2 avx512f avx512bw avx512_vbmi avx512_vbmi2")))
        .isTrue();
    assertThat(ByteShuffles.exist(processor("avx2 avx512f avx512bw avx512_vnni"))).isFalse();
  }

  /** Their vectors are shorter, or they are of another kind. */
  @Test
  void othersAreNotDoubted() {
    assertThat(ByteShuffles.exist(processor("sse4_2 avx2"))).isTrue();
    assertThat(ByteShuffles.exist(Stream.of("processor: 0", "Features: asimd sve"))).isTrue();
    assertThat(ByteShuffles.exist(Stream.empty())).isTrue();
  }

  private static Stream<String> processor(String flags) {
    return Stream.of("processor\t: 0", "flags\t\t: fpu " + flags, "flags\t\t: fpu");
  }
}
