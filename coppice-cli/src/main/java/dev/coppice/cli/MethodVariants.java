package dev.coppice.cli;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;

/**
 * The methods that a comparison compares.
 *
 * @param all with names that differ
 */
record MethodVariants(List<MethodVariant> all) {
  /** The key of the option, which a YAML file may spell out as a mapping. */
  static final String KEY = "methods";

  /** Copies the list and checks the names. */
  MethodVariants {
    all = List.copyOf(all);
    Set<String> names = new HashSet<>();
    for (MethodVariant variant : all) {
      if (!names.add(variant.name())) {
        throw new UsageException("the method " + variant.name() + " is there twice");
      }
    }
  }

  /**
   * Reads the notation of {@link MethodVariant#parse}, with commas in between.
   *
   * @throws UsageException if it is another one
   */
  static MethodVariants parse(String text) {
    List<MethodVariant> variants = new ArrayList<>();
    int depth = 0;
    int start = 0;
    for (int i = 0; i <= text.length(); i++) {
      char c = i < text.length() ? text.charAt(i) : ',';
      depth += c == '[' ? 1 : c == ']' ? -1 : 0;
      if (c == ',' && (depth == 0 || i == text.length())) {
        variants.add(MethodVariant.parse(text.substring(start, i)));
        start = i + 1;
      }
    }
    return new MethodVariants(variants);
  }

  /** Returns what {@link #parse} reads back. */
  @Override
  public String toString() {
    return all.stream().map(MethodVariant::toString).collect(Collectors.joining(","));
  }

  /** Makes the value of an option. */
  static final class Converter implements ITypeConverter<MethodVariants> {
    @Override
    public MethodVariants convert(String text) {
      return parse(text);
    }
  }
}
