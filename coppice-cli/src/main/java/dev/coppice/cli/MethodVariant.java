package dev.coppice.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * A method of {@code coppice prune} with options of its own.
 *
 * @param name what the comparison calls it
 * @param method as {@code --method} takes it
 * @param options long names of options without their hyphens, with values
 */
record MethodVariant(String name, String method, SequencedMap<String, String> options) {
  private static final Pattern NOTATION =
      Pattern.compile("(?:([^=\\[\\]]+)=)?([^=\\[\\]]+)(?:\\[(.*)\\])?");
  private static final Pattern NAME = Pattern.compile("[\\p{L}\\p{N}][\\p{L}\\p{N} ._+-]*");

  /** Copies the options and checks the name. */
  MethodVariant {
    options = new LinkedHashMap<>(options);
    if (!NAME.matcher(name).matches() && !name.equals(notation(method, options))) {
      throw new UsageException(
          "a method cannot be named \"" + name + "\": letters, digits, spaces and . _ + - will do");
    }
    if (name.equals(Cell.DENSE)) {
      throw new UsageException(
          "no method can be named " + name + ": the dense reference always takes part");
    }
  }

  /**
   * Reads {@code METHOD}, {@code METHOD[key=value,…]} or {@code NAME=METHOD[key=value,…]}.
   *
   * @throws UsageException if it is none of them
   */
  static MethodVariant parse(String text) {
    Matcher matcher = NOTATION.matcher(text.strip());
    if (!matcher.matches()) {
      throw new UsageException(
          "expected METHOD, METHOD[option=value,…] or NAME=METHOD[…], found \"" + text + "\"");
    }
    String method = matcher.group(2).strip();
    SequencedMap<String, String> options = options(matcher.group(3), text);
    return matcher.group(1) == null
        ? new MethodVariant(notation(method, options), method, options)
        : new MethodVariant(matcher.group(1).strip(), method, options);
  }

  /** What has no equals sign goes on the value before it, so that values may be lists. */
  private static SequencedMap<String, String> options(@Nullable String list, String text) {
    SequencedMap<String, String> options = new LinkedHashMap<>();
    if (list == null || list.isBlank()) {
      return options;
    }
    for (String part : list.split(",", -1)) {
      int equals = part.indexOf('=');
      if (equals < 0 && options.isEmpty()) {
        throw new UsageException(
            "expected option=value in \"" + text + "\", found \"" + part + "\"");
      }
      if (equals < 0) {
        options.merge(
            options.lastEntry().getKey(), part.strip(), (first, next) -> first + "," + next);
      } else if (options.put(part.substring(0, equals).strip(), part.substring(equals + 1).strip())
          != null) {
        throw new UsageException("an option is there twice in \"" + text + "\"");
      }
    }
    return options;
  }

  private static String notation(String method, Map<String, String> options) {
    return options.isEmpty()
        ? method
        : options.entrySet().stream()
            .map(option -> option.getKey() + "=" + option.getValue())
            .collect(Collectors.joining(",", method + "[", "]"));
  }

  /** Returns what {@link #parse} reads back. */
  @Override
  public String toString() {
    String notation = notation(method, options);
    return name.equals(notation) ? notation : name + "=" + notation;
  }
}
