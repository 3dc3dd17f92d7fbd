package dev.coppice.cli;

import dev.coppice.train.EpochMetrics;
import dev.coppice.train.Evaluation;
import java.io.PrintWriter;
import java.util.Locale;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** Shows how far a run is: a bar on a terminal, else a line now and then. */
final class Progress implements AutoCloseable {
  private static final long NANOS_BETWEEN_LINES = 10_000_000_000L;
  private static final int WIDTH = 90;
  private static final String CLEAR_LINE = "\r\033[K";

  private final PrintWriter err;
  private final String task;
  private final @Nullable ProgressBar bar;
  private long lastLine = System.nanoTime();

  Progress(String task, PrintWriter err) {
    this.task = task;
    this.err = err;
    this.bar =
        Terminal.isStandardError()
            ? new ProgressBarBuilder()
                .setTaskName(task)
                .setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(200)
                .setInitialMax(-1)
                .setConsumer(new ConsoleProgressBarConsumer(System.err, WIDTH))
                .build()
            : null;
  }

  /** Notes an optimizer step. */
  void step(long step, long total, double loss) {
    if (bar != null) {
      bar.maxHint(total).stepTo(step);
      bar.setExtraMessage(String.format(Locale.ROOT, "loss %.3f", loss));
    } else if (System.nanoTime() - lastLine > NANOS_BETWEEN_LINES) {
      line(String.format(Locale.ROOT, "step %d/%d: loss %.4f", step, total, loss));
    }
  }

  /** Notes images that were measured. */
  void images(int done, int total) {
    if (bar != null) {
      bar.maxHint(total).stepTo(done);
    } else if (System.nanoTime() - lastLine > NANOS_BETWEEN_LINES) {
      line(String.format(Locale.ROOT, "image %d/%d", done, total));
    }
  }

  /** Notes an epoch. */
  void epoch(EpochMetrics metrics, int epochs) {
    Evaluation test = metrics.test();
    line(
        String.format(
            Locale.ROOT,
            "epoch %d/%d: loss %.4f, train %.2f %%%s, sparsity %.2f %%, %.0f images/s",
            metrics.epoch(),
            epochs,
            metrics.loss(),
            100 * metrics.trainAccuracy(),
            test == null ? "" : String.format(Locale.ROOT, ", test %.2f %%", 100 * test.accuracy()),
            100 * metrics.sparsity(),
            metrics.imagesPerSecond()));
  }

  /** Writes a line. */
  void line(String text) {
    lastLine = System.nanoTime();
    err.println((bar == null ? "" : CLEAR_LINE) + task + ": " + text);
    err.flush();
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}
