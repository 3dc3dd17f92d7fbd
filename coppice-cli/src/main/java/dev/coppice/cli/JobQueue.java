package dev.coppice.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;

/**
 * Runs the jobs of a comparison, several at a time. If nobody says how many, the first one runs
 * alone until it has told how much memory it takes, and then as many as fit.
 */
final class JobQueue {
  /** The share of the machine's memory that jobs may take together. */
  private static final double MEMORY_SHARE = 0.8;

  private final Deque<ComparisonJob> waiting = new ArrayDeque<>();
  private final Map<Cell, ComparedRun.Outcome> outcomes = new LinkedHashMap<>();
  private final int most;
  private final boolean byMemory;
  private int running;
  private boolean stopped;

  /** The most megabytes that a job has told of; negative until one has. */
  private double peakMegabytes = -1;

  /**
   * Makes a queue.
   *
   * @param most jobs at a time
   * @param byMemory whether memory may make them fewer
   */
  JobQueue(List<ComparisonJob> jobs, int most, boolean byMemory) throws IOException {
    this.most = most;
    this.byMemory = byMemory;
    for (ComparisonJob job : jobs) {
      Optional<ComparedRun.Outcome> done = job.done();
      if (done.isPresent()) {
        outcomes.put(job.cell(), done.get());
      } else {
        waiting.add(job);
      }
    }
  }

  /**
   * Returns the outcomes so far, of jobs that were done before too.
   *
   * @throws IllegalStateException while jobs are running
   */
  synchronized Map<Cell, ComparedRun.Outcome> outcomes() {
    if (running > 0) {
      throw new IllegalStateException("jobs are running");
    }
    return Map.copyOf(outcomes);
  }

  /** Lets no further job begin. */
  synchronized void stop() {
    stopped = true;
    notifyAll();
  }

  /**
   * Runs the jobs that are left.
   *
   * @return false if it was stopped before
   */
  boolean run(JobProgress progress) {
    progress.start(waiting.size(), outcomes.size());
    try (ExecutorService workers = Executors.newFixedThreadPool(most)) {
      List<Future<?>> futures = new ArrayList<>();
      for (int slot = 0; slot < most; slot++) {
        int own = slot;
        futures.add(workers.submit(() -> work(own, progress)));
      }
      for (Future<?> future : futures) {
        future.get();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      stop();
    } catch (ExecutionException e) {
      throw new IllegalStateException(e.getCause());
    }
    return !stopped;
  }

  private void work(int slot, JobProgress progress) {
    for (ComparisonJob job = next(); job != null; job = next()) {
      progress.begin(slot, job.cell());
      Optional<ComparedRun.Outcome> outcome = run(slot, job, progress);
      outcome.ifPresent(ended -> progress.end(slot, ended));
      end(job, outcome.orElse(null));
    }
  }

  private Optional<ComparedRun.Outcome> run(int slot, ComparisonJob job, JobProgress progress) {
    try {
      return job.run(
          line -> {
            progress.line(slot, line);
            weigh(job);
          });
    } catch (RunFailedException e) {
      return Optional.empty(); // This process is ending.
    } catch (IOException | UsageException e) {
      return Optional.of(new ComparedRun.Failed(Failure.FAILED, Failure.of(e).message()));
    }
  }

  /** Returns the next job when it may begin, or null if none is to begin any more. */
  private synchronized @Nullable ComparisonJob next() {
    try {
      while (!stopped && !waiting.isEmpty() && running >= allowed()) {
        wait();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return null;
    }
    if (stopped || waiting.isEmpty()) {
      return null;
    }
    running++;
    return waiting.remove();
  }

  private int allowed() {
    if (!byMemory) {
      return most;
    }
    if (peakMegabytes < 0) {
      return 1;
    }
    return (int) Math.clamp(MEMORY_SHARE * StepMemory.machineMegabytes() / peakMegabytes, 1, most);
  }

  /** Looks at what a job tells of its memory after every epoch. */
  private void weigh(ComparisonJob job) {
    try {
      Path metrics = job.directory().resolve("metrics.csv");
      if (byMemory && Files.exists(metrics)) {
        RunRecords records = RunRecords.of(job.directory().path(), job.cell().method());
        weigh(records.epochs().getLast().peakMegabytes());
      }
    } catch (IOException | UsageException e) {
      // It tells after the next epoch.
    }
  }

  private synchronized void weigh(double megabytes) {
    peakMegabytes = Math.max(peakMegabytes, megabytes);
    notifyAll();
  }

  private synchronized void end(ComparisonJob job, ComparedRun.@Nullable Outcome outcome) {
    running--;
    if (outcome == null) {
      stopped = true;
    } else {
      outcomes.put(job.cell(), outcome);
    }
    if (outcome instanceof ComparedRun.Finished finished) {
      weigh(finished.records().epochs().getLast().peakMegabytes());
    }
    notifyAll();
  }
}
