package dev.coppice.prune.channels;

import java.util.Arrays;
import java.util.Locale;
import java.util.Objects;
import java.util.function.DoubleUnaryOperator;
import java.util.stream.Collectors;

/**
 * How much of a network may be left once channels are gone.
 *
 * @param quantity of what
 * @param share left, in (0, 1]
 */
public record ChannelBudget(Quantity quantity, double share) {
  /** What a budget counts. */
  public enum Quantity {
    /** Channels of all groups. */
    CHANNELS,
    /** Trained values, {@code Weights.countTrainable}. */
    PARAMETERS,
    /** Weights of convolutions and linear layers, of which sparsity is told. */
    WEIGHTS,
    /** Effective synaptic operations of an image, {@code Operations.synaptic}. */
    SOPS,
    /** Synaptic operations with every weight and input, {@code DenseOperations.perStep}. */
    FLOPS;

    private String text() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Throws {@link IllegalArgumentException} if the share is not in (0, 1]. */
  public ChannelBudget {
    if (!(share > 0 && share <= 1)) {
      throw new IllegalArgumentException(
          "the share of " + quantity.text() + " to keep must lie in (0, 1], not be " + share);
    }
  }

  /**
   * Reads {@code QUANTITY=SHARE}, such as {@code sops=0.4}.
   *
   * @throws IllegalArgumentException if the text is not in that form
   */
  public static ChannelBudget parse(String text) {
    String[] parts = text.split("=", 2);
    for (Quantity quantity : Quantity.values()) {
      if (parts.length == 2 && parts[0].equals(quantity.text())) {
        try {
          return new ChannelBudget(quantity, Double.parseDouble(parts[1]));
        } catch (NumberFormatException e) {
          break;
        }
      }
    }
    throw new IllegalArgumentException(
        "expected a budget such as sops=0.4, a share to keep of "
            + Arrays.stream(Quantity.values()).map(Quantity::text).collect(Collectors.joining(", "))
            + ", found \""
            + text
            + "\"");
  }

  /** Returns the budget as {@link #parse} reads it. */
  @Override
  public String toString() {
    return quantity.text() + "=" + share;
  }

  /**
   * What a search found.
   *
   * @param percent the share of channels to prune, in (0, 1), for {@link ChannelSelection#of}
   * @param share what is left of the quantity then
   */
  public record Found(double percent, double share) {}

  /**
   * Looks for the share of channels to prune that leaves the share nearest to that of this budget,
   * by bisection over the number of channels to prune.
   *
   * @param channels n of all groups
   * @param measured gives the share of the quantity that is left when a share of the channels is
   *     pruned, and should not rise with it; called about log₂ n times
   * @throws IllegalArgumentException if there are no channels
   */
  public Found search(int channels, DoubleUnaryOperator measured) {
    if (channels < 1) {
      throw new IllegalArgumentException("a budget needs at least one channel, found none");
    }
    int low = 0;
    int high = channels - 1;
    Found nearest = null;
    while (low <= high) {
      int pruned = (low + high) >>> 1;
      // Half a channel more, so that rounding down n·percent gives the number back.
      double percent = (pruned + 0.5) / channels;
      Found found = new Found(percent, measured.applyAsDouble(percent));
      if (nearest == null || distance(found) < distance(nearest)) {
        nearest = found;
      }
      if (found.share() > share) {
        low = pruned + 1;
      } else {
        high = pruned - 1;
      }
    }
    return Objects.requireNonNull(nearest);
  }

  private double distance(Found found) {
    return Math.abs(found.share() - share);
  }
}
