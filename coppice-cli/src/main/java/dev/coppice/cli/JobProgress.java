package dev.coppice.cli;

import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import me.tongfei.progressbar.InteractiveConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.jspecify.annotations.Nullable;

/**
 * Shows how far the jobs of a comparison are: a bar for all and one for each that runs, on a
 * terminal, else a line when a job ends and now and then.
 */
final class JobProgress implements AutoCloseable {
  private static final long NANOS_BETWEEN_LINES = 30_000_000_000L;
  private static final int WIDTH = 100;
  private static final int PARTS = 1000;

  /** What {@link Progress} writes when it has no terminal. */
  private static final Pattern PART = Pattern.compile("\\w+: ((?:epoch|step) (\\d+)/(\\d+)).*");

  private final PrintWriter err;
  private final Slot[] slots;
  private final @Nullable ProgressBar bar;
  private final long start = System.nanoTime();
  private long lastLine = start;
  private int jobs;
  private int before;
  private int ended;
  private int failed;

  /** A place for a job. */
  private static final class Slot {
    private @Nullable ProgressBar bar;
    private @Nullable Cell cell;
    private String reached = "begins";
    private double part;
  }

  /**
   * Shows.
   *
   * @param most jobs at a time
   */
  JobProgress(int most, PrintWriter err) {
    this.err = err;
    boolean terminal = Terminal.isStandardError();
    bar = terminal ? bar("compare") : null;
    slots = new Slot[most];
    for (int i = 0; i < most; i++) {
      slots[i] = new Slot();
      slots[i].bar = terminal ? bar("job " + (i + 1)) : null;
    }
  }

  private static ProgressBar bar(String name) {
    return new ProgressBarBuilder()
        .setTaskName(name)
        .setStyle(ProgressBarStyle.ASCII)
        .setUpdateIntervalMillis(200)
        .setInitialMax(PARTS)
        .hideEta()
        .setConsumer(new InteractiveConsoleProgressBarConsumer(System.err, WIDTH))
        .build();
  }

  /** Notes how many jobs are left, and how many were done before. */
  synchronized void start(int left, int done) {
    jobs = left + done;
    before = done;
    line(
        jobs
            + " jobs, "
            + (done > 0 ? done + " done before, " : "")
            + (slots.length == 1 ? "one" : "up to " + slots.length)
            + " at a time");
  }

  /** Notes that a job begins. */
  synchronized void begin(int slot, Cell cell) {
    slots[slot].cell = cell;
    slots[slot].part = 0;
    slots[slot].reached = "begins";
    show(slot);
  }

  /** Notes what the process of a job says. */
  synchronized void line(int slot, String text) {
    Matcher matcher = PART.matcher(text);
    if (matcher.matches()) {
      slots[slot].reached = matcher.group(1);
      slots[slot].part =
          Long.parseLong(matcher.group(2)) / (double) Long.parseLong(matcher.group(3));
      show(slot);
    }
    if (System.nanoTime() - lastLine > NANOS_BETWEEN_LINES) {
      line(running() + timeLeft());
    }
  }

  /** Notes that a job has ended. */
  synchronized void end(int slot, ComparedRun.Outcome outcome) {
    Cell cell = slots[slot].cell;
    slots[slot].cell = null;
    slots[slot].part = 0;
    slots[slot].reached = "";
    ended++;
    String how =
        switch (outcome) {
          case ComparedRun.Finished finished ->
              String.format(
                  Locale.ROOT,
                  "accuracy %.2f %%, %s",
                  100 * finished.accuracy(),
                  duration(finished.cost().seconds()));
          case ComparedRun.Failed failure -> {
            failed++;
            yield "failed: " + failure.message();
          }
        };
    line(
        String.format(
            Locale.ROOT,
            "%d/%d, %s: %s%s",
            before + ended,
            jobs,
            cell == null ? "" : cell.describe(),
            how,
            timeLeft()));
    show(slot);
  }

  private String running() {
    List<String> parts = new ArrayList<>();
    for (Slot slot : slots) {
      if (slot.cell != null) {
        parts.add(slot.cell.describe() + ": " + slot.reached);
      }
    }
    return String.join("; ", parts);
  }

  private void show(int index) {
    Slot slot = slots[index];
    if (bar == null || slot.bar == null) {
      return;
    }
    slot.bar.stepTo(Math.round(PARTS * slot.part));
    slot.bar.setExtraMessage(slot.cell == null ? "" : slot.cell.describe() + ", " + slot.reached);
    bar.stepTo(Math.round(PARTS * (before + done()) / Math.max(1, jobs)));
    bar.setExtraMessage(
        before + ended + "/" + jobs + (failed > 0 ? ", " + failed + " failed" : "") + timeLeft());
  }

  /** Returns the jobs done by this process, those that run in part. */
  private double done() {
    return ended + Arrays.stream(slots).mapToDouble(slot -> slot.part).sum();
  }

  private String timeLeft() {
    double done = done();
    double left = jobs - before - done;
    double seconds = (System.nanoTime() - start) / 1e9;
    return done > 0 && left > 0 ? ", about " + duration(seconds / done * left) + " left" : "";
  }

  private static String duration(double seconds) {
    if (seconds < 90) {
      return String.format(Locale.ROOT, "%.0f s", seconds);
    }
    return seconds < 5400
        ? String.format(Locale.ROOT, "%.0f min", seconds / 60)
        : String.format(Locale.ROOT, "%.1f h", seconds / 3600);
  }

  /** Writes a line where there are no bars. */
  private void line(String text) {
    lastLine = System.nanoTime();
    if (bar == null) {
      err.println("compare: " + text);
      err.flush();
    }
  }

  @Override
  public synchronized void close() {
    for (Slot slot : slots) {
      if (slot.bar != null) {
        slot.bar.close();
      }
    }
    if (bar != null) {
      bar.close();
    }
  }
}
