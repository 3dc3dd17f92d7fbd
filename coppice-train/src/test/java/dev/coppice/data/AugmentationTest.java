package dev.coppice.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.coppice.graph.Shape;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AugmentationTest {
  private static final int SIDE = 5;
  private static final Shape.Map SHAPE = new Shape.Map(SIDE, SIDE, 2);
  private static final int MANY = 2_000;
  private static final Normalization NORMALIZATION =
      new Normalization(new float[] {0.5f, 0.25f}, new float[] {0.5f, 2f});

  /** One image many times over, all its pixels different from each other and from black. */
  private static Images copies() {
    byte[] pixels = new byte[SHAPE.size()];
    for (int i = 0; i < pixels.length; i++) {
      pixels[i] = (byte) (i + 1);
    }
    return new Images("one", SHAPE, Samples.classes(1), pixels, 255f, new int[1])
        .select(new int[MANY]);
  }

  private static float[] augmented(Augmentation augmentation) {
    try (Batches batches =
        Batches.of(copies(), NORMALIZATION, augmentation, MANY, 11, 0, 0, false, false)) {
      return batches.next().pixels();
    }
  }

  /** The slow, obvious twin: what the window at that place holds, or black outside. */
  private static float expected(int y, int x, int c) {
    boolean inside = y >= 0 && y < SIDE && x >= 0 && x < SIDE;
    float pixel = inside ? ((y * SIDE + x) * 2 + c + 1) / 255f : 0f;
    return (pixel - NORMALIZATION.mean()[c]) / NORMALIZATION.std()[c];
  }

  private static boolean isWindow(float[] pixels, int sample, int dy, int dx, boolean mirrored) {
    int at = sample * SHAPE.size();
    for (int y = 0; y < SIDE; y++) {
      for (int x = 0; x < SIDE; x++) {
        for (int c = 0; c < 2; c++) {
          int fromX = (mirrored ? SIDE - 1 - x : x) + dx;
          if (pixels[at++] != expected(y + dy, fromX, c)) {
            return false;
          }
        }
      }
    }
    return true;
  }

  private static Set<String> windows(float[] pixels, int padding) {
    Set<String> found = new HashSet<>();
    for (int sample = 0; sample < MANY; sample++) {
      int matches = 0;
      for (int dy = -padding; dy <= padding; dy++) {
        for (int dx = -padding; dx <= padding; dx++) {
          for (boolean mirrored : new boolean[] {false, true}) {
            if (isWindow(pixels, sample, dy, dx, mirrored)) {
              found.add(dy + " " + dx + " " + mirrored);
              matches++;
            }
          }
        }
      }
      assertThat(matches).isEqualTo(1);
    }
    return found;
  }

  @Test
  void noneOnlyNormalises() {
    assertThat(windows(augmented(Augmentation.NONE), 0)).containsExactly("0 0 false");
  }

  @Test
  void cropsAndFlipsCoverAllWindows() {
    assertThat(windows(augmented(new Augmentation(1, true, 0)), 1)).hasSize(18);
    assertThat(windows(augmented(new Augmentation(1, false, 0)), 1)).hasSize(9);
    assertThat(windows(augmented(new Augmentation(0, true, 0)), 0)).hasSize(2);
  }

  @Test
  void cutoutBlanksASquareAroundAnyPixel() {
    int size = 2;
    float[] pixels = augmented(new Augmentation(0, false, size));
    Set<Integer> corners = new HashSet<>();
    for (int sample = 0; sample < MANY; sample++) {
      int at = sample * SHAPE.size();
      int top = SIDE;
      int left = SIDE;
      int bottom = -1;
      int right = -1;
      int blank = 0;
      for (int i = 0; i < SIDE * SIDE; i++) {
        int y = i / SIDE;
        int x = i % SIDE;
        boolean zero = pixels[at + 2 * i] == 0f && pixels[at + 2 * i + 1] == 0f;
        if (zero) {
          blank++;
          top = Math.min(top, y);
          left = Math.min(left, x);
          bottom = Math.max(bottom, y);
          right = Math.max(right, x);
        } else {
          assertThat(pixels[at + 2 * i]).isEqualTo(expected(y, x, 0));
          assertThat(pixels[at + 2 * i + 1]).isEqualTo(expected(y, x, 1));
        }
      }
      assertThat(blank).isPositive().isEqualTo((bottom - top + 1) * (right - left + 1));
      assertThat(bottom - top + 1).isEqualTo(top == 0 && bottom == 0 ? 1 : size);
      assertThat(right - left + 1).isEqualTo(left == 0 && right == 0 ? 1 : size);
      corners.add(bottom * SIDE + right);
    }
    assertThat(corners).hasSize(SIDE * SIDE);
  }

  @Test
  void sizesAreChecked() {
    assertThatIllegalArgumentException().isThrownBy(() -> new Augmentation(-1, false, 0));
    assertThatIllegalArgumentException().isThrownBy(() -> new Augmentation(0, false, -1));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Augmentation(Integer.MAX_VALUE, false, 0));
  }
}
