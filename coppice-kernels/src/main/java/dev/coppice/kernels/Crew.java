package dev.coppice.kernels;

import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A fixed number of threads, the caller's included, that share ranges of work. Helpers that are
 * late find the gate closed and are not waited for, so that a machine with fewer free processors
 * than threads does not stall. Nothing is allocated to hand out work. Who finds a crew at work, one
 * of its own threads or another caller, does all of a range alone.
 */
public final class Crew implements AutoCloseable {
  /** A thread takes what is left, divided by that and by the number of threads. */
  private static final int SHARE = 2;

  private static final int CLOSED = Integer.MIN_VALUE;

  private final Helper[] helpers;
  private final AtomicBoolean claimed = new AtomicBoolean();

  /** How many helpers are at work, or {@link #CLOSED}. */
  private final AtomicInteger gate = new AtomicInteger(CLOSED);

  private final AtomicLong next = new AtomicLong();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private volatile boolean dismissed;

  // Written while the gate is closed and nobody is inside.
  private @Nullable Range range;
  private long size;
  private long grain;

  /** Work on a range, which must not depend on how the range is cut. */
  @FunctionalInterface
  public interface Range {
    /** Does the elements {@code [from, to)}. */
    void run(long from, long to);
  }

  /**
   * Starts the helpers.
   *
   * @param name of their threads
   * @param threads how many, the caller's included
   * @param spins how often a helper looks for more work before it sleeps; waking one up takes tens
   *     of microseconds, and one that looks keeps a processor busy
   */
  public Crew(String name, int threads, int spins) {
    helpers = new Helper[threads - 1];
    for (int i = 0; i < helpers.length; i++) {
      helpers[i] = new Helper(name, spins);
      helpers[i].setDaemon(true);
      helpers[i].start();
    }
  }

  /** Returns how many threads there are, the caller's included. */
  public int threads() {
    return helpers.length + 1;
  }

  /**
   * Does the range {@code [0, size)}, cut at multiples of {@code grain}, and waits for all of it.
   *
   * @throws IllegalStateException if a part of it threw something, which is the cause
   */
  public void run(long size, long grain, Range range) {
    if (helpers.length == 0 || size <= grain || !claimed.compareAndSet(false, true)) {
      range.run(0, size);
      return;
    }
    this.range = range;
    this.size = size;
    this.grain = grain;
    next.set(0);
    gate.set(0);
    for (Helper helper : helpers) {
      if (helper.parked) {
        LockSupport.unpark(helper);
      }
    }
    takeParts(range);
    while (!gate.compareAndSet(0, CLOSED)) {
      Thread.onSpinWait();
    }
    this.range = null;
    Throwable thrown = failure.getAndSet(null);
    claimed.set(false);
    if (thrown != null) {
      throw new IllegalStateException("work that threads share failed", thrown);
    }
  }

  private void takeParts(Range own) {
    for (long from = next.get(); from < size; from = next.get()) {
      long to = Math.min(size, from + part(size - from));
      if (next.compareAndSet(from, to)) {
        try {
          own.run(from, to);
        } catch (Throwable e) {
          failure.compareAndSet(null, e);
        }
      }
    }
  }

  /** Large parts first, and small ones at the end, so that all threads end together. */
  private long part(long left) {
    return Math.ceilDiv(Math.ceilDiv(left, grain), SHARE * (helpers.length + 1L)) * grain;
  }

  /** Ends the helpers. */
  @Override
  public void close() {
    dismissed = true;
    for (Helper helper : helpers) {
      LockSupport.unpark(helper);
    }
  }

  private final class Helper extends Thread {
    private final int spins;
    private volatile boolean parked;

    Helper(String name, int spins) {
      super(name);
      this.spins = spins;
    }

    @Override
    public void run() {
      int idle = 0;
      while (!dismissed) {
        int inside = gate.get();
        if (inside >= 0 && next.get() < size && gate.compareAndSet(inside, inside + 1)) {
          takeParts(Objects.requireNonNull(range));
          gate.decrementAndGet();
          idle = 0;
        } else if (++idle < spins) {
          Thread.onSpinWait();
        } else {
          parked = true;
          if (gate.get() < 0 && !dismissed) {
            LockSupport.park(Crew.this);
          }
          parked = false;
          idle = 0;
        }
      }
    }
  }
}
