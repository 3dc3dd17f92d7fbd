package dev.coppice.data;

import dev.coppice.graph.Shape;
import java.util.Arrays;
import java.util.List;

/**
 * Labelled images in memory. The arrays are not copied: whoever hands them over no longer writes to
 * them.
 *
 * @param name what the images are called in messages and reports
 * @param shape the shape {@code [H, W, C]} of one image
 * @param classes the names of the classes, in the order of the labels
 * @param pixels unsigned bytes {@code [N, H, W, C]}, at most 2 GiB
 * @param divisor what a pixel is divided by to come into 0..1: 255, or 16 for the digits
 * @param labels the class of each image, {@code [N]}, each in 0..classes-1
 */
public record Images(
    String name,
    Shape.Map shape,
    List<String> classes,
    byte[] pixels,
    float divisor,
    int[] labels) {

  /** The largest number of pixel bytes that one array of the JVM can hold. */
  static final int MAX_PIXELS = Integer.MAX_VALUE - 8;

  /** Two disjoint parts of one set. */
  public record Split(Images train, Images test) {}

  /**
   * Checks that the parts fit together.
   *
   * @throws IllegalArgumentException if the pixels are not {@code labels.length} images, a label is
   *     not a class, or the divisor is not positive
   */
  public Images {
    classes = List.copyOf(classes);
    if ((long) labels.length * shape.size() != pixels.length) {
      throw new IllegalArgumentException(
          name
              + ": "
              + labels.length
              + " labels of "
              + shape
              + " images need "
              + (long) labels.length * shape.size()
              + " pixels, not "
              + pixels.length);
    }
    if (!(divisor > 0) || divisor == Float.POSITIVE_INFINITY) {
      throw new IllegalArgumentException(name + ": the divisor must be positive, not " + divisor);
    }
    for (int i = 0; i < labels.length; i++) {
      if (labels[i] < 0 || labels[i] >= classes.size()) {
        throw new IllegalArgumentException(
            name
                + ": label "
                + labels[i]
                + " of image "
                + i
                + " is not in 0.."
                + (classes.size() - 1));
      }
    }
  }

  /** Returns the number N of images. */
  public int size() {
    return labels.length;
  }

  /** Returns how many images each class has, {@code [classes]}. */
  public int[] histogram() {
    int[] counts = new int[classes.size()];
    for (int label : labels) {
      counts[label]++;
    }
    return counts;
  }

  /**
   * Returns the images at the given positions, in the given order.
   *
   * @throws IndexOutOfBoundsException if a position is not in 0..size-1
   */
  public Images select(int[] positions) {
    int length = shape.size();
    long bytes = (long) positions.length * length;
    if (bytes > MAX_PIXELS) {
      throw new IllegalArgumentException(
          name + ": " + positions.length + " images of " + shape + " exceed 2 GiB of pixels");
    }
    byte[] chosen = new byte[(int) bytes];
    int[] chosenLabels = new int[positions.length];
    for (int i = 0; i < positions.length; i++) {
      chosenLabels[i] = labels[positions[i]];
      System.arraycopy(pixels, positions[i] * length, chosen, i * length, length);
    }
    return new Images(name, shape, classes, chosen, divisor, chosenLabels);
  }

  /**
   * Returns {@code count} images with every class in proportion: the first ones of each class, in
   * the order of the set.
   *
   * @throws IllegalArgumentException if {@code count} is not in 0..size
   */
  public Images subset(int count) {
    int[] left = quotas(count);
    int[] positions = new int[count];
    int filled = 0;
    for (int i = 0; i < labels.length; i++) {
      if (left[labels[i]] > 0) {
        left[labels[i]]--;
        positions[filled++] = i;
      }
    }
    return select(positions);
  }

  /**
   * Draws {@code testCount} images with every class in proportion; both parts keep the order of the
   * set. The draw is a function of the labels and the seed alone.
   *
   * @throws IllegalArgumentException if {@code testCount} is not in 0..size
   */
  public Split split(int testCount, long seed) {
    int[] quotas = quotas(testCount);
    boolean[] drawn = new boolean[labels.length];
    int[] counts = histogram();
    for (int c = 0; c < counts.length; c++) {
      int[] members = new int[counts[c]];
      int filled = 0;
      for (int i = 0; i < labels.length; i++) {
        if (labels[i] == c) {
          members[filled++] = i;
        }
      }
      Rng.of(seed, c).shuffle(members);
      for (int i = 0; i < quotas[c]; i++) {
        drawn[members[i]] = true;
      }
    }
    int[] train = new int[labels.length - testCount];
    int[] test = new int[testCount];
    int trainFilled = 0;
    int testFilled = 0;
    for (int i = 0; i < labels.length; i++) {
      if (drawn[i]) {
        test[testFilled++] = i;
      } else {
        train[trainFilled++] = i;
      }
    }
    return new Split(select(train), select(test));
  }

  /**
   * Shares {@code count} out over the classes by the largest remainder; ties go to the lower class.
   */
  private int[] quotas(int count) {
    if (count < 0 || count > labels.length) {
      throw new IllegalArgumentException(
          name + ": expected a count in 0.." + labels.length + ", found " + count);
    }
    int[] counts = histogram();
    int[] quotas = new int[counts.length];
    long[] remainders = new long[counts.length];
    int given = 0;
    for (int c = 0; c < counts.length && labels.length > 0; c++) {
      long exact = (long) count * counts[c];
      quotas[c] = (int) (exact / labels.length);
      remainders[c] = exact % labels.length;
      given += quotas[c];
    }
    Integer[] order = new Integer[counts.length];
    Arrays.setAll(order, c -> c);
    Arrays.sort(order, (a, b) -> Long.compare(remainders[b], remainders[a]));
    for (int i = 0; i < count - given; i++) {
      quotas[order[i]]++;
    }
    return quotas;
  }
}
