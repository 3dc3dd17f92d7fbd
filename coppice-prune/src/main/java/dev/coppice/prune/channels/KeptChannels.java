package dev.coppice.prune.channels;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.coppice.graph.Graph;
import dev.coppice.graph.GraphException;
import dev.coppice.graph.Model;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Which channels of the original network a shrunk one has kept, however often it was shrunk. {@link
 * Surgery#shrink} keeps it in the model's metadata.
 *
 * @param layers the convolutions, linear layers, batch norms and neurons that lost channels, by
 *     name; those that are gone as a whole are there too
 */
public record KeptChannels(SequencedMap<String, Layer> layers) {
  /** The key of the metadata. */
  public static final String KEY = "coppice.channels";

  /** That of a network that was never shrunk. */
  public static final KeptChannels NONE = new KeptChannels(new LinkedHashMap<>());

  /** The most channels that a layer, and all layers together, may be said to have had. */
  private static final int MOST_CHANNELS = 1 << 20;

  private static final long MOST_IN_ALL = 1 << 24;

  /**
   * A layer.
   *
   * @param of how many channels it had
   * @param kept those that are left, increasing; none if the layer is gone
   */
  public record Layer(int of, int[] kept) {
    /** Returns the same, of what is left after {@code then} kept some of it. */
    Layer then(int[] then) {
      return new Layer(of, Arrays.stream(then).map(i -> kept[i]).toArray());
    }
  }

  /** Copies the map. */
  public KeptChannels {
    layers = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(layers));
  }

  /**
   * Returns what a model's metadata say, nothing if it was never shrunk.
   *
   * @throws GraphException if that is damaged, or is not of the model's network
   */
  public static KeptChannels of(Model model) {
    String text = model.metadata().get(KEY);
    if (text == null) {
      return NONE;
    }
    try {
      return read(JsonParser.parseString(text).getAsJsonObject(), model.graph());
    } catch (JsonParseException
        | IllegalStateException
        | NumberFormatException
        | UnsupportedOperationException
        | ClassCastException e) {
      throw new GraphException("the metadata entry " + KEY + " is not as Coppice writes it", e);
    }
  }

  private static KeptChannels read(JsonObject json, Graph graph) {
    SequencedMap<String, Layer> layers = new LinkedHashMap<>();
    long all = 0;
    for (JsonElement element : array(json, "groups")) {
      JsonObject group = element.getAsJsonObject();
      JsonElement width = group.get("of");
      int of = width == null ? 0 : width.getAsInt();
      int[] kept = array(group, "kept").asList().stream().mapToInt(e -> e.getAsInt()).toArray();
      boolean increasing =
          IntStream.range(1, kept.length).allMatch(i -> kept[i - 1] < kept[i])
              && (kept.length == 0 || (kept[0] >= 0 && kept[kept.length - 1] < of));
      check(of >= 1 && of <= MOST_CHANNELS && increasing, "has channels out of order");
      for (JsonElement name : array(group, "layers")) {
        String node = name.getAsString();
        all += of;
        check(all <= MOST_IN_ALL, "tells of too many channels");
        int now = graph.contains(node) ? graph.shape(node).channels() : 0;
        check(now == kept.length, "does not fit the network");
        check(layers.put(node, new Layer(of, kept)) == null, "names a layer twice");
      }
    }
    return new KeptChannels(layers);
  }

  private static JsonArray array(JsonObject json, String key) {
    JsonElement element = json.get(key);
    return element == null ? new JsonArray() : element.getAsJsonArray();
  }

  private static void check(boolean right, String problem) {
    if (!right) {
      throw new GraphException("the metadata entry " + KEY + " " + problem);
    }
  }

  /**
   * Returns what is kept after a further cut.
   *
   * @param cut of the network as it is
   */
  KeptChannels then(Map<String, Layer> cut) {
    SequencedMap<String, Layer> composed = new LinkedHashMap<>(layers);
    cut.forEach((name, layer) -> composed.merge(name, layer, (old, now) -> old.then(now.kept())));
    return new KeptChannels(composed);
  }

  /** Returns how many channels a layer had in the original network, or null if it had no such. */
  public @Nullable Integer before(String layer, Graph graph) {
    Layer known = layers.get(layer);
    if (known != null) {
      return known.of();
    }
    return graph.contains(layer) ? Integer.valueOf(graph.shape(layer).channels()) : null;
  }

  /** Returns what {@link #of} reads: layers of the same channels together. */
  public String toJson() {
    Map<List<Integer>, JsonObject> groups = new LinkedHashMap<>();
    layers.forEach(
        (name, layer) -> {
          List<Integer> key = new ArrayList<>(List.of(layer.of()));
          Arrays.stream(layer.kept()).forEach(key::add);
          JsonObject group = groups.computeIfAbsent(key, _ -> group(layer));
          group.getAsJsonArray("layers").add(name);
        });
    JsonArray array = new JsonArray();
    groups.values().forEach(array::add);
    JsonObject json = new JsonObject();
    json.add("groups", array);
    return json.toString();
  }

  private static JsonObject group(Layer layer) {
    JsonObject group = new JsonObject();
    group.add("layers", new JsonArray());
    group.addProperty("of", layer.of());
    JsonArray kept = new JsonArray();
    Arrays.stream(layer.kept()).forEach(kept::add);
    group.add("kept", kept);
    return group;
  }
}
