package dev.coppice.graph;

import java.nio.charset.StandardCharsets;

/** Jazzer's way into the reader of networks. */
public final class GraphJsonFuzz {
  private GraphJsonFuzz() {}

  /** Reads the bytes as JSON; only {@link GraphException} may come out. */
  public static void fuzzerTestOneInput(byte[] bytes) {
    Graph graph;
    try {
      graph = Graph.fromJson(new String(bytes, StandardCharsets.UTF_8));
    } catch (GraphException e) {
      if (e.getMessage().contains("\n")) {
        throw new AssertionError("not one line: " + e.getMessage(), e);
      }
      return;
    }
    if (!Graph.fromJson(graph.toJson()).equals(graph)) {
      throw new AssertionError("changed by writing and reading");
    }
  }
}
