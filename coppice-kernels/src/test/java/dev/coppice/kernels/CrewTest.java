package dev.coppice.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class CrewTest {
  @ParameterizedTest
  @CsvSource({"1, 100, 7", "2, 0, 1", "2, 1, 1", "2, 5, 8", "3, 1000, 1", "4, 1003, 16"})
  void everyElementIsDoneOnce(int threads, int size, int grain) {
    try (Crew crew = new Crew("test", threads, 100)) {
      assertThat(crew.threads()).isEqualTo(threads);
      for (int repeat = 0; repeat < 200; repeat++) {
        assertEachOnce(crew, size, grain);
      }
    }
  }

  private static void assertEachOnce(Crew crew, int size, int grain) {
    AtomicIntegerArray done = new AtomicIntegerArray(size);
    crew.run(
        size,
        grain,
        (from, to) -> {
          assertThat(from % grain).isZero();
          for (long i = from; i < to; i++) {
            done.incrementAndGet((int) i);
          }
        });
    for (int i = 0; i < size; i++) {
      assertThat(done.get(i)).isEqualTo(1);
    }
  }

  @Test
  void whoFindsItAtWorkGoesOnAlone() {
    try (Crew crew = new Crew("test", 2, 100)) {
      crew.run(8, 1, (_, _) -> assertEachOnce(crew, 50, 1));
      CompletableFuture<Void> other =
          CompletableFuture.runAsync(
              () -> {
                for (int repeat = 0; repeat < 300; repeat++) {
                  assertEachOnce(crew, 64, 4);
                }
              });
      for (int repeat = 0; repeat < 300; repeat++) {
        assertEachOnce(crew, 50, 1);
      }
      other.join();
    }
  }

  @Test
  void whatAPartThrowsIsThrownWhenAllIsDone() {
    try (Crew crew = new Crew("test", 2, 100)) {
      assertThatIllegalStateException()
          .isThrownBy(
              () ->
                  crew.run(
                      100,
                      1,
                      (from, _) -> {
                        if (from == 0) {
                          throw new ArithmeticException("first");
                        }
                      }))
          .withMessage("work that threads share failed")
          .withCauseInstanceOf(ArithmeticException.class);
      assertEachOnce(crew, 100, 1);
    }
  }
}
