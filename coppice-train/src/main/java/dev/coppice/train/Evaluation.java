package dev.coppice.train;

import dev.coppice.data.Augmentation;
import dev.coppice.data.Batch;
import dev.coppice.data.Batches;
import dev.coppice.data.DataSet;
import dev.coppice.data.Encoder;
import dev.coppice.data.Images;
import dev.coppice.data.Normalization;
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

  /** Returns the images evaluated per second. */
  public double imagesPerSecond() {
    return samples / seconds;
  }

  /** Evaluates the engine's network on images of a data set. */
  public static Evaluation of(
      Engine engine, Images images, DataSet data, Encoder encoder, Engine.StepSettings settings, int batchSize) {
    long start = System.nanoTime();
    int steps = settings.timeSteps();
    OperationCounter counter = new OperationCounter(engine.graph(), steps);
    double loss = 0;
    int correct = 0;
    Normalization normalization = encoder.isStatic() ? data.normalization() : Normalization.NONE;
    try (Batches batches =
        Batches.of(images, normalization, Augmentation.NONE, batchSize, 0, 0, 0, false, false)) {
      while (batches.hasNext()) {
        Batch batch = batches.next();
        float[] input = encoder.encode(batch.pixels(), batch.size(), steps, counter.samples());
        float[] logits = engine.evaluate(input, batch.size(), steps, counter);
        counter.addSamples(batch.size());
        LossFunction.Value value =
            settings.loss().evaluate(logits, batch.labels(), steps, settings.labelSmoothing());
        loss += value.value() * batch.size();
        correct += value.correct();
      }
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    return new Evaluation(
        correct / (double) images.size(),
        loss / images.size(),
        images.size(),
        counter.firingRates(),
        counter.operations(engine.weights()),
        seconds);
  }
}
