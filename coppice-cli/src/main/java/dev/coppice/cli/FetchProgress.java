package dev.coppice.cli;

import dev.coppice.data.DataFetcher;
import java.io.PrintWriter;
import java.util.Locale;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/** Shows how far a download is: a bar for each file on a terminal, else a line now and then. */
final class FetchProgress implements DataFetcher.Progress, AutoCloseable {
  private static final long NANOS_BETWEEN_LINES = 5_000_000_000L;
  private static final long MEGABYTE = 1_000_000;
  private static final int WIDTH = 90;

  private final PrintWriter err;
  private final boolean terminal = Terminal.isStandardError();
  private @Nullable ProgressBar bar;
  private String file = "";
  private long lastLine;

  FetchProgress(PrintWriter err) {
    this.err = err;
  }

  @Override
  public void update(String name, long done, long total) {
    boolean next = !name.equals(file);
    file = name;
    if (terminal) {
      ProgressBar shown = next || bar == null ? replaceBar(total) : bar;
      shown.stepTo(done);
    } else if (next || done == total || System.nanoTime() - lastLine > NANOS_BETWEEN_LINES) {
      lastLine = System.nanoTime();
      err.println(
          String.format(
              Locale.ROOT,
              "%s: %.1f of %.1f MB",
              name,
              done / (double) MEGABYTE,
              total / (double) MEGABYTE));
      err.flush();
    }
  }

  private ProgressBar replaceBar(long total) {
    close();
    ProgressBar made =
        new ProgressBarBuilder()
            .setTaskName(file)
            .setStyle(ProgressBarStyle.ASCII)
            .setUnit(" MB", MEGABYTE)
            .setInitialMax(total)
            .setConsumer(new ConsoleProgressBarConsumer(System.err, WIDTH))
            .build();
    bar = made;
    return made;
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
      bar = null;
    }
  }
}
