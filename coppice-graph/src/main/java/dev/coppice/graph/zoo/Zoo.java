package dev.coppice.graph.zoo;

import dev.coppice.graph.Graph;
import dev.coppice.graph.GraphException;
import dev.coppice.graph.Notation;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import java.util.List;

/** Finds networks by what a user writes. */
public final class Zoo {
  private Zoo() {}

  /** Returns the names that {@link #create} knows. */
  public static List<String> names() {
    return List.of("vgg11", "vgg16", "resnet19", "resnet19-post");
  }

  /**
   * Returns the network of that name ({@code resnet19} is the {@linkplain ResNet19#preActivation
   * pre-activation} form, {@code resnet19-post} the other), or else the one that the text describes
   * in {@link Notation}, whose last part must then have as many features as there are classes.
   *
   * @param width the multiplier of the channels of a named network; 1 for a notation
   * @throws GraphException if the text or a number does not make a network
   */
  public static Graph create(
      String text, Shape.Map input, int classes, Op.Neuron neuron, double width) {
    if (classes < 1) {
      throw new GraphException("a network needs at least one class, not " + classes);
    }
    return switch (text) {
      case "vgg11" -> Vgg.vgg11(input, classes, neuron, width);
      case "vgg16" -> Vgg.vgg16(input, classes, neuron, width);
      case "resnet19" -> ResNet19.preActivation(input, classes, neuron, width);
      case "resnet19-post" -> ResNet19.postActivation(input, classes, neuron, width);
      default -> parse(text, input, classes, neuron, width);
    };
  }

  /**
   * Returns the network that the text describes in {@link Notation}, of as many classes as it says.
   *
   * @throws GraphException if it describes none; where it seems to be a name, with the known ones
   */
  public static Graph notation(String text, Shape.Map input, Op.Neuron neuron) {
    if (text.chars().noneMatch(Character::isUpperCase)) {
      throw new GraphException(
          "unknown network \""
              + text
              + "\": expected one of "
              + String.join(", ", names())
              + " or a notation such as 16C3-P2-FC10");
    }
    return Notation.parse(text, input, neuron);
  }

  private static Graph parse(
      String text, Shape.Map input, int classes, Op.Neuron neuron, double width) {
    Graph graph = notation(text, input, neuron);
    if (width != 1) {
      throw new GraphException(
          "a width goes with a named network only; write the channels of \""
              + text
              + "\" as they should be");
    }
    int found = graph.shape(graph.output()).size();
    if (found != classes) {
      throw new GraphException(
          "network \""
              + text
              + "\": ends in FC"
              + found
              + ", but there are "
              + classes
              + " classes");
    }
    return graph;
  }
}
