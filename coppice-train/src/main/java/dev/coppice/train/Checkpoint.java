package dev.coppice.train;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Model;
import dev.coppice.graph.Safetensors;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.stream.Stream;

/**
 * A run between two optimizer steps: everything that is needed to go on as if it had never stopped.
 * Randomness is drawn from the seed and the step, so that no generator's state is part of it.
 *
 * @param fingerprint tells whether a run's configuration is the one that the checkpoint was made
 *     with
 * @param step optimizer steps done
 * @param epoch the epoch under way, 0 for the first
 * @param batch its batches done
 * @param lossSum over the epoch's samples so far
 * @param correct of the epoch's samples so far
 * @param epochSeconds of training so far in the epoch
 * @param seconds of training in the epochs before
 * @param history lines of metrics.csv so far
 * @param updates of the optimizer since it knew nothing
 * @param optimizer its state
 * @param method its state
 */
record Checkpoint(
    String fingerprint,
    long step,
    int epoch,
    int batch,
    double lossSum,
    long correct,
    double epochSeconds,
    double seconds,
    List<String> history,
    Weights weights,
    long updates,
    Map<String, Tensor> optimizer,
    TrainingMethod.State method) {

  private static final String MODEL = "model.safetensors";
  private static final String OPTIMIZER = "optimizer.safetensors";
  private static final String METHOD = "method.safetensors";
  private static final String PROGRESS = "checkpoint.json";
  private static final int KEPT = 2;

  /**
   * Writes {@code step-N} into a directory, whole or not at all, in place of one that may be there
   * (of a run stopped before it evaluated the epoch, or damaged), and removes all but the newest.
   */
  void save(Path directory, Graph graph, Map<String, String> metadata) throws IOException {
    Files.createDirectories(directory);
    Path target = directory.resolve("step-%010d".formatted(step));
    Path draft = Files.createTempDirectory(directory, ".draft-");
    try {
      new Model(graph, weights, metadata).save(draft.resolve(MODEL));
      Safetensors.write(draft.resolve(OPTIMIZER), Map.of(), arrays(optimizer));
      Safetensors.write(draft.resolve(METHOD), method.text(), arrays(method.tensors()));
      Path progress = draft.resolve(PROGRESS);
      Files.writeString(progress, progressJson().toString());
      try (FileChannel channel = FileChannel.open(progress, StandardOpenOption.WRITE)) {
        channel.force(true);
      }
      replace(target, draft);
    } catch (IOException | RuntimeException e) {
      delete(draft);
      throw e;
    }
    List<Path> all = list(directory);
    for (Path old : all.subList(0, Math.max(0, all.size() - KEPT))) {
      delete(old);
    }
  }

  /** A folder that is not empty cannot be renamed over: the old one is put aside meanwhile. */
  private static void replace(Path target, Path draft) throws IOException {
    if (!Files.exists(target)) {
      Files.move(draft, target, StandardCopyOption.ATOMIC_MOVE);
      return;
    }
    Path aside = draft.resolveSibling(draft.getFileName() + "-old");
    Files.move(target, aside, StandardCopyOption.ATOMIC_MOVE);
    try {
      Files.move(draft, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      Files.move(aside, target, StandardCopyOption.ATOMIC_MOVE);
      throw e;
    }
    delete(aside);
  }

  private JsonObject progressJson() {
    JsonObject json = new JsonObject();
    json.addProperty("fingerprint", fingerprint);
    json.addProperty("step", step);
    json.addProperty("epoch", epoch);
    json.addProperty("batch", batch);
    json.addProperty("lossSum", lossSum);
    json.addProperty("correct", correct);
    json.addProperty("epochSeconds", epochSeconds);
    json.addProperty("seconds", seconds);
    json.addProperty("updates", updates);
    JsonArray lines = new JsonArray();
    history.forEach(lines::add);
    json.add("history", lines);
    return json;
  }

  /**
   * Reads a checkpoint.
   *
   * @throws IOException if it cannot be read or is damaged
   */
  static Checkpoint read(Path path) throws IOException {
    try {
      JsonObject json =
          JsonParser.parseString(Files.readString(path.resolve(PROGRESS))).getAsJsonObject();
      List<String> history = new ArrayList<>();
      for (JsonElement line : json.getAsJsonArray("history")) {
        history.add(line.getAsString());
      }
      Safetensors.Content method = Safetensors.read(path.resolve(METHOD));
      return new Checkpoint(
          json.get("fingerprint").getAsString(),
          json.get("step").getAsLong(),
          json.get("epoch").getAsInt(),
          json.get("batch").getAsInt(),
          json.get("lossSum").getAsDouble(),
          json.get("correct").getAsLong(),
          json.get("epochSeconds").getAsDouble(),
          json.get("seconds").getAsDouble(),
          history,
          Model.load(path.resolve(MODEL)).weights(),
          json.get("updates").getAsLong(),
          tensors(Safetensors.read(path.resolve(OPTIMIZER))),
          new TrainingMethod.State(tensors(method), method.metadata()));
    } catch (JsonParseException
        | IllegalStateException
        | NullPointerException
        | UnsupportedOperationException
        | NumberFormatException e) {
      throw new IOException(
          "checkpoint " + path + " is damaged: " + PROGRESS + " is not as written", e);
    }
  }

  private static Map<String, Tensor> tensors(Safetensors.Content stored) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    stored.arrays().forEach((name, array) -> tensors.put(name, array.tensor()));
    return tensors;
  }

  private static SequencedMap<String, Safetensors.Array> arrays(Map<String, Tensor> tensors) {
    SequencedMap<String, Safetensors.Array> arrays = new LinkedHashMap<>();
    tensors.forEach((name, tensor) -> arrays.put(name, Safetensors.Array.of(tensor)));
    return arrays;
  }

  /** Returns the checkpoints of a directory, the newest last. */
  static List<Path> list(Path directory) throws IOException {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries
          .filter(path -> path.getFileName().toString().matches("step-\\d{10,}"))
          .sorted(Comparator.comparing(path -> path.getFileName().toString()))
          .toList();
    } catch (NoSuchFileException e) {
      return List.of();
    }
  }

  private static void delete(Path directory) throws IOException {
    try (Stream<Path> tree = Files.walk(directory)) {
      for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    } catch (UncheckedIOException e) {
      throw e.getCause();
    }
  }
}
