package dev.coppice.graph;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The fields of a JSON object, each of which must be there, of its type, and asked for. */
final class JsonFields {
  private final JsonObject object;
  private final String prefix;
  private final Set<String> asked = new HashSet<>();

  /**
   * Creates the fields.
   *
   * @param owner what the object describes, for messages; empty if the caller says so itself
   */
  JsonFields(String owner, JsonElement element) {
    this.prefix = owner.isEmpty() ? "" : owner + ": ";
    if (!(element instanceof JsonObject found)) {
      throw new GraphException(prefix + "expected a JSON object");
    }
    this.object = found;
  }

  String text(String name) {
    if (get(name) instanceof JsonPrimitive primitive && primitive.isString()) {
      return primitive.getAsString();
    }
    throw wrongType(name, "a string");
  }

  boolean flag(String name) {
    if (get(name) instanceof JsonPrimitive primitive && primitive.isBoolean()) {
      return primitive.getAsBoolean();
    }
    throw wrongType(name, "true or false");
  }

  int integer(String name) {
    return integer(name, get(name));
  }

  int[] integers(String name) {
    JsonArray array = array(name);
    int[] values = new int[array.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = integer(name, array.get(i));
    }
    return values;
  }

  long[] longs(String name) {
    JsonArray array = array(name);
    long[] values = new long[array.size()];
    for (int i = 0; i < values.length; i++) {
      try {
        values[i] = Long.parseLong(number(name, array.get(i)));
      } catch (NumberFormatException e) {
        throw new GraphException(
            prefix + "field " + Quote.of(name) + " must hold whole numbers of 64 bits", e);
      }
    }
    return values;
  }

  private int integer(String name, JsonElement element) {
    try {
      return Integer.parseInt(number(name, element));
    } catch (NumberFormatException e) {
      throw new GraphException(
          prefix + "field " + Quote.of(name) + " must be a whole number of 32 bits", e);
    }
  }

  float real(String name) {
    return Float.parseFloat(number(name, get(name)));
  }

  JsonFields object(String name) {
    return new JsonFields(name, get(name));
  }

  JsonArray array(String name) {
    if (get(name) instanceof JsonArray array) {
      return array;
    }
    throw wrongType(name, "a list");
  }

  /** Throws {@link GraphException} if the object has a field that was not asked for. */
  void end() {
    for (String name : object.keySet()) {
      if (!asked.contains(name)) {
        throw new GraphException(prefix + "unknown field " + Quote.of(name));
      }
    }
  }

  GraphException error(String message) {
    return new GraphException(prefix + message);
  }

  private String number(String name, JsonElement element) {
    // The text of a number, because Gson's conversions round, wrap and expand exponents.
    if (element instanceof JsonPrimitive primitive && primitive.isNumber()) {
      return primitive.getAsString();
    }
    throw wrongType(name, "a number");
  }

  private JsonElement get(String name) {
    asked.add(name);
    @Nullable JsonElement element = object.get(name);
    if (element == null) {
      throw new GraphException(prefix + "field " + Quote.of(name) + " is missing");
    }
    return element;
  }

  private GraphException wrongType(String name, String expected) {
    return new GraphException(prefix + "field " + Quote.of(name) + " must be " + expected);
  }
}
