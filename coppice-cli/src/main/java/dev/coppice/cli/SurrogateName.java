package dev.coppice.cli;

import dev.coppice.graph.Surrogate;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Surrogates as users write them: {@code atan}, {@code atan:2}. */
final class SurrogateName implements ITypeConverter<Surrogate> {
  @Override
  public Surrogate convert(String text) {
    int colon = text.indexOf(':');
    String name = (colon < 0 ? text : text.substring(0, colon)).toLowerCase(Locale.ROOT);
    float standard =
        switch (name) {
          case "atan" -> 2;
          case "sigmoid" -> 4;
          case "tanh" -> 3;
          case "triangle", "rectangle" -> 1;
          default ->
              throw new TypeConversionException(
                  "expected atan, sigmoid, tanh, triangle or rectangle, found \"" + text + "\"");
        };
    float parameter;
    try {
      parameter = colon < 0 ? standard : Float.parseFloat(text.substring(colon + 1));
    } catch (NumberFormatException e) {
      throw new TypeConversionException(
          "expected a number after " + name + ":, found \"" + text.substring(colon + 1) + "\"");
    }
    return switch (name) {
      case "atan" -> new Surrogate.ATan(parameter);
      case "sigmoid" -> new Surrogate.Sigmoid(parameter);
      case "tanh" -> new Surrogate.Tanh(parameter);
      case "triangle" -> new Surrogate.Triangle(parameter);
      default -> new Surrogate.Rectangle(parameter);
    };
  }

  /** Returns what {@link #convert} reads back. */
  static String of(Surrogate surrogate) {
    return switch (surrogate) {
      case Surrogate.ATan(float alpha) -> "atan:" + alpha;
      case Surrogate.Sigmoid(float alpha) -> "sigmoid:" + alpha;
      case Surrogate.Tanh(float temperature) -> "tanh:" + temperature;
      case Surrogate.Triangle(float gamma) -> "triangle:" + gamma;
      case Surrogate.Rectangle(float width) -> "rectangle:" + width;
    };
  }
}
