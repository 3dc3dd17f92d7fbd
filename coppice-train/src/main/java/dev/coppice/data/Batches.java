package dev.coppice.data;

import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CancellationException;
import java.util.function.IntFunction;

/**
 * The batches of one epoch, prepared ahead by a thread of their own. What a batch holds is a
 * function of the images, the settings, the seed, the epoch and the number of the batch: neither
 * timing nor the batch that the stream began with has a part in it.
 *
 * <p>One thread consumes; any thread may close. The producing thread is a daemon that stops when
 * its batches are made or the stream is closed.
 */
public final class Batches implements Iterator<Batch>, AutoCloseable {
  private static final int AHEAD = 3;

  private sealed interface Item {
    record Ready(Batch batch) implements Item {}

    record Failed(int batch, Throwable cause) implements Item {}

    record Closed() implements Item {}
  }

  private final BlockingQueue<Item> queue = new ArrayBlockingQueue<>(AHEAD);
  private final Thread producer;
  private final int count;
  private int next;
  private volatile boolean closed;

  Batches(IntFunction<Batch> maker, int first, int count) {
    this.count = count;
    this.next = first;
    this.producer =
        Thread.ofPlatform().daemon().name("coppice-batches").start(() -> produce(maker, first));
  }

  /**
   * Starts the stream of one epoch.
   *
   * @param images where the samples come from
   * @param normalization what becomes of pixels; {@link Normalization#NONE} leaves them in 0..1
   * @param augmentation what changes at random
   * @param batchSize samples of a batch; the last one may have fewer
   * @param seed the seed of order and augmentation
   * @param epoch the number of the epoch, which gives it an order and augmentations of its own
   * @param firstBatch the number of the batch to begin with, 0 for the whole epoch
   * @param shuffle whether the samples come in random order, each once
   * @param dropLast whether a last batch of fewer samples is left out
   * @throws IllegalArgumentException if the batch size is not positive, a batch exceeds the largest
   *     array, the first batch is not in 0..number of batches, or the normalisation has another
   *     number of channels
   */
  public static Batches of(
      Images images,
      Normalization normalization,
      Augmentation augmentation,
      int batchSize,
      long seed,
      int epoch,
      int firstBatch,
      boolean shuffle,
      boolean dropLast) {
    int count = count(images.size(), batchSize, dropLast);
    if ((long) Math.min(batchSize, images.size()) * images.shape().size() > Images.MAX_PIXELS) {
      throw new IllegalArgumentException(
          "a batch of " + batchSize + " images of " + images.shape() + " is too large");
    }
    if (firstBatch < 0 || firstBatch > count) {
      throw new IllegalArgumentException(
          "expected a first batch in 0.." + count + ", found " + firstBatch);
    }
    return new Batches(
        new BatchMaker(images, normalization, augmentation, batchSize, seed, epoch, shuffle),
        firstBatch,
        count);
  }

  /**
   * Returns the number of batches of an epoch.
   *
   * @throws IllegalArgumentException if the batch size is not positive
   */
  public static int count(int samples, int batchSize, boolean dropLast) {
    if (batchSize < 1) {
      throw new IllegalArgumentException("expected a positive batch size, found " + batchSize);
    }
    return samples / batchSize + (!dropLast && samples % batchSize != 0 ? 1 : 0);
  }

  private void produce(IntFunction<Batch> maker, int first) {
    int batch = first;
    try {
      for (; batch < count && !closed; batch++) {
        queue.put(new Item.Ready(maker.apply(batch)));
      }
    } catch (InterruptedException e) {
      // Closed: nobody waits for more.
    } catch (RuntimeException | Error e) {
      try {
        queue.put(new Item.Failed(batch, e));
      } catch (InterruptedException interrupted) {
        // Closed: nobody waits for the failure.
      }
    }
  }

  /** Returns the number of batches of the whole epoch, whichever the stream began with. */
  public int count() {
    return count;
  }

  @Override
  public boolean hasNext() {
    return !closed && next < count;
  }

  /**
   * Returns the next batch, waiting for it if need be.
   *
   * @throws NoSuchElementException if there is none
   * @throws IllegalStateException if the stream is closed, or the batch could not be made; the
   *     cause tells why
   * @throws CancellationException if the thread is interrupted while it waits
   */
  @Override
  public Batch next() {
    if (closed) {
      throw new IllegalStateException("the stream of batches is closed");
    }
    if (next >= count) {
      throw new NoSuchElementException("the epoch has " + count + " batches");
    }
    Item item;
    try {
      item = queue.take();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted while waiting for batch " + next);
    }
    return switch (item) {
      case Item.Ready(Batch batch) -> {
        next++;
        yield batch;
      }
      case Item.Failed(int batch, Throwable cause) -> {
        close();
        throw new IllegalStateException("batch " + batch + " could not be made: " + cause, cause);
      }
      case Item.Closed() -> throw new IllegalStateException("the stream of batches is closed");
    };
  }

  /** Stops the producing thread and waits until it has ended. Closing again does nothing. */
  @Override
  public void close() {
    closed = true;
    producer.interrupt();
    boolean interrupted = false;
    while (true) {
      try {
        producer.join();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    queue.clear();
    // Wakes a consumer that waits in next().
    queue.offer(new Item.Closed());
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
