package dev.coppice.graph;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import java.io.IOException;
import java.io.StringReader;

/**
 * Reads JSON more strictly than Gson's own tree reader: a key given twice is an error, the nesting
 * is bounded, and nothing may follow the value.
 */
final class Json {
  private static final int MAX_DEPTH = 16;

  private Json() {}

  /** Throws {@link GraphException} if the text is not one JSON object. */
  static JsonObject parseObject(String text) {
    try (JsonReader reader = new JsonReader(new StringReader(text))) {
      reader.setStrictness(Strictness.STRICT);
      JsonElement element = read(reader, 0);
      if (reader.peek() != JsonToken.END_DOCUMENT) {
        throw new GraphException("text follows the end of the JSON value");
      }
      if (element instanceof JsonObject object) {
        return object;
      }
      throw new GraphException("expected a JSON object");
    } catch (IOException | JsonParseException | IllegalStateException | NumberFormatException e) {
      throw new GraphException("not valid JSON: " + firstLine(e), e);
    }
  }

  private static JsonElement read(JsonReader reader, int depth) throws IOException {
    if (depth > MAX_DEPTH) {
      throw new GraphException("the JSON is nested more than " + MAX_DEPTH + " deep");
    }
    return switch (reader.peek()) {
      case BEGIN_OBJECT -> {
        JsonObject object = new JsonObject();
        reader.beginObject();
        while (reader.hasNext()) {
          String key = reader.nextName();
          if (object.has(key)) {
            throw new GraphException("the JSON has the key " + Quote.of(key) + " twice");
          }
          object.add(key, read(reader, depth + 1));
        }
        reader.endObject();
        yield object;
      }
      case BEGIN_ARRAY -> {
        JsonArray array = new JsonArray();
        reader.beginArray();
        while (reader.hasNext()) {
          array.add(read(reader, depth + 1));
        }
        reader.endArray();
        yield array;
      }
      default -> JsonParser.parseReader(reader);
    };
  }

  private static String firstLine(Throwable error) {
    String message = error.getMessage();
    if (message == null) {
      return error.getClass().getSimpleName();
    }
    String line = message.lines().findFirst().orElse("");
    String quoted = Quote.of(line);
    return quoted.substring(1, quoted.length() - 1);
  }
}
