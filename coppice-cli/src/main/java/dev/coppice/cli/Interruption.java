package dev.coppice.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Holds the end of the process back, after Ctrl-C or SIGTERM, until a run has stopped and written
 * its checkpoint. The JVM then exits with 128 plus the number of the signal.
 */
final class Interruption implements AutoCloseable {
  private static final long PATIENCE_MINUTES = 10;

  private final CountDownLatch ended = new CountDownLatch(1);
  private final Thread hook;

  /** Calls {@code stop} when the process is asked to end. */
  Interruption(Runnable stop) {
    hook =
        Thread.ofPlatform()
            .name("coppice-stop")
            .unstarted(
                () -> {
                  stop.run();
                  try {
                    boolean _ = ended.await(PATIENCE_MINUTES, TimeUnit.MINUTES);
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                });
    Runtime.getRuntime().addShutdownHook(hook);
  }

  /** Lets the process end. */
  @Override
  public void close() {
    ended.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The process is ending.
    }
  }
}
