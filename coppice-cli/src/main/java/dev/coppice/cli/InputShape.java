package dev.coppice.cli;

import dev.coppice.graph.GraphException;
import dev.coppice.graph.Shape;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The shape of an image as users write it: height, width and channels, as in {@code 32x32x3}. */
final class InputShape implements ITypeConverter<Shape.Map> {
  private static final Pattern FORM = Pattern.compile("(\\d{1,6})x(\\d{1,6})x(\\d{1,6})");

  @Override
  public Shape.Map convert(String text) {
    Matcher matcher = FORM.matcher(text.strip());
    if (!matcher.matches()) {
      throw new TypeConversionException("expected HxWxC such as 32x32x3, found \"" + text + "\"");
    }
    try {
      return new Shape.Map(
          Integer.parseInt(matcher.group(1)),
          Integer.parseInt(matcher.group(2)),
          Integer.parseInt(matcher.group(3)));
    } catch (GraphException e) {
      throw new TypeConversionException(e.getMessage());
    }
  }
}
