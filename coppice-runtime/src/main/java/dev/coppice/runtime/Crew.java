package dev.coppice.runtime;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * A fixed number of threads, the caller's included, that share ranges of work. Helpers that are
 * late find the gate closed and are not waited for, so that a machine with fewer free processors
 * than threads does not stall. Nothing is allocated to hand out work.
 */
final class Crew implements AutoCloseable {
  /** A thread takes what is left, divided by that and by the number of threads. */
  private static final int SHARE = 2;

  private static final int SPINS = 20_000;
  private static final int CLOSED = Integer.MIN_VALUE;

  private final Helper[] helpers;

  /** How many helpers are at work, or {@link #CLOSED}. */
  private final AtomicInteger gate = new AtomicInteger(CLOSED);

  private final AtomicLong next = new AtomicLong();
  private final AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
  private volatile boolean dismissed;

  // Written while the gate is closed and nobody is inside.
  private @Nullable Work work;
  private @Nullable Frame frame;
  private long size;
  private long grain;

  /** Work on a range, which must not depend on how the range is cut. */
  interface Work {
    /** Does the elements {@code [from, to)}. */
    void work(Frame frame, long from, long to);
  }

  Crew(int threads) {
    helpers = new Helper[threads - 1];
    for (int i = 0; i < helpers.length; i++) {
      helpers[i] = new Helper();
      helpers[i].setDaemon(true);
      helpers[i].start();
    }
  }

  /** Does the work on {@code [0, size)}, cut at multiples of {@code grain}, and waits for it. */
  void run(Work work, Frame frame, long size, long grain) {
    if (helpers.length == 0 || size <= grain) {
      work.work(frame, 0, size);
      return;
    }
    this.work = work;
    this.frame = frame;
    this.size = size;
    this.grain = grain;
    next.set(0);
    gate.set(0);
    for (Helper helper : helpers) {
      if (helper.parked) {
        LockSupport.unpark(helper);
      }
    }
    takeParts();
    while (!gate.compareAndSet(0, CLOSED)) {
      Thread.onSpinWait();
    }
    Throwable thrown = failure.getAndSet(null);
    if (thrown != null) {
      throw new IllegalStateException("a step of the network failed", thrown);
    }
  }

  private void takeParts() {
    Work own = work;
    Frame ownFrame = frame;
    if (own == null || ownFrame == null) {
      return;
    }
    for (long from = next.get(); from < size; from = next.get()) {
      long to = Math.min(size, from + part(size - from));
      if (next.compareAndSet(from, to)) {
        try {
          own.work(ownFrame, from, to);
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
    private volatile boolean parked;

    Helper() {
      super("coppice-runtime");
    }

    @Override
    public void run() {
      int idle = 0;
      while (!dismissed) {
        int inside = gate.get();
        if (inside >= 0 && next.get() < size && gate.compareAndSet(inside, inside + 1)) {
          takeParts();
          gate.decrementAndGet();
          idle = 0;
        } else if (++idle < SPINS) {
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
