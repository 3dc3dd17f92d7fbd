package dev.coppice.graph;

/**
 * Synaptic operations with every weight and every input, which depend on the network alone: the
 * dense operations of NeuroBench (arXiv 2304.04640). A multiply and an accumulate are one.
 */
public final class DenseOperations {
  private DenseOperations() {}

  /** Returns the operations of a network for one sample at one time step. */
  public static long perStep(Graph graph) {
    return graph.nodes().stream().mapToLong(node -> perStep(graph, node)).sum();
  }

  /**
   * Returns the operations of a node for one sample at one time step, 0 for one without synapses. A
   * tap of a kernel that lies on the padding is none.
   */
  public static long perStep(Graph graph, Node node) {
    return switch (node.op()) {
      case Op.Conv2d conv -> {
        Shape.Map in = (Shape.Map) graph.shape(node.inputs().getFirst());
        Shape.Map out = (Shape.Map) graph.shape(node.name());
        yield taps(conv, in.height(), out.height())
            * taps(conv, in.width(), out.width())
            * (conv.inChannels() / conv.groups())
            * conv.outChannels();
      }
      case Op.Linear linear -> (long) linear.inFeatures() * linear.outFeatures();
      default -> 0;
    };
  }

  /** Returns how many taps meet the input along one side, over all positions of the window. */
  private static long taps(Op.Conv2d conv, int in, int out) {
    long taps = 0;
    for (int position = 0; position < out; position++) {
      long first = (long) position * conv.stride() - conv.padding();
      taps += Math.max(0, Math.min(in, first + conv.kernel()) - Math.max(0, first));
    }
    return taps;
  }
}
