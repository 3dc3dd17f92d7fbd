package dev.coppice.cli;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.coppice.data.DataSet;
import dev.coppice.data.Normalization;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Model;
import dev.coppice.graph.ModelInput;
import dev.coppice.graph.Shape;
import dev.coppice.train.Engine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where a model comes from: an entry of its metadata that says all that is needed to evaluate it
 * and to make it again.
 */
final class Provenance {
  /** The key of the metadata. */
  static final String KEY = ModelInput.KEY;

  private Provenance() {}

  /**
   * Describes a run.
   *
   * @param options as {@link Configuration#values} gives them
   */
  static JsonObject of(
      String command,
      DataSet data,
      Normalization normalization,
      Map<String, ?> options,
      Engine.Options engine) {
    JsonObject json = new JsonObject();
    json.addProperty("command", command);
    json.addProperty("coppice", Version.number());
    json.addProperty("java", Runtime.version().toString());
    json.addProperty("djl", ai.djl.engine.Engine.getDjlVersion());
    json.addProperty("pytorch", ai.djl.engine.Engine.getEngine("PyTorch").getVersion());
    json.addProperty("kernels", engine.kernels().describe());
    json.addProperty("threads", engine.threads());
    json.addProperty("device", engine.device());
    json.add("data", data(data, normalization));
    json.add("options", new Gson().toJsonTree(options));
    return json;
  }

  /** Returns metadata in which {@code described} is where the model comes from. */
  static Map<String, String> with(Map<String, String> metadata, JsonObject described) {
    Map<String, String> all = new LinkedHashMap<>(metadata);
    all.put(KEY, described.toString());
    return all;
  }

  private static JsonObject data(DataSet data, Normalization normalization) {
    JsonObject json = new JsonObject();
    json.addProperty("name", data.name());
    json.addProperty("trainSamples", data.train().size());
    json.addProperty("testSamples", data.test().size());
    JsonArray sources = new JsonArray();
    for (DataSet.Source source : data.sources()) {
      JsonObject entry = new JsonObject();
      entry.addProperty("file", source.file());
      entry.addProperty("bytes", source.bytes());
      entry.addProperty("sha256", source.sha256());
      sources.add(entry);
    }
    json.add("sources", sources);
    Gson gson = new Gson();
    json.add("mean", gson.toJsonTree(normalization.mean()));
    json.add("std", gson.toJsonTree(normalization.std()));
    json.add("classes", gson.toJsonTree(data.train().classes()));
    return json;
  }

  /**
   * Loads a model that the user names.
   *
   * @throws UsageException if it is not a file
   * @throws IOException if it cannot be read or holds no model
   */
  static Model load(Path file) throws IOException {
    if (Files.exists(file) && !Files.isRegularFile(file)) {
      throw new UsageException(file + ": is not a file");
    }
    return Model.load(file);
  }

  /**
   * What a model's metadata tell about how to feed it.
   *
   * @param data the name of the data set as the user gave it
   * @param encoder by name
   * @param timeSteps T
   */
  record Stored(
      @Nullable String data,
      @Nullable Path dataDir,
      @Nullable Integer testSamples,
      @Nullable Integer imageSize,
      @Nullable String encoder,
      @Nullable Integer timeSteps,
      @Nullable Normalization normalization) {

    /** What a model tells that Coppice did not train. */
    static final Stored NONE = new Stored(null, null, null, null, null, null, null);

    /**
     * Returns the images scaled as the model was trained with.
     *
     * @throws UsageException if they do not fit the network
     */
    DataSet normalized(Graph graph, DataSet images) {
      Shape input = graph.shape(graph.input().name());
      if (!input.equals(images.train().shape())) {
        throw new UsageException(
            "the network reads images of "
                + input
                + ", but those of "
                + images.name()
                + " are "
                + images.train().shape());
      }
      int outputs = graph.shape(graph.output()).size();
      int classes = images.train().classes().size();
      if (outputs != classes) {
        throw new UsageException(
            "the network tells "
                + outputs
                + " classes apart, but "
                + images.name()
                + " has "
                + classes);
      }
      if (normalization == null || normalization.mean().length != input.channels()) {
        return images;
      }
      return new DataSet(
          images.name(), images.train(), images.test(), normalization, images.sources());
    }
  }

  /**
   * Reads what {@link #of} wrote into a model's metadata; what is not there is null.
   *
   * @throws UsageException if it is damaged
   */
  static Stored read(Map<String, String> metadata, String file) {
    String text = metadata.get(KEY);
    if (text == null) {
      return Stored.NONE;
    }
    try {
      JsonObject json = JsonParser.parseString(text).getAsJsonObject();
      JsonObject options = json.getAsJsonObject("options");
      ModelInput input = ModelInput.of(metadata);
      return new Stored(
          string(options, "data"),
          path(options, "data-dir"),
          integer(options, "test-samples"),
          integer(options, "image-size"),
          input.encoder(),
          input.timeSteps(),
          new Normalization(input.mean(), input.std()));
    } catch (JsonParseException
        | IllegalStateException
        | IllegalArgumentException
        | NullPointerException
        | UnsupportedOperationException
        | ClassCastException e) {
      throw new UsageException(
          file + ": its metadata entry " + KEY + " is not as Coppice writes it", e);
    }
  }

  private static @Nullable String string(JsonObject json, String key) {
    JsonElement value = json.get(key);
    return value == null || value.isJsonNull() ? null : value.getAsString();
  }

  private static @Nullable Path path(JsonObject json, String key) {
    String text = string(json, key);
    return text == null ? null : Path.of(text);
  }

  private static @Nullable Integer integer(JsonObject json, String key) {
    JsonElement value = json.get(key);
    return value == null || value.isJsonNull() ? null : Integer.valueOf(value.getAsInt());
  }
}
