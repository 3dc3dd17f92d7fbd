package dev.coppice.graph;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a model's metadata tell about how to feed it: a part of the entry {@link #KEY}, which {@code
 * coppice train} and {@code coppice prune} write.
 *
 * @param encoder the name of the encoder that made time steps of an image, or null
 * @param timeSteps T, or null
 * @param mean what is subtracted from a pixel scaled to 0..1, per channel or one for all; or empty
 * @param std what the difference is divided by, as many as means
 * @param classes the names of the classes in the order of the outputs, or empty
 */
public record ModelInput(
    @Nullable String encoder,
    @Nullable Integer timeSteps,
    float[] mean,
    float[] std,
    List<String> classes) {

  /** The most time steps. */
  public static final int MAX_TIME_STEPS = 10_000;

  /** The key of the metadata. */
  public static final String KEY = "coppice.run";

  /** What a model tells that Coppice did not train. */
  public static final ModelInput NONE =
      new ModelInput(null, null, new float[0], new float[0], List.of());

  /**
   * Copies the arrays and the list.
   *
   * @throws GraphException if T is not positive or above {@link #MAX_TIME_STEPS}, there are not as
   *     many means as deviations, a mean is not finite or a deviation not positive and finite
   */
  public ModelInput {
    mean = mean.clone();
    std = std.clone();
    classes = List.copyOf(classes);
    if (timeSteps != null) {
      Check.between("the time steps", timeSteps, 1, MAX_TIME_STEPS);
    }
    if (mean.length != std.length) {
      throw new GraphException(
          "there must be as many deviations as means, not " + std.length + " and " + mean.length);
    }
    for (int c = 0; c < mean.length; c++) {
      Check.finite("a mean of the input", mean[c]);
      Check.positive("a deviation of the input", std[c]);
    }
  }

  /**
   * Reads the entry {@link #KEY}; what is not there is null or empty.
   *
   * @throws GraphException if it is damaged
   */
  public static ModelInput of(Map<String, String> metadata) {
    String text = metadata.get(KEY);
    if (text == null) {
      return NONE;
    }
    try {
      JsonObject json = JsonParser.parseString(text).getAsJsonObject();
      JsonObject options = object(json, "options");
      JsonObject data = object(json, "data");
      JsonElement encoder = options.get("encoder");
      JsonElement steps = options.get("T");
      List<String> classes = new ArrayList<>();
      array(data, "classes").forEach(name -> classes.add(name.getAsString()));
      return new ModelInput(
          encoder == null || encoder.isJsonNull() ? null : encoder.getAsString(),
          steps == null || steps.isJsonNull() ? null : Integer.valueOf(steps.getAsInt()),
          floats(array(data, "mean")),
          floats(array(data, "std")),
          classes);
    } catch (JsonParseException
        | IllegalStateException
        | IllegalArgumentException
        | UnsupportedOperationException
        | ClassCastException e) {
      throw new GraphException("the metadata entry " + KEY + " is not as Coppice writes it", e);
    }
  }

  private static JsonObject object(JsonObject json, String key) {
    JsonElement value = json.get(key);
    return value == null || value.isJsonNull() ? new JsonObject() : value.getAsJsonObject();
  }

  private static JsonArray array(JsonObject json, String key) {
    JsonElement value = json.get(key);
    return value == null || value.isJsonNull() ? new JsonArray() : value.getAsJsonArray();
  }

  private static float[] floats(JsonArray array) {
    float[] values = new float[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = array.get(i).getAsFloat();
    }
    return values;
  }
}
