package dev.coppice.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Initialization;
import dev.coppice.graph.Model;
import dev.coppice.graph.Notation;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Weights;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every bad input ends with one clear line, status 2 and nothing left behind. */
final class BadInputTest {
  @TempDir private Path folder = Path.of("");
  private Path run = Path.of("");

  @BeforeEach
  void nameRun() {
    run = folder.resolve("run");
  }

  private static void refused(Invocation invocation, String... parts) {
    assertThat(invocation.errorLines()).hasSize(1);
    assertThat(invocation.err()).startsWith("coppice: ").contains(parts);
    assertThat(invocation.out()).isEmpty();
    assertThat(invocation.status()).isEqualTo(2);
  }

  private void trainRefused(String arguments, String... parts) {
    String[] common = {"train", "--train-samples", "50", "--run", run.toString()};
    refused(
        Invocation.of(
            Stream.concat(Arrays.stream(common), Arrays.stream(arguments.split(" ")))
                .toArray(String[]::new)),
        parts);
    assertThat(run).doesNotExist();
  }

  @ParameterizedTest
  @CsvSource({
    "--T 0, time steps",
    "--net 999999C3-P8-FC10 --T 1000, would take at least",
    "--T x, --T",
    "--epochs 0, --epochs",
    "--batch -1, batch size",
    "--lr NaN, learning rate",
    "--epoch 3, did you mean --epochs?",
    "--neuron spiky, decay",
    "--surrogate cosine, expected atan",
    "--surrogate atan:-1, alpha",
    "--threshold NaN, threshold",
    "--tau 2, --neuron lif",
    "--net 16C3-FC7, 10 classes",
    "--net 16Q3-FC10, character 1",
    "--net 16C3-P2-P2-P2-P2-FC10, P2",
    "--net vgg11, pool",
    "--width 0.5, width",
    "--device tpu, device",
    "--device gpu77, gpu77",
    "--threads 0, threads",
    "--data nothing, nothing",
    "--data folder:/no/such/folder, /no/such/folder",
    "--encoder morse, encoder",
    "--label-smoothing 1, label smoothing",
    "--image-size 8, --image-size",
    "--train-samples 0, --train-samples",
    "--checkpoint-interval 0, --checkpoint-interval",
    "--json /no/such/folder/x.json, no folder",
    "--config /no/such/file.yaml, does not exist",
    "--resume /no/such/run, two folders",
  })
  void refusesOptionsOfTrain(String arguments, String part) {
    trainRefused(arguments, part);
  }

  @ParameterizedTest
  @CsvSource({
    "--sparsity 1.2, sparsity",
    "--sparsity NaN, sparsity",
    "--sparsity -0.1, sparsity",
    "--ratio 2, ratio",
    "--exclude conv9, conv9",
    "--iterations 1000, steps",
    "--start-epoch 9, --start-epoch",
    "--window 0, --window",
    "--scope local, 2:4",
    "--scope 4:2, 4:2",
    "--scope 2:4 --sparsity 0.5, it follows from the pattern",
    "--scope 2:4 --ties reference, exact ties",
    "--from /no/such/model.safetensors, does not exist",
    "--method magic, expected",
    "--method lamp --strength 1, --strength",
    "--method stds --strength -1, strength",
    "--method gradr --sparsity 0.3 --strength 1, prior",
    "--method snip --iterations 3, at the first step",
    "--method lottery --scope erk, --scope",
    "--method lottery --rewind-epoch 2, rewind",
    "--method lottery --round-share 1, share",
    "--method granet --scope 2:4, 2:4",
    "--grace -1, grace",
    "--initial-sparsity 2, initial sparsity",
    "--last-ratio 2, ratio",
  })
  void refusesOptionsOfPrune(String arguments, String part) {
    String[] common = {
      "prune", "--epochs", "2", "--train-samples", "50", "--net", "4C3-P4-FC10", "--run",
    };
    refused(
        Invocation.of(
            Stream.of(
                    Arrays.stream(arguments.startsWith("--from") ? without(common) : common),
                    Stream.of(run.toString()),
                    Arrays.stream(arguments.split(" ")))
                .flatMap(part2 -> part2)
                .toArray(String[]::new)),
        part);
    assertThat(run).doesNotExist();
  }

  private static String[] without(String[] common) {
    return Arrays.stream(common)
        .filter(word -> !word.equals("--net") && !word.equals("4C3-P4-FC10"))
        .toArray(String[]::new);
  }

  @Test
  void namesTheLineOfAConfiguration() throws IOException {
    Path file = folder.resolve("config.yaml");
    Files.writeString(file, "# mine\ntraining:\n  epochs: 3\n  epoks: 4\n");
    trainRefused("--config " + file, "line 4", "\"epoks\"", "did you mean epochs?");
    Files.writeString(file, "epochs: [1\n");
    trainRefused("--config " + file, file.toString());
    Files.writeString(file, "epochs: 3\nepochs: 4\n");
    trainRefused("--config " + file, "line 2", "twice");
  }

  @Test
  void refusesUnknownCommandsAndNone() {
    refused(Invocation.of("trian"), "unknown command trian", "did you mean train?");
    refused(Invocation.of(), "missing command");
  }

  @Test
  void offersNoOptionThatTheQuickstartLacks() throws IOException {
    Files.createDirectories(run);
    Files.writeString(run.resolve("notes.txt"), "mine");
    Invocation quickstart = Invocation.of("quickstart", "--run", run.toString());
    refused(quickstart, "is not empty; give another one by --run");
    assertThat(quickstart.err()).doesNotContain("--resume");
  }

  @Test
  void refusesToResumeWhatIsNoRun() {
    refused(Invocation.of("train", "--resume", run.toString()), "not the folder of a run");
    refused(Invocation.of("prune", "--resume"), "--resume DIR");
  }

  @Test
  void refusesARunFolderThatIsNotEmpty() throws IOException {
    Files.createDirectory(run);
    Files.writeString(run.resolve("mine.txt"), "mine");
    refused(
        Invocation.of("train", "--train-samples", "50", "--run", run.toString()),
        "not empty",
        "--force");
    assertThat(run.resolve("mine.txt")).hasContent("mine");
  }

  @Test
  void refusesARunFolderThatCannotBeWritten() throws IOException {
    Files.writeString(run, "a file");
    refused(Invocation.of("train", "--train-samples", "50", "--run", run.toString()), "file");
    refused(
        Invocation.of("train", "--train-samples", "50", "--run", run.resolve("x").toString()),
        "cannot write to the run folder");
    Path proc = Path.of("/proc/sys");
    assumeThat(proc).isDirectory();
    refused(
        Invocation.of("train", "--train-samples", "50", "--run", proc.resolve("x").toString()),
        "cannot write to the run folder");
  }

  @Test
  void tellsOfAFullDisk() throws IOException {
    Path full = Path.of("/dev/full");
    assumeThat(full).exists();
    Path model = model();
    Invocation invocation =
        Invocation.of(
            "evaluate", model.toString(), "--data", "digits", "--T", "2", "--json", "/dev/full");
    assertThat(invocation.errorLines()).hasSize(1);
    assertThat(invocation.err())
        .startsWith("coppice: the result could not be written to /dev/full");
    assertThat(invocation.status()).isEqualTo(1);
    assertThat(Files.isRegularFile(full)).isFalse();
  }

  private Path model() throws IOException {
    Graph graph = Notation.parse("2C3-P4-FC10", new Shape.Map(8, 8, 1), Op.Neuron.decay());
    Path file = folder.resolve("model.safetensors");
    new Model(graph, Weights.initialize(graph, 1, Initialization.UNIFORM_FAN_IN), Map.of())
        .save(file);
    return file;
  }

  /** A model has its network and neurons; what would change them is not taken silently. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "--net 4C3-FC10",
        "--width 0.5",
        "--neuron decay",
        "--decay 0.5",
        "--tau 3",
        "--no-decay-input",
        "--threshold 0.7",
        "--reset soft",
        "--no-detach-reset",
        "--surrogate atan",
      })
  void refusesANetworkBesideAModel(String arguments) throws IOException {
    Path model = model();
    List<String> words = Arrays.asList(arguments.split(" "));
    String option = words.getFirst().replace("--no-", "--");
    List<String> prune =
        List.of("prune", "--from", model.toString(), "--data", "digits", "--run", run.toString());
    refused(
        Invocation.of(Stream.concat(prune.stream(), words.stream()).toArray(String[]::new)),
        option + " cannot be given with --from");
    refused(
        Invocation.of(
            Stream.concat(Stream.of("inspect", model.toString()), words.stream())
                .toArray(String[]::new)),
        option + " does not go with a model");
    assertThat(run).doesNotExist();
  }

  private void modelRefused(Path file, String part) {
    refused(
        Invocation.of("evaluate", file.toString(), "--data", "digits", "--T", "2"),
        file.toString(),
        part);
  }

  @Test
  void refusesModelsThatAreMissingEmptyTruncatedOrCorrupted() throws IOException {
    Path good = model();
    byte[] bytes = Files.readAllBytes(good);
    Path bad = folder.resolve("bad.safetensors");
    modelRefused(bad, "does not exist");
    Files.write(bad, new byte[0]);
    modelRefused(bad, "");
    Files.write(bad, Arrays.copyOf(bytes, bytes.length - 5));
    modelRefused(bad, "");
    Files.write(bad, Arrays.copyOf(bytes, 100));
    modelRefused(bad, "");
    byte[] corrupted = bytes.clone();
    corrupted[20] = 0;
    Files.write(bad, corrupted);
    modelRefused(bad, "");
    byte[] huge = bytes.clone();
    ByteBuffer.wrap(huge).order(ByteOrder.LITTLE_ENDIAN).putLong(0, Long.MAX_VALUE);
    Files.write(bad, huge);
    modelRefused(bad, "");
    modelRefused(folder, "");
  }

  @Test
  void refusesAModelThatDoesNotFitTheImages() throws IOException {
    Graph graph = Notation.parse("2C3-P4-FC10", new Shape.Map(12, 12, 1), Op.Neuron.decay());
    Path file = folder.resolve("larger.safetensors");
    new Model(graph, Weights.initialize(graph, 1, Initialization.UNIFORM_FAN_IN), Map.of())
        .save(file);
    refused(
        Invocation.of("evaluate", file.toString(), "--data", "digits", "--T", "2"),
        "12x12x1",
        "8x8x1");
    refused(Invocation.of("evaluate", file.toString()), "--data");
    refused(Invocation.of("evaluate", file.toString(), "--data", "digits"), "--T");
    refused(Invocation.of("prune", "--from", file.toString(), "--run", run.toString()), "12x12x1");
    assertThat(run).doesNotExist();
  }

  @ParameterizedTest
  @ValueSource(strings = {"magic", "label", "huge", "empty", "short", "missing"})
  void refusesDamagedImages(String damage) throws IOException {
    Path data = Files.createDirectories(folder.resolve("mnist"));
    write(data, "train-images-idx3-ubyte", images(20));
    write(data, "train-labels-idx1-ubyte", labels(20, 9));
    write(data, "t10k-images-idx3-ubyte", images(10));
    write(data, "t10k-labels-idx1-ubyte", labels(10, 9));
    switch (damage) {
      case "magic" -> write(data, "train-images-idx3-ubyte", labels(20, 9));
      case "label" -> write(data, "train-labels-idx1-ubyte", labels(20, 10));
      case "huge" -> {
        byte[] huge = images(20);
        ByteBuffer.wrap(huge).putInt(4, Integer.MAX_VALUE);
        write(data, "train-images-idx3-ubyte", huge);
      }
      case "empty" -> write(data, "train-images-idx3-ubyte", new byte[0]);
      case "short" -> write(data, "train-images-idx3-ubyte", Arrays.copyOf(images(20), 500));
      default -> Files.delete(data.resolve("t10k-labels-idx1-ubyte"));
    }
    refused(
        Invocation.of(
            "train", "--data", "mnist", "--data-dir", folder.toString(), "--run", run.toString()),
        "idx");
    assertThat(run).doesNotExist();
  }

  private static void write(Path data, String name, byte[] content) throws IOException {
    Files.write(data.resolve(name), content);
  }

  private static byte[] images(int count) {
    return ByteBuffer.allocate(16 + count * 28 * 28)
        .putInt(0x803)
        .putInt(count)
        .putInt(28)
        .putInt(28)
        .array();
  }

  private static byte[] labels(int count, int label) {
    ByteBuffer buffer = ByteBuffer.allocate(8 + count).putInt(0x801).putInt(count);
    for (int i = 0; i < count; i++) {
      buffer.put((byte) label);
    }
    return buffer.array();
  }

  @Test
  void showsTheStackTraceOnlyWhenAsked() {
    Invocation invocation = Invocation.of("train", "--T", "0", "--debug", "--run", run.toString());
    assertThat(invocation.err().getBytes(StandardCharsets.UTF_8).length).isGreaterThan(200);
    assertThat(invocation.errorLines()).anyMatch(line -> line.startsWith("\tat "));
    assertThat(invocation.errorLines().getLast()).startsWith("coppice: ");
  }
}
