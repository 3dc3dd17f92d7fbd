package dev.coppice.train;

import dev.coppice.data.Augmentation;
import dev.coppice.data.Batch;
import dev.coppice.data.Batches;
import dev.coppice.data.DataSet;
import dev.coppice.data.Images;
import java.util.Map;

/**
 * How a network does on a set of images.
 *
 * @param accuracy the share classified rightly, in [0, 1]
 * @param loss the mean
 * @param samples images evaluated
 * @param firingRates mean spikes per neuron and time step, by neuron layer
 * @param operations synaptic operations per image
 * @param seconds for all images
 */
public record Evaluation(
    double accuracy,
    double loss,
    int samples,
    Map<String, Double> firingRates,
    Operations operations,
    double seconds) {

  private static final int BATCH = 100;

  /** Returns the images evaluated per second. */
  public double imagesPerSecond() {
    return samples / seconds;
  }

  /**
   * Evaluates the engine's network.
   *
   * @param images a part of the data set, or all of it
   * @param settings of which T, the encoder, the loss and the seed are used
   */
  public static Evaluation of(
      Engine engine, Images images, DataSet data, TrainingSettings settings) {
    long start = System.nanoTime();
    int steps = settings.timeSteps();
    OperationCounter counter =
        new OperationCounter(engine.graph(), steps, !settings.encoder().isStatic());
    double loss = 0;
    int correct = 0;
    int samples = 0;
    try (Batches batches =
        Batches.of(
            images,
            settings.normalization(data),
            Augmentation.NONE,
            BATCH,
            0,
            0,
            0,
            false,
            false)) {
      while (batches.hasNext()) {
        Batch batch = batches.next();
        // The first training step is 1: no seed is used twice.
        float[] input = settings.input(batch, Seeds.ENCODING.at(settings.seed(), -samples));
        float[] logits = engine.evaluate(input, batch.size(), steps, counter);
        counter.addSamples(batch.size());
        samples += batch.size();
        LossFunction.Value value =
            settings.loss().evaluate(logits, batch.labels(), steps, settings.labelSmoothing());
        loss += value.value() * batch.size();
        correct += value.correct();
      }
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    return new Evaluation(
        correct / (double) samples,
        loss / samples,
        samples,
        counter.firingRates(),
        counter.operations(engine.weights()),
        seconds);
  }
}
