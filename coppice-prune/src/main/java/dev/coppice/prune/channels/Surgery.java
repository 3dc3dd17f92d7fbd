package dev.coppice.prune.channels;

import dev.coppice.graph.Graph;
import dev.coppice.graph.GraphException;
import dev.coppice.graph.Model;
import dev.coppice.graph.Tensor;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * Takes channels out of a network (step 5 of the structured procedure of arXiv 2311.16141). Which
 * to keep is given by the names of {@link ChannelGroups}; a group that is not named keeps all.
 *
 * <p>A removed channel is 0 wherever it would have been read. What reads nothing but removed
 * channels is 0 too, biases and shifts included: a residual branch that lost all channels of a
 * layer adds nothing and goes as a whole.
 */
public final class Surgery {
  private Surgery() {}

  /**
   * A network after surgery.
   *
   * @param kept the channels left by group, increasing; none of a group that is gone with its
   *     branch
   * @param notes one line for every branch that is gone
   */
  public record Result(Model model, Map<String, int[]> kept, List<String> notes) {
    /** Copies the map and the list. */
    public Result {
      kept = Collections.unmodifiableMap(new LinkedHashMap<>(kept));
      notes = List.copyOf(notes);
    }
  }

  /**
   * Returns the smaller network, of the same logits as {@link #mask}. Nodes keep their names, and
   * the metadata stays, with {@link KeptChannels} brought up to date. Where a batch norm selects
   * from a residual stream, an {@link dev.coppice.graph.Op.Select} before it does so: that
   * normalises fewer channels than the published selection behind the batch norm, to the same
   * effect.
   *
   * @throws GraphException if a name is no group's, a length is wrong, a group cannot lose
   *     channels, neurons to be silenced fire without input, or nothing leads to the output any
   *     more (see {@link #repair})
   */
  public static Result shrink(Model model, Residual residual, Map<String, boolean[]> keep) {
    return new Shrinking(model, cut(model.graph(), residual, keep)).result();
  }

  /**
   * Returns the same network with the removed channels silenced: their rows and biases of
   * convolutions and linear layers, and their scales, shifts and running means of batch norms are
   * 0, so that their neurons cannot fire.
   *
   * @throws GraphException as {@link #shrink} does
   */
  public static Model mask(Model model, Residual residual, Map<String, boolean[]> keep) {
    return Masking.mask(model, cut(model.graph(), residual, keep));
  }

  /**
   * Returns the masks that leave, of convolutions and linear layers, the weights that {@link
   * #shrink} would: 1 for those, 0 for others. Tensors that lose nothing are not among them.
   *
   * @throws GraphException as {@link #shrink} does
   */
  public static Map<String, Tensor> masks(
      Graph graph, Residual residual, Map<String, boolean[]> keep) {
    return Masking.masks(graph, cut(graph, residual, keep));
  }

  private static Cut cut(Graph graph, Residual residual, Map<String, boolean[]> keep) {
    ChannelMap map = ChannelMap.of(graph, residual);
    Cut.check(map, keep);
    Cut cut = new Cut(map, keep);
    cut.check();
    return cut;
  }

  /**
   * Returns the channels to keep of all groups that can lose some, with the best-scored channel
   * brought back where the network would be severed: of each group that it cannot do without, and
   * if all inputs of an addition would vanish that it cannot do without, of the best-scored ones.
   *
   * @param scores of the channels by group, higher is better; without them the first channel is the
   *     best
   * @param notes gets one line for every group that was changed
   * @throws GraphException if a name is no group's, a length is wrong, or a group cannot lose
   *     channels
   */
  public static Map<String, boolean[]> repair(
      Graph graph,
      Residual residual,
      Map<String, boolean[]> keep,
      Map<String, float[]> scores,
      List<String> notes) {
    ChannelMap map = ChannelMap.of(graph, residual);
    Cut.check(map, keep);
    return new Repair(map, keep, scores).run(notes);
  }

  /**
   * Returns a copy in which each group has got back its best-scored removed channels until their
   * number is a multiple of {@code roundTo}, or all are kept. A group without channels stays so.
   *
   * @param scores of the channels by group, higher is better; without them the first channels are
   *     the best
   * @throws IllegalArgumentException if {@code roundTo} is not positive or a length is wrong
   */
  public static Map<String, boolean[]> roundUp(
      Map<String, boolean[]> keep, Map<String, float[]> scores, int roundTo) {
    if (roundTo < 1) {
      throw new IllegalArgumentException(
          "channels are rounded to a multiple of at least 1, not " + roundTo);
    }
    Map<String, boolean[]> rounded = new LinkedHashMap<>();
    keep.forEach(
        (name, chosen) -> {
          boolean[] wider = chosen.clone();
          long width = IntStream.range(0, wider.length).filter(i -> wider[i]).count();
          ranked(name, scores, wider.length).stream()
              .filter(i -> !wider[i])
              .limit(Math.floorMod(-width, (long) roundTo))
              .forEach(i -> wider[i] = true);
          rounded.put(name, wider);
        });
    return rounded;
  }

  /** Returns the channels of a group, the best first. */
  static List<Integer> ranked(String group, Map<String, float[]> scores, int channels) {
    float[] own = scores.getOrDefault(group, new float[channels]);
    if (own.length != channels) {
      throw new IllegalArgumentException(
          group + ": the group has " + channels + " channels, but " + own.length + " scores");
    }
    Comparator<Integer> best = Comparator.comparingDouble(i -> -own[i]);
    return IntStream.range(0, channels).boxed().sorted(best).toList();
  }

  /** Returns a choice of all channels. */
  static boolean[] all(int channels) {
    boolean[] all = new boolean[channels];
    Arrays.fill(all, true);
    return all;
  }
}
