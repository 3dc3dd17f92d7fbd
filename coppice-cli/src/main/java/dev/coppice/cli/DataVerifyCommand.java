package dev.coppice.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import dev.coppice.data.DataVerifier;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Reads a data set through and compares it with the published one. */
@Command(
    name = "verify",
    description =
        "Reads a data set through, compares its files with the published ones and counts its"
            + " images. Exit status 1 if a file differs.")
final class DataVerifyCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();
  @Mixin private final GlobalOptions global = new GlobalOptions();

  @Parameters(
      paramLabel = "NAME",
      description = "digits, mnist, fashion-mnist, cifar10, cifar100 or folder:PATH")
  private String name = "";

  @Option(
      names = "--data-dir",
      paramLabel = "DIR",
      description = "where the data are (default: $$COPPICE_DATA or ~/.cache/coppice/data)")
  private @Nullable Path dataDir;

  @Override
  public Integer call() throws IOException {
    JsonOutput.check(global.json);
    DataVerifier.Result result = DataVerifier.verify(name, dataDir);
    PrintWriter out = spec.commandLine().getOut();
    Table files = new Table(1, "file", "bytes", "sha256", "compared with the published");
    for (DataVerifier.Check check : result.files()) {
      files.add(
          check.file().file(),
          Long.toString(check.file().bytes()),
          check.file().sha256(),
          words(check.status()));
    }
    Table classes = new Table(1, "class", "training", "test");
    for (int i = 0; i < result.classes().size(); i++) {
      classes.add(
          result.classes().get(i),
          Integer.toString(result.trainHistogram()[i]),
          Integer.toString(result.testHistogram()[i]));
    }
    int train = Arrays.stream(result.trainHistogram()).sum();
    int test = Arrays.stream(result.testHistogram()).sum();
    classes.add("all", Integer.toString(train), Integer.toString(test));
    files.print(out);
    out.println();
    classes.print(out);
    JsonOutput.write(global.json, json(result));
    if (!result.asPublished()) {
      throw new RunFailedException(
          result.name() + ": not all files are the published ones; see the table");
    }
    return 0;
  }

  private static String words(DataVerifier.Status status) {
    return switch (status) {
      case AS_PUBLISHED -> "the same";
      case SIZE_AS_PUBLISHED -> "the same size";
      case DIFFERENT -> "DIFFERENT";
      case UNKNOWN -> "nothing to compare with";
    };
  }

  private static JsonObject json(DataVerifier.Result result) {
    JsonArray files = new JsonArray();
    for (DataVerifier.Check check : result.files()) {
      JsonObject file = new JsonObject();
      file.addProperty("file", check.file().file());
      file.addProperty("bytes", check.file().bytes());
      file.addProperty("sha256", check.file().sha256());
      file.addProperty("status", EnumName.of(check.status()));
      files.add(file);
    }
    JsonArray classes = new JsonArray();
    for (int i = 0; i < result.classes().size(); i++) {
      JsonObject label = new JsonObject();
      label.addProperty("name", result.classes().get(i));
      label.addProperty("train", result.trainHistogram()[i]);
      label.addProperty("test", result.testHistogram()[i]);
      classes.add(label);
    }
    JsonObject json = new JsonObject();
    json.addProperty("name", result.name());
    json.addProperty("asPublished", result.asPublished());
    json.add("files", files);
    json.add("classes", classes);
    return json;
  }
}
