package dev.coppice.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The choice, made in virtual machines of their own. */
class KernelsChoiceTest {
  private static final String ADD_VECTOR = "--add-modules=jdk.incubator.vector";

  /** What the other virtual machine runs: names the kernels and tries them. */
  static final class Main {
    private Main() {}

    public static void main(String[] args) {
      Kernels kernels;
      try {
        kernels = Kernels.best();
      } catch (IllegalStateException e) {
        System.out.println("error: " + e.getMessage());
        return;
      }
      var s = Floats.zeros(3);
      kernels.neuronForward(
          Cases.neuron(Cases.SURROGATES.getFirst(), true, true, false),
          Floats.of(2, 0, 2),
          false,
          Floats.zeros(3),
          s,
          1,
          3,
          0,
          3,
          null,
          null);
      float[] spikes = Floats.array(s);
      System.out.println(kernels.describe() + ": " + spikes[0] + " " + spikes[1] + " " + spikes[2]);
    }
  }

  @Test
  void withoutTheModuleTheKernelsAreScalarAndSayHowToGetBetterOnes() throws Exception {
    assertThat(run())
        .contains(
            "scalar (module jdk.incubator.vector is not present; add --add-modules"
                + " jdk.incubator.vector): 1.0 0.0 1.0")
        .contains("INFO: kernels: scalar");
  }

  @Test
  void withTheModuleTheyAreVectors() throws Exception {
    assertThat(run(ADD_VECTOR)).containsPattern("vector, \\d+ bit: 1.0 0.0 1.0");
  }

  @Test
  void onTheModulePathTooTheyDependOnTheModule() throws Exception {
    assertThat(runAsModule()).contains("scalar (module jdk.incubator.vector is not present");
    assertThat(runAsModule(ADD_VECTOR)).containsPattern("vector, \\d+ bit");
  }

  @Test
  void withoutTheOptimisingCompilerTheyAreScalar() throws Exception {
    assertThat(run(ADD_VECTOR, "-XX:TieredStopAtLevel=1"))
        .contains("scalar (the C2 compiler is off: ");
    assertThat(run(ADD_VECTOR, "-Xint")).contains("scalar (the C2 compiler is off: ");
  }

  @Test
  void thePropertyDecides() throws Exception {
    assertThat(run(ADD_VECTOR, "-Dcoppice.kernels=scalar")).contains("scalar: 1.0 0.0 1.0");
    assertThat(run(ADD_VECTOR, "-Dcoppice.kernels=vector")).contains("vector, ");
    assertThat(run("-Dcoppice.kernels=vector"))
        .contains(
            "error: module jdk.incubator.vector is not present; add --add-modules"
                + " jdk.incubator.vector");
    assertThat(run("-Dcoppice.kernels=fast"))
        .contains("error: coppice.kernels must be auto, scalar or vector, not \"fast\"");
  }

  private static String run(String... options) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(options));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    return java(command);
  }

  /** With the kernels as a named module, which this class is patched into. */
  private static String runAsModule(String... options) throws Exception {
    List<String> command = new ArrayList<>(List.of(options));
    command.addAll(
        List.of(
            "-p",
            folder(Kernels.class),
            "--patch-module",
            "dev.coppice.kernels=" + folder(KernelsChoiceTest.class),
            "-m",
            "dev.coppice.kernels/" + Main.class.getName()));
    return java(command);
  }

  private static String folder(Class<?> c) throws Exception {
    return Path.of(c.getProtectionDomain().getCodeSource().getLocation().toURI()).toString();
  }

  private static String java(List<String> arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + File.separator + "bin" + File.separator + "java");
    command.addAll(arguments);
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    return output;
  }
}
