package dev.coppice.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A run of a comparison that has ended.
 *
 * @param command what repeats it: the arguments of {@code coppice}
 * @param folder its run folder, relative to that of the comparison
 */
record ComparedRun(Cell cell, List<String> command, String folder, Outcome outcome) {
  /** How a run ended. */
  sealed interface Outcome {}

  /**
   * A network was trained.
   *
   * @param accuracy on the test images, in [0, 1]
   * @param sparsity the share of zeros in the weights of convolutions and linear layers
   * @param cost of the training
   * @param spent what the method took in all, a search of its settings included
   * @param sopsPerImage effective synaptic operations of the trained network
   * @param energyNanojoule their energy
   * @param densityByLayer the share of weights that are not zero
   * @param provenance versions, data and all options, as result.json has them
   * @param records its epochs and prunings
   */
  record Finished(
      double accuracy,
      double sparsity,
      Cost cost,
      Spent spent,
      double sopsPerImage,
      double energyNanojoule,
      Map<String, Double> densityByLayer,
      JsonObject provenance,
      RunRecords records)
      implements Outcome {

    /**
     * Reads the folder of a run that has ended.
     *
     * @throws UsageException if it is not one
     * @throws IOException if it cannot be read
     */
    static Finished read(Path folder, String name) throws IOException {
      JsonObject result =
          new RunDirectory(folder)
              .result()
              .orElseThrow(() -> new UsageException(folder + ": has no run that has ended"));
      try {
        Map<String, Double> density = new LinkedHashMap<>();
        for (Map.Entry<String, JsonElement> layer :
            result.getAsJsonObject("densityByLayer").entrySet()) {
          density.put(layer.getKey(), layer.getValue().getAsDouble());
        }
        return new Finished(
            result.get("accuracy").getAsDouble(),
            result.get("sparsity").getAsDouble(),
            Cost.read(result.getAsJsonObject("cost")),
            Spent.read(result),
            result.get("sopsPerImage").getAsDouble(),
            result.get("energyNanojoule").getAsDouble(),
            density,
            result.getAsJsonObject("provenance"),
            RunRecords.of(folder, name));
      } catch (IllegalStateException
          | UnsupportedOperationException
          | NumberFormatException
          | ClassCastException
          | NullPointerException e) {
        throw new UsageException(
            folder.resolve(RunDirectory.RESULT) + ": is not as Coppice writes it", e);
      }
    }

    /** Returns how many images the run was trained on. */
    int trainingImages() {
      return provenance.getAsJsonObject("data").get("trainSamples").getAsInt();
    }
  }

  /**
   * What a method takes.
   *
   * @param sops synaptic operations of training, forward and back
   */
  record Spent(long epochs, long steps, double sops, double seconds) {
    private static Spent read(JsonObject result) {
      return new Spent(
          result.get("epochs").getAsLong(),
          result.get("steps").getAsLong(),
          result.get("sops").getAsDouble(),
          result.get("seconds").getAsDouble());
    }

    /** Returns what a run takes that goes as far as another cost says. */
    Spent until(Cost whole, Cost part) {
      return new Spent(
          epochs - whole.epochs() + part.epochs(),
          steps - whole.steps() + part.steps(),
          sops - whole.operations() + part.operations(),
          seconds - whole.seconds() + part.seconds());
    }
  }

  /**
   * The process ended without a result.
   *
   * @param status its exit status
   * @param message its last word
   */
  record Failed(int status, String message) implements Outcome {}

  ComparedRun {
    command = List.copyOf(command);
  }
}
