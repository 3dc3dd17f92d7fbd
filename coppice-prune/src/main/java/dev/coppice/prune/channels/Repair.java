package dev.coppice.prune.channels;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** Brings back as few channels as a network needs in order not to be severed. */
final class Repair {
  private final ChannelMap map;
  private final Map<String, float[]> scores;
  private final Map<String, boolean[]> keep = new LinkedHashMap<>();
  private final List<Channel> returned = new ArrayList<>();

  private record Channel(String group, int index) {}

  Repair(ChannelMap map, Map<String, boolean[]> keep, Map<String, float[]> scores) {
    this.map = map;
    this.scores = scores;
    for (Family family : map.families()) {
      if (family.fixed() == null) {
        boolean[] chosen = keep.get(family.group().name());
        int channels = family.group().channels();
        this.keep.put(
            family.group().name(), chosen == null ? Surgery.all(channels) : chosen.clone());
      }
    }
  }

  Map<String, boolean[]> run(List<String> notes) {
    List<String> dispensable = new ArrayList<>();
    for (String group : keep.keySet()) {
      if (isEmpty(group)) {
        if (new Cut(map, Map.of(group, chosen(group))).severed()) {
          bringBack(group, best(group, _ -> true));
        } else {
          dispensable.add(group);
        }
      }
    }
    // Each of these may be missing, but perhaps not all of them together.
    dispensable.sort(Comparator.comparingDouble(group -> -score(group)));
    for (String group : dispensable) {
      if (new Cut(map, keep).severed()) {
        bringBack(group, best(group, _ -> true));
      }
    }
    bringBackSelected();
    for (Channel channel : List.copyOf(returned).reversed()) {
      chosen(channel.group())[channel.index()] = false;
      if (new Cut(map, keep).severed()) {
        chosen(channel.group())[channel.index()] = true;
      } else {
        returned.remove(channel);
      }
    }
    for (Channel channel : returned) {
      notes.add(
          channel.group()
              + ": channel "
              + channel.index()
              + " is kept, because without it nothing leads to the output "
              + map.graph().output());
    }
    return keep;
  }

  /** Where groups keep channels, but none of those that a selection passes. */
  private void bringBackSelected() {
    for (Cut cut = new Cut(map, keep); cut.severed(); cut = new Cut(map, keep)) {
      String origin = cut.origin(map.graph().output());
      String group = map.family(origin).group().name();
      Set<Integer> passed = Arrays.stream(map.channels(origin)).boxed().collect(Collectors.toSet());
      bringBack(group, best(group, passed::contains));
    }
  }

  private void bringBack(String group, int channel) {
    chosen(group)[channel] = true;
    returned.add(new Channel(group, channel));
  }

  private boolean[] chosen(String group) {
    return Objects.requireNonNull(keep.get(group), group);
  }

  private boolean isEmpty(String group) {
    for (boolean kept : chosen(group)) {
      if (kept) {
        return false;
      }
    }
    return true;
  }

  private int best(String group, Predicate<Integer> eligible) {
    return Surgery.ranked(group, scores, chosen(group).length).stream()
        .filter(eligible)
        .findFirst()
        .orElseThrow();
  }

  /** Returns the score of the best channel. */
  private float score(String group) {
    float[] own = scores.get(group);
    return own == null ? 0 : own[best(group, _ -> true)];
  }
}
