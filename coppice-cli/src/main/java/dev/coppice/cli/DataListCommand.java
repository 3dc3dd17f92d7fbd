package dev.coppice.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.coppice.data.DataCatalog;
import dev.coppice.data.DataSets;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Shows the data sets that are known by name, and which of them are here. */
@Command(name = "list", description = "Lists the data sets that are known by name.")
final class DataListCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();
  @Mixin private final GlobalOptions global = new GlobalOptions();

  @Option(
      names = "--data-dir",
      paramLabel = "DIR",
      description = "where the data are (default: $$COPPICE_DATA or ~/.cache/coppice/data)")
  private @Nullable Path dataDir;

  @Override
  public Integer call() {
    JsonOutput.check(global.json);
    Table table = new Table(3, "name", "images", "where");
    JsonArray sets = new JsonArray();
    for (DataCatalog.Entry entry : DataCatalog.entries()) {
      boolean bundled = entry.files().isEmpty();
      Optional<Path> folder = bundled ? Optional.empty() : DataSets.find(entry.name(), dataDir);
      table.add(
          entry.name(),
          entry.title(),
          bundled
              ? "bundled"
              : folder.map(Path::toString).orElseGet(() -> "not here; " + command(entry)));
      JsonObject set = new JsonObject();
      set.addProperty("name", entry.name());
      set.addProperty("title", entry.title());
      set.addProperty("licence", entry.licence());
      set.addProperty("bundled", bundled);
      set.addProperty("present", bundled || folder.isPresent());
      folder.ifPresent(path -> set.addProperty("path", path.toString()));
      set.addProperty("downloadBytes", entry.bytes());
      sets.add(set);
    }
    Path root = DataSets.root(dataDir);
    PrintWriter out = spec.commandLine().getOut();
    table.print(out);
    out.println("looked in " + root);
    JsonObject result = new JsonObject();
    result.addProperty("root", root.toString());
    result.add("sets", sets);
    JsonOutput.write(global.json, result);
    return 0;
  }

  private static String command(DataCatalog.Entry entry) {
    return String.format(
        Locale.ROOT, "coppice data fetch %s (%.0f MB)", entry.name(), entry.bytes() / 1e6);
  }
}
