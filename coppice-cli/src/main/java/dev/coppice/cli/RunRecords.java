package dev.coppice.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.coppice.train.EpochMetrics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What run folders say of how training and pruning went, for the analyses of runs.
 *
 * @param name of the run in tables and pictures
 * @param epochs of its training; of a run that removed channels those of fine-tuning
 * @param prunings of connections; may be empty
 */
record RunRecords(String name, List<Epoch> epochs, List<Pruned> prunings) {
  private static final long MAX_BYTES = 64 << 20;
  private static final List<String> COLUMNS = List.of(EpochMetrics.csvHeader().split(","));

  /** An epoch; the accuracy and loss on test images are NaN if they were not measured. */
  record Epoch(int number, double loss, double accuracy, double testAccuracy, double testLoss) {}

  /** A pruning iteration. */
  record Pruned(int iteration, long step, double sparsity, int regrown, double survivalPercent) {}

  RunRecords {
    epochs = List.copyOf(epochs);
    prunings = List.copyOf(prunings);
  }

  /**
   * Reads a run folder, or that of a stage.
   *
   * @throws UsageException if it is not one, or a file is damaged
   */
  static RunRecords of(Path folder, String name) throws IOException {
    List<Epoch> epochs = new ArrayList<>();
    if (Files.exists(folder.resolve("metrics.csv"))) {
      addEpochs(folder.resolve("metrics.csv"), epochs);
    } else {
      for (int round = 1; Files.exists(metrics(folder, round)); round++) {
        addEpochs(metrics(folder, round), epochs);
      }
    }
    if (epochs.isEmpty()) {
      throw new UsageException(
          folder + ": is not the folder of a run (no metrics.csv with epochs)");
    }
    Path prunings = folder.resolve("pruning.json");
    return new RunRecords(name, epochs, Files.exists(prunings) ? prunings(prunings) : List.of());
  }

  private static Path metrics(Path folder, int round) {
    return folder.resolve("round-" + round).resolve("metrics.csv");
  }

  /** Adds the epochs of a file, numbered on. */
  private static void addEpochs(Path file, List<Epoch> epochs) throws IOException {
    List<String> lines = text(file).lines().toList();
    for (int i = 1; i < lines.size(); i++) {
      String[] cells = lines.get(i).split(",", -1);
      try {
        epochs.add(
            new Epoch(
                epochs.size() + 1,
                cell(cells, "loss"),
                cell(cells, "train_accuracy"),
                cell(cells, "test_accuracy"),
                cell(cells, "test_loss")));
      } catch (NumberFormatException | IndexOutOfBoundsException e) {
        throw new UsageException(
            file + " line " + (i + 1) + ": expected the columns of a run's metrics", e);
      }
    }
  }

  private static double cell(String[] cells, String column) {
    String text = cells[COLUMNS.indexOf(column)];
    return text.isEmpty() ? Double.NaN : Double.parseDouble(text);
  }

  private static List<Pruned> prunings(Path file) throws IOException {
    try {
      JsonArray iterations =
          JsonParser.parseString(text(file)).getAsJsonObject().getAsJsonArray("iterations");
      List<Pruned> prunings = new ArrayList<>();
      for (JsonElement element : iterations) {
        JsonObject one = element.getAsJsonObject();
        prunings.add(
            new Pruned(
                one.get("iteration").getAsInt(),
                one.get("step").getAsLong(),
                one.get("sparsity").getAsDouble(),
                one.get("regrown").getAsInt(),
                one.get("survivalPercent").getAsDouble()));
      }
      return prunings;
    } catch (JsonParseException
        | IllegalStateException
        | NumberFormatException
        | UnsupportedOperationException
        | ClassCastException
        | NullPointerException e) {
      throw new UsageException(file + ": is not as Coppice writes it", e);
    }
  }

  private static String text(Path file) throws IOException {
    if (Files.size(file) > MAX_BYTES) {
      throw new UsageException(file + ": is too large for the records of a run");
    }
    return Files.readString(file);
  }
}
