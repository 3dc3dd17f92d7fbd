package dev.coppice.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.coppice.graph.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class BatchesTest {
  private static final Shape.Map SHAPE = new Shape.Map(4, 5, 2);
  private static final Augmentation ALL = new Augmentation(2, true, 2);

  private static List<Batch> epoch(
      Images images, Augmentation augmentation, int batchSize, long seed, int epoch, int first) {
    List<Batch> batches = new ArrayList<>();
    try (Batches stream =
        Batches.of(
            images,
            Normalization.of(images),
            augmentation,
            batchSize,
            seed,
            epoch,
            first,
            true,
            false)) {
      stream.forEachRemaining(batches::add);
    }
    return batches;
  }

  private static void assertSame(List<Batch> actual, List<Batch> expected) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < actual.size(); i++) {
      assertThat(actual.get(i).pixels()).isEqualTo(expected.get(i).pixels());
      assertThat(actual.get(i).labels()).isEqualTo(expected.get(i).labels());
      assertThat(actual.get(i).size()).isEqualTo(expected.get(i).size());
    }
  }

  /** Images whose every pixel, and whose label, is their own number. */
  private static Images numbered(int count) {
    byte[] pixels = new byte[count * SHAPE.size()];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) (i / SHAPE.size());
    }
    int[] labels = IntStream.range(0, count).toArray();
    return new Images("numbered", SHAPE, Samples.classes(count), pixels, 255f, labels);
  }

  @Property(tries = 60)
  void anEpochHoldsEverySampleOnce(
      @ForAll @IntRange(min = 1, max = 40) int count,
      @ForAll @IntRange(min = 1, max = 45) int batchSize,
      @ForAll long seed,
      @ForAll boolean shuffle,
      @ForAll boolean dropLast) {
    List<Integer> seen = new ArrayList<>();
    try (Batches stream =
        Batches.of(
            numbered(count),
            Normalization.NONE,
            Augmentation.NONE,
            batchSize,
            seed,
            0,
            0,
            shuffle,
            dropLast)) {
      assertThat(stream.count())
          .isEqualTo(dropLast ? count / batchSize : (count + batchSize - 1) / batchSize);
      while (stream.hasNext()) {
        Batch batch = stream.next();
        assertThat(batch.labels()).hasSize(batch.size());
        assertThat(batch.pixels()).hasSize(batch.size() * SHAPE.size());
        assertThat(batch.size()).isLessThanOrEqualTo(batchSize);
        for (int i = 0; i < batch.pixels().length; i++) {
          assertThat(batch.pixels()[i]).isEqualTo(batch.labels()[i / SHAPE.size()] / 255f);
        }
        for (int label : batch.labels()) {
          seen.add(label);
        }
      }
      assertThatThrownBy(stream::next).isInstanceOf(NoSuchElementException.class);
    }
    int expected = dropLast ? count / batchSize * batchSize : count;
    assertThat(seen).hasSize(expected).doesNotHaveDuplicates();
    if (!shuffle) {
      assertThat(seen).isSorted();
    }
  }

  @Property(tries = 40)
  void resumingEqualsGoingOn(
      @ForAll @IntRange(min = 1, max = 40) int count,
      @ForAll @IntRange(min = 1, max = 12) int batchSize,
      @ForAll @IntRange(max = 40) int resumeAt,
      @ForAll long seed) {
    Images images = Samples.images(count, SHAPE, 3, seed);
    List<Batch> whole = epoch(images, ALL, batchSize, seed, 7, 0);
    assertSame(epoch(images, ALL, batchSize, seed, 7, 0), whole);
    int first = Math.min(resumeAt, whole.size());
    assertSame(epoch(images, ALL, batchSize, seed, 7, first), whole.subList(first, whole.size()));
  }

  @Test
  void seedAndEpochChangeOrderAndAugmentation() {
    Images images = Samples.images(64, SHAPE, 3, 1);
    float[] base = epoch(images, ALL, 64, 1, 0, 0).getFirst().pixels();
    assertThat(epoch(images, ALL, 64, 2, 0, 0).getFirst().pixels()).isNotEqualTo(base);
    assertThat(epoch(images, ALL, 64, 1, 1, 0).getFirst().pixels()).isNotEqualTo(base);

    Images one = images.select(new int[64]);
    assertThat(epoch(one, ALL, 64, 1, 1, 0).getFirst().pixels())
        .isNotEqualTo(epoch(one, ALL, 64, 1, 0, 0).getFirst().pixels());
  }

  /** How samples are grouped has no part in what becomes of them. */
  @Test
  void theBatchSizeDoesNotChangeTheSamples() {
    Images images = Samples.images(24, SHAPE, 3, 1);
    float[] together = epoch(images, ALL, 24, 3, 2, 0).getFirst().pixels();
    float[] apart = new float[together.length];
    int at = 0;
    for (Batch batch : epoch(images, ALL, 5, 3, 2, 0)) {
      System.arraycopy(batch.pixels(), 0, apart, at, batch.pixels().length);
      at += batch.pixels().length;
    }
    assertThat(apart).isEqualTo(together);
  }

  @Test
  void aFailureReachesTheConsumer() {
    try (Batches stream =
        new Batches(
            batch -> {
              if (batch == 2) {
                throw new IllegalArgumentException("no such picture");
              }
              return new Batch(new float[0], new int[0], 0);
            },
            0,
            5)) {
      stream.next();
      stream.next();
      assertThatIllegalStateException()
          .isThrownBy(stream::next)
          .withMessageContaining("batch 2 could not be made")
          .withCauseInstanceOf(IllegalArgumentException.class);
      assertThat(stream.hasNext()).isFalse();
    }
  }

  @Test
  void closingStopsTheProducer() {
    CompletableFuture<Thread> producer = new CompletableFuture<>();
    Batches stream =
        new Batches(
            batch -> {
              producer.complete(Thread.currentThread());
              return new Batch(new float[0], new int[0], 0);
            },
            0,
            Integer.MAX_VALUE);
    Thread thread = producer.join();
    stream.close();
    assertThat(thread.isAlive()).isFalse();
    assertThat(stream.hasNext()).isFalse();
    assertThatIllegalStateException().isThrownBy(stream::next).withMessageContaining("closed");
    stream.close();
  }

  @Test
  void closingWakesAWaitingConsumer() throws InterruptedException {
    CountDownLatch working = new CountDownLatch(1);
    Batches stream =
        new Batches(
            batch -> {
              working.countDown();
              try {
                new CountDownLatch(1).await();
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
              return new Batch(new float[0], new int[0], 0);
            },
            0,
            5);
    AtomicReference<Throwable> failure = new AtomicReference<>();
    Thread consumer =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    stream.next();
                  } catch (IllegalStateException e) {
                    failure.set(e);
                  }
                });
    working.await();
    stream.close();
    consumer.join();
    assertThat(failure.get()).hasMessageContaining("closed");
  }

  @Test
  void argumentsAreChecked() {
    Images images = Samples.images(10, SHAPE, 3, 1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> epoch(images, ALL, 0, 0, 0, 0))
        .withMessage("expected a positive batch size, found 0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> epoch(images, ALL, 4, 0, 0, 4))
        .withMessage("expected a first batch in 0..3, found 4");
    Normalization three = new Normalization(new float[3], new float[] {1f, 1f, 1f});
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Batches.of(images, three, ALL, 4, 0, 0, 0, true, false))
        .withMessage("a normalisation of 3 channels does not fit images of 2");
  }
}
