package dev.coppice.cli;

import com.google.gson.JsonObject;
import dev.coppice.data.DataCatalog;
import dev.coppice.data.DataFetcher;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Downloads a data set. */
@Command(
    name = "fetch",
    description =
        "Downloads a data set from its official address and checks it. A download that was"
            + " interrupted goes on where it stopped.")
final class DataFetchCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();
  @Mixin private final GlobalOptions global = new GlobalOptions();

  @Parameters(paramLabel = "NAME", description = "mnist, fashion-mnist, cifar10 or cifar100")
  private String name = "";

  @Option(
      names = {"--dir", "--data-dir"},
      paramLabel = "DIR",
      description =
          "the folder that gets a folder of the data set"
              + " (default: $$COPPICE_DATA or ~/.cache/coppice/data)")
  private @Nullable Path dir;

  @Option(
      names = "--mirror",
      paramLabel = "URL",
      description = "fetch from here, where the files lie under their official names")
  private @Nullable URI mirror;

  @Override
  public Integer call() {
    JsonOutput.check(global.json);
    DataCatalog.Entry entry = DataCatalog.entry(name);
    Path folder;
    try (FetchProgress progress = new FetchProgress(spec.commandLine().getErr())) {
      folder = new DataFetcher(progress).fetch(name, dir, mirror);
    } catch (IOException e) {
      throw new RunFailedException(Failure.describe(e), e);
    }
    spec.commandLine().getOut().println(name + " is in " + folder);
    JsonObject result = new JsonObject();
    result.addProperty("name", name);
    result.addProperty("path", folder.toString());
    result.addProperty("bytes", entry.bytes());
    JsonOutput.write(global.json, result);
    return 0;
  }
}
