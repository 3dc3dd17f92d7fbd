package dev.coppice.cli;

import com.sun.management.OperatingSystemMXBean;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import dev.coppice.graph.Weights;
import java.lang.management.ManagementFactory;
import java.util.Locale;

/** The memory of this machine, and what a step of training needs of it. */
final class StepMemory {
  private StepMemory() {}

  static double machineMegabytes() {
    return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize()
        / 1e6;
  }

  /**
   * Returns what a step needs at the least: the weights with their gradients, and what convolutions
   * and linear layers give for all images and time steps.
   */
  static double megabytes(Graph graph, int timeSteps, int batch) {
    double weights = 0;
    for (int[] shape : Weights.expected(graph).values()) {
      double size = 1;
      for (int dimension : shape) {
        size *= dimension;
      }
      weights += size;
    }
    double values = 0;
    for (Node node : graph.nodes()) {
      if (node.op() instanceof Op.Conv2d || node.op() instanceof Op.Linear) {
        values += graph.shape(node.name()).size();
      }
    }
    return (2 * weights + values * timeSteps * batch) * Float.BYTES / 1e6;
  }

  /**
   * Throws {@link UsageException} where a step would not fit into the machine's memory, which
   * libtorch would notice late and tell in its own way.
   */
  static void check(Graph graph, int timeSteps, int batch) {
    double needed = megabytes(graph, timeSteps, batch);
    if (needed > machineMegabytes()) {
      throw new UsageException(
          String.format(
              Locale.ROOT,
              "a step of %d images over %d time steps would take at least %.0f GB, and this machine"
                  + " has %.0f: use a smaller network, batch or T",
              batch,
              timeSteps,
              needed / 1000,
              machineMegabytes() / 1000));
    }
  }
}
