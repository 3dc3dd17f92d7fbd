package dev.coppice.graph;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Runs each fuzz target for a short while. For a long run, start {@code
 * com.code_intelligence.jazzer.Jazzer} by hand with the same arguments but for the limits.
 */
class FuzzTest {
  @TempDir Path folder;

  @Test
  void readersOfSafetensorsRefuseWhatIsWrong() throws Exception {
    Path corpus = Files.createDirectory(folder.resolve("corpus"));
    Graph graph = Notation.parse("2C1-FC2", new Shape.Map(2, 1, 1), Op.Neuron.decay());
    Model model = ModelTest.masked(graph, 0.3, 1);
    model.save(corpus.resolve("dense"));
    model.save(corpus.resolve("sparse"), Compression.SPARSE);
    model.save(corpus.resolve("compact"), Compression.COMPACT);
    // Nothing of a network as small as that one is smaller as gaps.
    Graph wide =
        Graph.builder(new Shape.Vector(40)).add("fc", new Op.Linear(40, 20, false)).build();
    ModelTest.masked(wide, 0.1, 1).save(corpus.resolve("gaps"), Compression.COMPACT);
    for (Compression compression : Compression.values()) {
      Quantization.int8(ModelTest.masked(wide, 0.1, 1))
          .save(corpus.resolve("int8-" + compression), compression);
    }

    fuzz(SafetensorsFuzz.class, corpus);
  }

  @Test
  void readerOfNetworksRefusesWhatIsWrong() throws Exception {
    Path corpus = Files.createDirectory(folder.resolve("corpus"));
    for (int seed = 0; seed < 10; seed++) {
      Files.writeString(corpus.resolve("graph" + seed), RandomGraphs.draw(seed).toJson());
    }

    fuzz(GraphJsonFuzz.class, corpus);
  }

  private void fuzz(Class<?> target, Path corpus) throws IOException, InterruptedException {
    Path log = folder.resolve("log");
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx1g",
            "-XX:+EnableDynamicAgentLoading",
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-cp",
            classPath,
            "com.code_intelligence.jazzer.Jazzer",
            "--target_class=" + target.getName(),
            "--instrumentation_includes=dev.coppice.**",
            "--reproducer_path=" + folder,
            "-artifact_prefix=" + folder + "/",
            "-seed=1",
            "-runs=20000",
            "-max_total_time=5",
            "-max_len=8192",
            "-dict=" + Path.of("src/test/resources/fuzz/words.dict").toAbsolutePath(),
            corpus.toString());
    Process process =
        new ProcessBuilder(command)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    try {
      assertThat(process.waitFor(5, TimeUnit.MINUTES)).as("ended in time").isTrue();
    } finally {
      process.destroyForcibly();
    }
    String output = Files.readString(log);
    assertThat(process.exitValue()).as(output).isZero();
    assertThat(output).as("ran the target").containsPattern("#[0-9]+\\s+DONE");
  }
}
