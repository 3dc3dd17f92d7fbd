package dev.coppice.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.Gson;
import dev.coppice.graph.Model;
import dev.coppice.graph.Notation;
import dev.coppice.kernels.Kernels;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The runtime as named modules in virtual machines of their own, and how small it is. */
class ModulesTest {
  private static final long MEGABYTE = 1 << 20;

  /** What the other virtual machine runs: a network of every layer's kernel. */
  static final class Main {
    private Main() {}

    public static void main(String[] args) {
      var graph = Notation.parse("16C3-P2-20C3-P2-FC10", Networks.IMAGE, Networks.NEURON);
      SpikingRuntime network =
          SpikingRuntime.of(
              Networks.model(graph, 1, 0.5), SpikingRuntime.Options.DEFAULT.withTimeSteps(3));
      try (Session session = network.session()) {
        Inference inference = session.run(Networks.images(graph, 1));
        System.out.println("kernels: " + network.describeKernels());
        System.out.println("logits: " + Arrays.toString(inference.logits()));
      }
    }
  }

  @Test
  void withoutTheVectorApiTheAnswerIsTheSame() throws Exception {
    String plain = java();
    String fast = java("--add-modules=jdk.incubator.vector");
    assertThat(plain)
        .contains("kernels: scalar (module jdk.incubator.vector is not present")
        .contains("INFO: kernels: scalar");
    assertThat(fast).containsPattern("kernels: vector, \\d+ bit");
    assertThat(line(fast, "logits: ")).isEqualTo(line(plain, "logits: ")).contains("[");
  }

  private static String line(String output, String start) {
    return output.lines().filter(line -> line.startsWith(start)).collect(Collectors.joining());
  }

  @Test
  void itIsSmall() throws Exception {
    long bytes = 0;
    for (Class<?> part : List.of(SpikingRuntime.class, Kernels.class, Model.class)) {
      try (Stream<Path> files = Files.walk(Path.of(folder(part)))) {
        for (Path file : files.filter(Files::isRegularFile).toList()) {
          bytes += Files.size(file);
        }
      }
    }
    assertThat(bytes).isBetween(MEGABYTE / 20, MEGABYTE);
  }

  private static String java(String... options) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
    command.addAll(List.of(options));
    command.add("-p");
    command.add(
        Stream.of(SpikingRuntime.class, Kernels.class, Model.class, Gson.class)
            .map(ModulesTest::folder)
            .collect(Collectors.joining(File.pathSeparator)));
    command.add("--patch-module");
    command.add("dev.coppice.runtime=" + folder(ModulesTest.class));
    command.add("-m");
    command.add("dev.coppice.runtime/" + Main.class.getName());
    return output(command);
  }

  private static String folder(Class<?> part) {
    try {
      return Path.of(part.getProtectionDomain().getCodeSource().getLocation().toURI()).toString();
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String output(List<String> command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    return output;
  }
}
