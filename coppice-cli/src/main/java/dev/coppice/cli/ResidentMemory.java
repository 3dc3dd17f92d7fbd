package dev.coppice.cli;

import com.google.gson.Gson;
import dev.coppice.graph.Model;
import dev.coppice.kernels.Kernels;
import dev.coppice.runtime.SpikingRuntime;
import dev.coppice.train.ProcessMemory;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.CodeSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What a JVM takes that has only the jars of the runtime, a serial collector, a heap no larger than
 * it needs to be, and that gives back what its compilers no longer need.
 *
 * @param megabytes resident while it answers, in 10^6 bytes
 * @param peakMegabytes the most, which may be while it loads
 * @param heapMegabytes the heap that it was allowed, in MiB
 * @param millisToFirstAnswer from the start of the process
 */
record ResidentMemory(
    double megabytes, double peakMegabytes, int heapMegabytes, double millisToFirstAnswer) {

  private static final int SMALLEST_HEAP = 16;
  private static final int LARGEST_HEAP = 4096;

  /** The fewest answers after which memory is read. */
  private static final int FEWEST = 200;

  /** How often memory that was freed goes back to the system, in milliseconds. */
  private static final int TRIM_INTERVAL = 500;

  /** What runs there; all else comes from the runtime's jars. */
  private static final List<Class<?>> PROGRAM = List.of(ResidentProcess.class, ProcessMemory.class);

  private static final List<Class<?>> RUNTIME =
      List.of(SpikingRuntime.class, Model.class, Kernels.class, Gson.class);

  /**
   * Measures with ever larger heaps until one suffices.
   *
   * @param model a model file
   * @param images a file of {@link BenchImages}
   * @param answers how many come before it is read: what compilers take goes when all is compiled
   * @throws RunFailedException if the process fails
   * @throws IOException if it cannot be started
   */
  static ResidentMemory of(Path model, Path images, int timeSteps, int threads, int answers)
      throws IOException {
    Path folder = Files.createTempDirectory("coppice-resident");
    try {
      List<String> arguments =
          List.of(
              model.toString(),
              images.toString(),
              Integer.toString(timeSteps),
              Integer.toString(threads),
              Integer.toString(Math.max(FEWEST, answers)));
      String classPath = classPath(folder);
      for (int heap = SMALLEST_HEAP; heap <= LARGEST_HEAP; heap = larger(heap)) {
        List<String> said = new ArrayList<>();
        int status = start(heap, classPath, arguments, said);
        if (status == 0) {
          return parse(Child.lastLine(said), heap);
        }
        if (status != ResidentProcess.OUT_OF_MEMORY) {
          throw new RunFailedException(
              "the process that only runs the model ended with status "
                  + status
                  + ": "
                  + Child.lastLine(said));
        }
      }
      throw new RunFailedException("the model needs more than " + LARGEST_HEAP + " MiB of heap");
    } finally {
      try (Stream<Path> files = Files.walk(folder)) {
        for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
          Files.delete(file);
        }
      }
    }
  }

  /** Returns a heap larger by a quarter, or by 4 MiB. */
  private static int larger(int heap) {
    return heap + Math.max(1, heap / 16) * 4;
  }

  private static int start(int heap, String classPath, List<String> arguments, List<String> said)
      throws IOException {
    List<String> command = new ArrayList<>(List.of(JavaProgram.java()));
    command.addAll(
        List.of(
            "-XX:+UseSerialGC",
            "-XX:TrimNativeHeapInterval=" + TRIM_INTERVAL,
            "-Xmx" + heap + "m",
            "-Xlog:disable"));
    if (ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()) {
      command.addAll(List.of("--add-modules", "jdk.incubator.vector"));
    }
    command.addAll(List.of("-cp", classPath, ResidentProcess.class.getName()));
    command.addAll(arguments);
    ProcessBuilder process = new ProcessBuilder(command).redirectErrorStream(true);
    // The launcher keeps freed memory, for training; a program that embeds the runtime does not.
    process.environment().keySet().removeIf(name -> name.startsWith("MALLOC_"));
    return Child.run(process, child -> child.inputReader().lines().forEach(said::add));
  }

  private static ResidentMemory parse(String line, int heap) {
    double[] values = Stream.of(line.split(" ")).mapToDouble(Double::parseDouble).toArray();
    return new ResidentMemory(values[0], values[1], heap, values[2]);
  }

  /**
   * Returns a class path of the runtime's jars and a folder with copies of the program's classes.
   */
  private static String classPath(Path folder) throws IOException {
    for (Class<?> copied : PROGRAM) {
      String name = copied.getName().replace('.', '/') + ".class";
      Path target = folder.resolve(name);
      Files.createDirectories(Objects.requireNonNull(target.getParent()));
      try (InputStream in =
          Objects.requireNonNull(copied.getResourceAsStream(copied.getSimpleName() + ".class"))) {
        Files.copy(in, target);
      }
    }
    return Stream.concat(Stream.of(folder), RUNTIME.stream().map(ResidentMemory::origin))
        .map(Path::toString)
        .collect(Collectors.joining(File.pathSeparator));
  }

  private static Path origin(Class<?> part) {
    try {
      CodeSource source = Objects.requireNonNull(part.getProtectionDomain().getCodeSource());
      return Path.of(source.getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(part + " comes from no file", e);
    }
  }
}
