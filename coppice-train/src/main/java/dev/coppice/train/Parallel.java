package dev.coppice.train;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Splits an index range over a fixed number of threads, the caller's included. */
final class Parallel implements AutoCloseable {
  private final int threads;
  private final ExecutorService helpers;

  Parallel(int threads) {
    this.threads = threads;
    this.helpers =
        Executors.newFixedThreadPool(
            Math.max(1, threads - 1),
            task -> {
              Thread thread = new Thread(task, "coppice-kernel");
              thread.setDaemon(true);
              return thread;
            });
  }

  /** Work on the elements {@code [from, to)}. */
  interface Range {
    void run(long from, long to);
  }

  /**
   * Runs the work on {@code [0, size)}, cut at multiples of {@code grain}, and waits for all of it.
   */
  void run(long size, long grain, Range work) {
    long grains = (size + grain - 1) / grain;
    long share = (grains + threads - 1) / threads * grain;
    List<Future<?>> pending = new ArrayList<>(threads);
    for (long from = share; from < size; from += share) {
      long start = from;
      pending.add(helpers.submit(() -> work.run(start, Math.min(size, start + share))));
    }
    work.run(0, Math.min(size, share));
    for (Future<?> future : pending) {
      join(future);
    }
  }

  private static void join(Future<?> future) {
    try {
      future.get();
    } catch (ExecutionException e) {
      throw new IllegalStateException("a kernel failed", e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while a kernel ran", e);
    }
  }

  @Override
  public void close() {
    helpers.shutdownNow();
  }
}
