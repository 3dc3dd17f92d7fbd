package dev.coppice.data;

/**
 * Random changes of a training image: it is padded with black on every side and a window of the
 * original size cut out at random, then mirrored with probability 1/2, then a square around a
 * random pixel is blanked, as far as it lies within the image (cutout: DeVries and Taylor, 2017).
 * The blank is 0 after normalisation, the black of the padding is 0 before it.
 *
 * @param padding pixels of padding, 0 for no crop
 * @param flip whether to mirror left and right
 * @param cutout the side of the blank square in pixels, 0 for none
 */
public record Augmentation(int padding, boolean flip, int cutout) {
  /** No change. */
  public static final Augmentation NONE = new Augmentation(0, false, 0);

  /** A crop after 4 pixels of padding and a flip: the usual choice for CIFAR. */
  public static final Augmentation CROP_AND_FLIP = new Augmentation(4, true, 0);

  private static final int MAX_PIXELS = 1 << 16;

  /**
   * Checks the sizes.
   *
   * @throws IllegalArgumentException if one is negative or above 65,536
   */
  public Augmentation {
    if (padding < 0 || cutout < 0 || padding > MAX_PIXELS || cutout > MAX_PIXELS) {
      throw new IllegalArgumentException(
          "expected a padding and a cutout of 0.."
              + MAX_PIXELS
              + " pixels, found "
              + padding
              + " and "
              + cutout);
    }
  }
}
