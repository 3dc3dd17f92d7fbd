package dev.coppice.runtime;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.Gson;
import dev.coppice.graph.Model;
import dev.coppice.graph.Notation;
import dev.coppice.kernels.Kernels;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.jar.JarOutputStream;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
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
    String plain = java(asModules());
    String onClassPath = java(onClassPath());
    String fast = java(asModules(), "--add-modules=jdk.incubator.vector");
    for (String output : List.of(plain, onClassPath)) {
      assertThat(output)
          .contains("kernels: scalar (module jdk.incubator.vector is not present")
          .containsOnlyOnce("INFO: kernels: scalar");
      assertThat(line(output, "logits: ")).isEqualTo(line(fast, "logits: ")).contains("[");
    }
    assertThat(fast).containsPattern("kernels: vector, \\d+ bit");
  }

  private static String line(String output, String start) {
    return output.lines().filter(line -> line.startsWith(start)).collect(Collectors.joining());
  }

  /** The jars of the runtime, the network description and the kernels, and that of Gson. */
  @Test
  void itIsSmall() throws Exception {
    long bytes = Files.size(Path.of(folder(Gson.class)));
    for (Class<?> part : List.of(SpikingRuntime.class, Kernels.class, Model.class)) {
      bytes += jarBytes(Path.of(folder(part)));
    }
    assertThat(bytes).isBetween(MEGABYTE / 10, MEGABYTE);
  }

  /** Returns the size of a jar of the folder's files; in a build of one module, it is one. */
  private static long jarBytes(Path classes) throws IOException {
    if (Files.isRegularFile(classes)) {
      return Files.size(classes);
    }
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (JarOutputStream jar = new JarOutputStream(bytes);
        Stream<Path> files = Files.walk(classes)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        jar.putNextEntry(new ZipEntry(classes.relativize(file).toString()));
        Files.copy(file, jar);
        jar.closeEntry();
      }
    }
    return bytes.size();
  }

  private static List<String> asModules() {
    return List.of(
        "-p",
        path(SpikingRuntime.class, Kernels.class, Model.class, Gson.class),
        "--patch-module",
        "dev.coppice.runtime=" + folder(ModulesTest.class),
        "-m",
        "dev.coppice.runtime/" + Main.class.getName());
  }

  private static List<String> onClassPath() {
    return List.of(
        "-cp",
        path(SpikingRuntime.class, Kernels.class, Model.class, Gson.class, ModulesTest.class),
        Main.class.getName());
  }

  private static String path(Class<?>... parts) {
    return Stream.of(parts)
        .map(ModulesTest::folder)
        .collect(Collectors.joining(File.pathSeparator));
  }

  private static String java(List<String> program, String... options) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
    command.addAll(List.of(options));
    command.addAll(program);
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
