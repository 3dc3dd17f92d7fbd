package dev.coppice.cli;

import dev.coppice.prune.Scope;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/**
 * What a measurement prunes.
 *
 * @param part of the weights
 * @param groups the pattern that this part follows from, or null
 */
record BenchSparsity(double part, Scope.@Nullable Pattern groups) {
  static final BenchSparsity NONE = new BenchSparsity(0, null);

  /** Reads a part of the weights, {@code 0.9}, or a pattern, {@code 2:4}. */
  static final class Reader implements ITypeConverter<BenchSparsity> {
    @Override
    public BenchSparsity convert(String text) {
      if (text.contains(":") && new ScopeName().convert(text) instanceof Scope.Pattern groups) {
        return new BenchSparsity(1 - groups.n() / (double) groups.m(), groups);
      }
      try {
        return new BenchSparsity(Double.parseDouble(text), null);
      } catch (NumberFormatException e) {
        throw new TypeConversionException(
            "expected a number or a pattern such as 2:4, found \"" + text + "\"");
      }
    }
  }
}
