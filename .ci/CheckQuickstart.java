// SPDX-License-Identifier: Apache-2.0

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** Holds the result of {@code coppice quickstart --json FILE} against what it promises. */
final class CheckQuickstart {
  private final JsonObject result;
  private final List<String> broken = new ArrayList<>();

  private CheckQuickstart(JsonObject result) {
    this.result = result;
  }

  public static void main(String[] args) throws Exception {
    JsonElement result = JsonParser.parseString(Files.readString(Path.of(args[0])));
    CheckQuickstart check = new CheckQuickstart(result.getAsJsonObject());
    check.between("dense.accuracy", 0.97, 1);
    check.between("criticality.accuracy", 0.93, 1);
    check.between("criticality.sparsity", 0.949, 0.951);
    check.between("seconds", 0, 300);
    check.file("model");
    check.broken.forEach(System.err::println);
    System.exit(check.broken.isEmpty() ? 0 : 1);
  }

  private void between(String path, double low, double high) {
    JsonElement found = find(path);
    boolean number =
        found != null && found.isJsonPrimitive() && found.getAsJsonPrimitive().isNumber();
    boolean holds = number && found.getAsDouble() >= low && found.getAsDouble() <= high;
    report(holds, "%s: expected %s to %s, found %s".formatted(path, low, high, found));
  }

  private void file(String path) {
    JsonElement found = find(path);
    boolean name =
        found != null && found.isJsonPrimitive() && found.getAsJsonPrimitive().isString();
    boolean holds = name && Files.isRegularFile(Path.of(found.getAsString()));
    report(holds, "%s: expected the name of a file, found %s".formatted(path, found));
  }

  private void report(boolean holds, String line) {
    System.out.printf(Locale.ROOT, "  %s  %s%n", holds ? "ok  " : "FAIL", line);
    if (!holds) {
      broken.add("quickstart: " + line);
    }
  }

  private JsonElement find(String path) {
    JsonElement at = result;
    for (String name : path.split("\\.")) {
      at = at != null && at.isJsonObject() ? at.getAsJsonObject().get(name) : null;
    }
    return at;
  }
}
