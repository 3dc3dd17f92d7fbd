package dev.coppice.cli;

import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The constants of an enum as users write them: lower case, with hyphens. */
record EnumName<E extends Enum<E>>(Class<E> type) implements ITypeConverter<E> {
  @Override
  public E convert(String text) {
    for (E constant : type.getEnumConstants()) {
      if (of(constant).equalsIgnoreCase(text.strip())) {
        return constant;
      }
    }
    throw new TypeConversionException(
        "expected "
            + Arrays.stream(type.getEnumConstants())
                .map(EnumName::of)
                .collect(Collectors.joining(", "))
            + ", found \""
            + text
            + "\"");
  }

  /** Returns what {@link #convert} reads back. */
  static String of(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
