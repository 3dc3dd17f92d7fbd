package dev.coppice.graph;

import java.util.List;
import java.util.regex.Pattern;

/**
 * A named operation and the names of the nodes it reads.
 *
 * @param name unique in its graph, of 1 to 100 characters {@code A-Z a-z 0-9 _ . -}; the prefix of
 *     the names of its tensors
 */
public record Node(String name, Op op, List<String> inputs) {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_.-]{1,100}");

  /** Copies the inputs. Throws {@link GraphException} if the name is not a proper one. */
  public Node {
    if (!NAME.matcher(name).matches()) {
      throw new GraphException(
          "a node's name has 1 to 100 letters, digits, '_', '.' or '-', not " + Quote.of(name));
    }
    inputs = List.copyOf(inputs);
  }
}
