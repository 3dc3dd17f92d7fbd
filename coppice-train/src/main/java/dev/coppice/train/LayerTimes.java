package dev.coppice.train;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/** The processor time of the nodes of a network, gathered by several threads. */
final class LayerTimes {
  private final Map<String, LongAdder> nanos = new ConcurrentHashMap<>();
  private final LongAdder all = new LongAdder();
  private final Map<String, Way> ways = new ConcurrentHashMap<>();

  void add(String node, long duration) {
    all.add(duration);
    nanos.computeIfAbsent(node, name -> new LongAdder()).add(duration);
  }

  /** Returns the time of all nodes so far. */
  long total() {
    return all.sum();
  }

  /**
   * Adds the time of a node that all threads waited for, less what went to other nodes meanwhile:
   * planes are computed when they are read.
   *
   * @param start of {@link System#nanoTime}
   * @param before the {@link #total} then
   */
  void addSince(String node, long start, long before, int threads) {
    long waited = threads * (System.nanoTime() - start);
    add(node, Math.max(0, waited - (total() - before)));
  }

  PlaneMaps.Filler timed(String node, PlaneMaps.Filler work) {
    return (from, to) -> {
      long start = System.nanoTime();
      work.fill(from, to);
      add(node, System.nanoTime() - start);
    };
  }

  /** Says how a node runs and why. */
  void explain(String node, String way, String reason) {
    ways.put(node, new Way(way, reason));
  }

  /** Says more precisely how a node runs, and another reason. */
  void explainMore(String node, String way, String reason) {
    ways.merge(
        node,
        new Way(way, reason),
        (known, more) -> new Way(more.name(), known.reason() + "; " + more.reason()));
  }

  private record Way(String name, String reason) {}

  Engine.LayerReport report(String node, int threads) {
    LongAdder sum = nanos.get(node);
    Way way = ways.getOrDefault(node, new Way("", ""));
    return new Engine.LayerReport(
        node, way.name(), way.reason(), sum == null ? 0 : sum.sum() / 1e9 / threads);
  }
}
