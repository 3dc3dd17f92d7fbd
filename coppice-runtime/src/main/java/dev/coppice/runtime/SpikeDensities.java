package dev.coppice.runtime;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.coppice.graph.GraphException;
import dev.coppice.graph.Model;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How many spikes come out of nodes, per element and time step: measured ones if the model's
 * metadata tell them, else what is usual.
 */
final class SpikeDensities {
  /** The key of the metadata: a JSON object of numbers by layer of neurons. */
  static final String KEY = "coppice.spikes";

  private static final double USUAL = 0.1;

  private final Map<String, Double> byNode = new HashMap<>();

  private SpikeDensities() {}

  /**
   * Returns those of a model.
   *
   * @throws GraphException if the metadata on them are damaged
   */
  static SpikeDensities of(Model model) {
    JsonObject measured = measured(model);
    SpikeDensities densities = new SpikeDensities();
    for (Node node : model.graph().nodes()) {
      double input = node.inputs().isEmpty() ? 1 : densities.of(node.inputs().getFirst());
      double output =
          switch (node.op()) {
            case Op.Neuron _ -> rate(measured.get(node.name()));
            case Op.AvgPool(int kernel, _) -> input * kernel * kernel;
            case Op.MaxPool(int kernel, _) -> 1 - Math.pow(1 - Math.min(1, input), kernel * kernel);
            default -> input;
          };
      densities.byNode.put(node.name(), output);
    }
    return densities;
  }

  private static JsonObject measured(Model model) {
    String json = model.metadata().get(KEY);
    if (json == null) {
      return new JsonObject();
    }
    try {
      return JsonParser.parseString(json).getAsJsonObject();
    } catch (JsonParseException | IllegalStateException e) {
      throw new GraphException("the metadata " + KEY + " are not a JSON object", e);
    }
  }

  private static double rate(@Nullable JsonElement element) {
    if (element == null) {
      return USUAL;
    }
    try {
      double rate = element.getAsDouble();
      if (rate >= 0 && rate <= 1) {
        return rate;
      }
    } catch (NumberFormatException | UnsupportedOperationException | IllegalStateException e) {
      throw new GraphException("the metadata " + KEY + " hold " + element, e);
    }
    throw new GraphException("the metadata " + KEY + " hold " + element + ", not a share");
  }

  /** Returns the spikes that a node gives per element and time step; more than 1 of averages. */
  double of(String node) {
    return byNode.getOrDefault(node, 1.0);
  }
}
