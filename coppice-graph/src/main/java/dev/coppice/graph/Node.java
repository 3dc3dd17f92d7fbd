package dev.coppice.graph;

import java.util.List;

/**
 * A named operation and the names of the nodes it reads.
 *
 * @param name unique in its graph; the prefix of the names of its tensors
 */
public record Node(String name, Op op, List<String> inputs) {
  /** Copies the inputs. */
  public Node {
    inputs = List.copyOf(inputs);
  }
}
