package dev.coppice.cli;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.coppice.prune.PruningIteration;
import dev.coppice.train.EpochMetrics;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What run folders say of how training and pruning went, for the analyses of runs.
 *
 * @param name of the run in tables and pictures
 * @param epochs of its training; of a run that removed channels those of all its trainings, with
 *     the share of the first network's weights that is gone as their sparsity
 * @param prunings of connections; may be empty
 */
record RunRecords(String name, List<Epoch> epochs, List<PruningIteration> prunings) {
  private static final long MAX_BYTES = 64 << 20;
  private static final List<String> COLUMNS = List.of(EpochMetrics.csvHeader().split(","));
  private static final Gson GSON = new Gson();

  /** What every pruning iteration has. */
  private static final Set<String> FIELDS =
      Arrays.stream(PruningIteration.class.getRecordComponents())
          .map(RecordComponent::getName)
          .collect(Collectors.toUnmodifiableSet());

  /**
   * An epoch; what the test images tell is NaN if they were not looked at.
   *
   * @param step optimizer steps since the start
   * @param learningRate at its end
   * @param sparsity the share of zeros in the weights of convolutions and linear layers
   * @param seconds of training in this epoch
   * @param peakMegabytes the greatest resident memory of the process so far
   * @param sopsPerImage effective synaptic operations
   * @param survivingSopsPerImage those of every input, but of the weights that are left
   * @param energyNanojoule their energy
   * @param firingRate spikes per neuron and time step, the mean of the neuron layers
   */
  record Epoch(
      int number,
      long step,
      double loss,
      double accuracy,
      double learningRate,
      double sparsity,
      double seconds,
      double peakMegabytes,
      double testAccuracy,
      double testLoss,
      double sopsPerImage,
      double survivingSopsPerImage,
      double energyNanojoule,
      double firingRate) {

    /** Reads the lines of metrics.csv, as {@link EpochMetrics#csv} writes them. */
    static List<Epoch> parse(List<String> lines) {
      List<Epoch> epochs = new ArrayList<>();
      for (String line : lines) {
        epochs.add(parse(line, epochs.size() + 1));
      }
      return epochs;
    }

    /**
     * Returns this epoch of a stage as one of the whole run.
     *
     * @param before steps of the stages before
     * @param density the share of the first network's weights that the stage was left with
     */
    private Epoch ofStage(int number, long before, double density) {
      return new Epoch(
          number,
          before + step,
          loss,
          accuracy,
          learningRate,
          1 - density * (1 - sparsity),
          seconds,
          peakMegabytes,
          testAccuracy,
          testLoss,
          sopsPerImage,
          survivingSopsPerImage,
          energyNanojoule,
          firingRate);
    }

    /**
     * Reads a line.
     *
     * @throws NumberFormatException if a cell is no number
     * @throws IndexOutOfBoundsException if cells are missing
     */
    private static Epoch parse(String line, int number) {
      String[] cells = line.split(",", -1);
      return new Epoch(
          number,
          Long.parseLong(cells[COLUMNS.indexOf("step")]),
          cell(cells, "loss"),
          cell(cells, "train_accuracy"),
          cell(cells, "learning_rate"),
          cell(cells, "sparsity"),
          cell(cells, "seconds"),
          cell(cells, "peak_megabytes"),
          cell(cells, "test_accuracy"),
          cell(cells, "test_loss"),
          cell(cells, "sops_per_image"),
          cell(cells, "surviving_sops_per_image"),
          cell(cells, "energy_nanojoule"),
          cell(cells, "firing_rate"));
    }
  }

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
    Path metrics = folder.resolve(MetricsFile.NAME);
    if (Files.exists(metrics)) {
      epochs.addAll(epochs(metrics));
    } else {
      for (Path stage : StructuredRun.stages(folder)) {
        addStage(stage, epochs);
      }
    }
    if (epochs.isEmpty()) {
      throw new UsageException(
          folder + ": is not the folder of a run (no metrics.csv with epochs)");
    }
    Path prunings = folder.resolve("pruning.json");
    return new RunRecords(name, epochs, Files.exists(prunings) ? prunings(prunings) : List.of());
  }

  /** Adds the epochs of a stage, whose numbers and steps go on from those before. */
  private static void addStage(Path stage, List<Epoch> all) throws IOException {
    double density = StructuredRun.density(stage);
    long steps = all.isEmpty() ? 0 : all.getLast().step();
    for (Epoch epoch : epochs(stage.resolve(MetricsFile.NAME))) {
      all.add(epoch.ofStage(all.size() + 1, steps, density));
    }
  }

  private static List<Epoch> epochs(Path file) throws IOException {
    List<Epoch> epochs = new ArrayList<>();
    List<String> lines = text(file).lines().toList();
    for (int i = 1; i < lines.size(); i++) {
      try {
        epochs.add(Epoch.parse(lines.get(i), i));
      } catch (NumberFormatException | IndexOutOfBoundsException e) {
        throw new UsageException(
            file + " line " + (i + 1) + ": expected the columns of a run's metrics", e);
      }
    }
    return epochs;
  }

  private static double cell(String[] cells, String column) {
    String text = cells[COLUMNS.indexOf(column)];
    return text.isEmpty() ? Double.NaN : Double.parseDouble(text);
  }

  private static List<PruningIteration> prunings(Path file) throws IOException {
    try {
      JsonArray iterations =
          JsonParser.parseString(text(file)).getAsJsonObject().getAsJsonArray("iterations");
      List<PruningIteration> prunings = new ArrayList<>();
      for (JsonElement one : iterations) {
        if (!one.getAsJsonObject().keySet().containsAll(FIELDS)) {
          throw new JsonParseException("a field is missing");
        }
        prunings.add(GSON.fromJson(one, PruningIteration.class));
      }
      return prunings;
    } catch (JsonParseException
        | IllegalStateException
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
