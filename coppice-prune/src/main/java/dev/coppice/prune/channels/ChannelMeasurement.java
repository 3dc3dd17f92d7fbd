package dev.coppice.prune.channels;

import dev.coppice.data.Augmentation;
import dev.coppice.data.Batch;
import dev.coppice.data.Batches;
import dev.coppice.data.DataSet;
import dev.coppice.data.Images;
import dev.coppice.prune.MeasurementWindow;
import dev.coppice.train.Engine;
import dev.coppice.train.Probes;
import dev.coppice.train.Seeds;
import dev.coppice.train.TrainingSettings;

/** The pass over images that scores of channels are made from. */
public final class ChannelMeasurement {
  private ChannelMeasurement() {}

  /** Is told how far a pass has come. */
  public interface Progress {
    /** Tells of so many images measured, after each mini-batch. */
    void onImages(int done, int total);
  }

  /**
   * Measures a network in evaluation mode or, if gradients are wanted, in that of training; its
   * weights stay as they are. A mini-batch is in memory at a time, whatever the number of images.
   *
   * @param images the training set of the data or {@linkplain Images#subset a sample} of it, in
   *     their order and without augmentation
   * @param settings of which T, the batch size, the encoder, the seed and the loss are used
   * @param probes what to measure; nothing is run for {@link Probes#NONE}
   * @return the means over the mini-batches, each of which counts alike (arXiv 2311.16141); outputs
   *     and potentials themselves are left out
   * @throws IllegalArgumentException if there are no images
   */
  public static Probes.Measured of(
      Engine engine,
      Images images,
      DataSet data,
      TrainingSettings settings,
      Probes probes,
      Progress progress) {
    MeasurementWindow window = new MeasurementWindow();
    if (probes.equals(Probes.NONE)) {
      return window.mean();
    }
    if (images.size() == 0) {
      throw new IllegalArgumentException("scores of channels need at least one image, found none");
    }
    int done = 0;
    try (Batches batches =
        Batches.of(
            images,
            settings.normalization(data),
            Augmentation.NONE,
            settings.batchSize(),
            0,
            0,
            0,
            false,
            false)) {
      while (batches.hasNext()) {
        Batch batch = batches.next();
        long seed = Seeds.ENCODING.at(settings.seed(), -done);
        float[] input = settings.input(batch, seed);
        window.add(
            probes.gradients().isEmpty()
                ? engine.measure(input, batch.size(), settings.timeSteps(), probes)
                : engine.measure(input, batch.labels(), settings, seed, probes));
        done += batch.size();
        progress.onImages(done, images.size());
      }
    }
    return window.mean();
  }
}
