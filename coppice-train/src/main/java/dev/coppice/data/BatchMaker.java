package dev.coppice.data;

import java.util.Arrays;
import java.util.function.IntFunction;

/** Makes any batch of one epoch, as a pure function of its number. */
final class BatchMaker implements IntFunction<Batch> {
  // Separate streams for separate purposes, so that one does not shift the other.
  private static final long SHUFFLE = 1;
  private static final long AUGMENT = 2;

  private final Images images;
  private final float[][] table;
  private final Augmentation augmentation;
  private final int batchSize;
  private final long seed;
  private final int epoch;
  private final int[] order;

  BatchMaker(
      Images images,
      Normalization normalization,
      Augmentation augmentation,
      int batchSize,
      long seed,
      int epoch,
      boolean shuffle) {
    this.images = images;
    this.table = normalization.table(images.shape().channels(), images.divisor());
    this.augmentation = augmentation;
    this.batchSize = batchSize;
    this.seed = seed;
    this.epoch = epoch;
    this.order = new int[images.size()];
    for (int i = 0; i < order.length; i++) {
      order[i] = i;
    }
    if (shuffle) {
      Rng.of(seed, epoch, SHUFFLE).shuffle(order);
    }
  }

  @Override
  public Batch apply(int batch) {
    int first = batch * batchSize;
    int size = Math.min(batchSize, order.length - first);
    float[] pixels = new float[size * images.shape().size()];
    int[] labels = new int[size];
    for (int i = 0; i < size; i++) {
      labels[i] = images.labels()[order[first + i]];
      writeSample(first + i, pixels, i * images.shape().size());
    }
    return new Batch(pixels, labels, size);
  }

  private void writeSample(int position, float[] target, int offset) {
    int height = images.shape().height();
    int width = images.shape().width();
    int channels = images.shape().channels();
    byte[] source = images.pixels();
    int start = order[position] * images.shape().size();

    Rng rng = Rng.of(seed, epoch, AUGMENT, position);
    int padding = augmentation.padding();
    int shiftY = rng.nextInt(2 * padding + 1) - padding;
    int shiftX = rng.nextInt(2 * padding + 1) - padding;
    boolean mirrored = rng.nextBoolean() && augmentation.flip();
    int at = offset;
    for (int y = 0; y < height; y++) {
      int fromY = y + shiftY;
      for (int x = 0; x < width; x++) {
        int fromX = (mirrored ? width - 1 - x : x) + shiftX;
        boolean inside = fromY >= 0 && fromY < height && fromX >= 0 && fromX < width;
        int from = start + (fromY * width + fromX) * channels;
        for (int c = 0; c < channels; c++) {
          target[at++] = table[c][inside ? source[from + c] & 0xff : 0];
        }
      }
    }
    if (augmentation.cutout() > 0) {
      int top = rng.nextInt(height) - augmentation.cutout() / 2;
      int left = rng.nextInt(width) - augmentation.cutout() / 2;
      for (int y = Math.max(0, top); y < Math.min(height, top + augmentation.cutout()); y++) {
        int right = Math.min(width, left + augmentation.cutout());
        int row = offset + y * width * channels;
        Arrays.fill(target, row + Math.max(0, left) * channels, row + right * channels, 0f);
      }
    }
  }
}
