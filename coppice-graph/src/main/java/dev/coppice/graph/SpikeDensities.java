package dev.coppice.graph;

import com.google.gson.JsonObject;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * How often the neurons of a model fire: the entry {@link #KEY} of its metadata, which {@code
 * coppice export} writes. Whoever runs the model can choose by it how to compute a layer.
 */
public final class SpikeDensities {
  /** The key of the metadata. */
  public static final String KEY = "coppice.spikes";

  private SpikeDensities() {}

  /**
   * Returns the mean spikes per neuron and time step by the names of the neuron layers, or an empty
   * map if they are not told.
   *
   * @throws GraphException if the entry is damaged, names what is no neuron layer of the model, or
   *     a density is not in [0, 1]
   */
  public static Map<String, Double> of(Model model) {
    String text = model.metadata().get(KEY);
    if (text == null) {
      return Map.of();
    }
    Map<String, Double> densities = new LinkedHashMap<>();
    try {
      JsonObject json = Json.parseObject(text);
      JsonFields fields = new JsonFields("", json);
      json.keySet().forEach(name -> densities.put(name, (double) fields.real(name)));
      check(model.graph(), densities);
    } catch (GraphException e) {
      throw new GraphException("the metadata entry " + KEY + ": " + e.getMessage(), e);
    }
    return Collections.unmodifiableMap(densities);
  }

  /**
   * Returns the model with these densities in its metadata.
   *
   * @throws GraphException as {@link #of}
   */
  public static Model add(Model model, Map<String, Double> densities) {
    check(model.graph(), densities);
    JsonObject json = new JsonObject();
    densities.forEach(json::addProperty);
    Map<String, String> metadata = new LinkedHashMap<>(model.metadata());
    metadata.put(KEY, json.toString());
    return new Model(model.graph(), model.weights(), metadata);
  }

  private static void check(Graph graph, Map<String, Double> densities) {
    densities.forEach(
        (name, density) -> {
          if (graph.nodes().stream()
              .noneMatch(node -> node.name().equals(name) && node.op() instanceof Op.Neuron)) {
            throw new GraphException("the network has no neuron layer " + Quote.of(name));
          }
          if (!(density >= 0 && density <= 1)) {
            throw new GraphException(
                "the density of " + Quote.of(name) + " must lie in [0, 1], not " + density);
          }
        });
  }
}
