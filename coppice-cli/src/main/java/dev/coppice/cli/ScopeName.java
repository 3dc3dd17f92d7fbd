package dev.coppice.cli;

import dev.coppice.prune.Scope;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Scopes as users write them: {@code erk}, {@code 2:4}. */
final class ScopeName implements ITypeConverter<Scope> {
  private static final Pattern N_OF_M = Pattern.compile("(\\d{1,4}):(\\d{1,4})");

  @Override
  public Scope convert(String text) {
    Matcher matcher = N_OF_M.matcher(text.strip());
    if (matcher.matches()) {
      try {
        return new Scope.Pattern(
            Integer.parseInt(matcher.group(1)), Integer.parseInt(matcher.group(2)));
      } catch (IllegalArgumentException e) {
        throw new TypeConversionException(e.getMessage());
      }
    }
    for (Scope.Budget budget : Scope.Budget.values()) {
      if (EnumName.of(budget).equalsIgnoreCase(text.strip())) {
        return budget;
      }
    }
    throw new TypeConversionException(
        "expected global, uniform, erk or a pattern such as 2:4, found \"" + text + "\"");
  }
}
