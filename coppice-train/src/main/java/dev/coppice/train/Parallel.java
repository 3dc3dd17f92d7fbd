package dev.coppice.train;

import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Splits an index range over a fixed number of threads, the caller's included. The parts are
 * smaller than a thread's share and taken one by one, so that the caller works on while the others
 * wake up and nobody waits for a thread with the harder half.
 */
final class Parallel implements AutoCloseable {
  private static final int PARTS_PER_THREAD = 4;
  private static final int SPINS = 10_000;
  private static final long PAUSE_NANOS = 10_000;

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

  int threads() {
    return threads;
  }

  /** Work on the elements {@code [from, to)}, which must not depend on how a range is cut. */
  interface Range {
    void run(long from, long to);
  }

  /**
   * Runs the work on {@code [0, size)}, cut at multiples of {@code grain}, and waits for all of it.
   */
  void run(long size, long grain, Range work) {
    if (threads == 1 || size <= grain) {
      work.run(0, size);
      return;
    }
    Job job = new Job(size, grain, threads * PARTS_PER_THREAD, work);
    for (int i = 1; i < threads; i++) {
      helpers.execute(job);
    }
    job.run();
    job.await();
  }

  /** A range that threads take parts of until none is left. */
  private static final class Job implements Runnable {
    private final long size;
    private final long part;
    private final Range work;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger open;
    private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();

    Job(long size, long grain, int parts, Range work) {
      this.size = size;
      this.part = Math.ceilDiv(Math.ceilDiv(size, grain), (long) parts) * grain;
      this.work = work;
      this.open = new AtomicInteger(Math.toIntExact(Math.ceilDiv(size, part)));
    }

    @Override
    public void run() {
      for (long from = next(); from < size; from = next()) {
        try {
          work.run(from, Math.min(size, from + part));
        } catch (Throwable e) {
          failure.compareAndSet(null, e);
        } finally {
          open.decrementAndGet();
        }
      }
    }

    private long next() {
      return next.getAndIncrement() * part;
    }

    void await() {
      for (int spin = 0; open.get() > 0; spin++) {
        if (spin < SPINS) {
          Thread.onSpinWait();
        } else {
          LockSupport.parkNanos(PAUSE_NANOS);
        }
      }
      Throwable thrown = failure.get();
      if (thrown != null) {
        throw new IllegalStateException("a kernel failed", thrown);
      }
    }
  }

  @Override
  public void close() {
    helpers.shutdownNow();
  }
}
