package dev.coppice.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.util.LinkedHashMap;
import java.util.Map;

/** A JSON object as a list for people: the members of members by names with dots. */
final class ResultFields {
  private ResultFields() {}

  /** Returns the values by name, in order. */
  static Map<String, String> of(JsonObject object) {
    Map<String, String> fields = new LinkedHashMap<>();
    object.entrySet().forEach(member -> collect(member.getKey(), member.getValue(), fields));
    return fields;
  }

  private static void collect(String name, JsonElement value, Map<String, String> fields) {
    if (value instanceof JsonObject object) {
      object
          .entrySet()
          .forEach(member -> collect(name + "." + member.getKey(), member.getValue(), fields));
    } else {
      fields.put(name, value.isJsonPrimitive() ? value.getAsString() : value.toString());
    }
  }
}
