package dev.coppice.prune;

/**
 * When connections are pruned and regrown: iteration k comes after step {@code start + k·interval}.
 *
 * @param start optimizer steps before the pruning window opens
 * @param interval optimizer steps between iterations
 * @param iterations K, over which the sparsity rises; 0 for none
 * @param exchanges further iterations after the K-th: what they cut, they regrow
 * @param window optimizer steps over which scores are averaged, the iteration's last
 * @param instead whether the steps in which scores are measured move no weight (RigL, arXiv
 *     1911.11134)
 */
public record Timetable(
    long start, int interval, int iterations, int exchanges, int window, boolean instead) {

  /** Throws {@link IllegalArgumentException} for a value out of its range. */
  public Timetable {
    PruningSettings.require(
        iterations >= 0, "the number of pruning iterations must not be negative: " + iterations);
    PruningSettings.require(
        exchanges >= 0, "the number of exchanges must not be negative: " + exchanges);
    PruningSettings.require(
        interval >= 1, "the pruning interval must be at least a step, not " + interval);
    PruningSettings.require(
        start >= 0, "the pruning window cannot open before the first step: " + start);
    PruningSettings.require(
        window >= 1 && window <= interval,
        "the window of the scores must lie between 1 and the pruning interval, not " + window);
  }

  /** Returns the number of iterations, exchanges included. */
  public int all() {
    return iterations + exchanges;
  }

  /** Returns the optimizer step of the last iteration. */
  public long lastStep() {
    return start + (long) all() * interval;
  }

  /** Returns the iteration that follows an optimizer step, or 0 if none does. */
  int iterationAt(long step) {
    long since = step - start;
    if (since <= 0 || since % interval != 0 || since / interval > all()) {
      return 0;
    }
    return Math.toIntExact(since / interval);
  }

  /** Whether scores are measured in an optimizer step. */
  boolean measuredAt(long step) {
    long since = step - start;
    return since > 0
        && since <= (long) all() * interval
        && Math.floorMod(since - 1, interval) >= interval - window;
  }
}
