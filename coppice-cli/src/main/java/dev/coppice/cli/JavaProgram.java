package dev.coppice.cli;

import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** How to start a program of this jar in a process of its own. */
final class JavaProgram {
  private JavaProgram() {}

  /** Returns the JVM that runs this, with its options, and a class with a main method. */
  static List<String> command(Class<?> program) {
    List<String> command = new ArrayList<>();
    command.add(java());
    command.addAll(virtualMachineOptions());
    command.addAll(List.of("-cp", System.getProperty("java.class.path", "")));
    command.add(program.getName());
    return command;
  }

  /** Returns the program of the JVM that runs this. */
  static String java() {
    return Path.of(System.getProperty("java.home", ""), "bin", "java").toString();
  }

  /**
   * Options that open a port or a file would clash with those of this process; and a cache of what
   * another program ran misleads the compiler.
   */
  private static List<String> virtualMachineOptions() {
    return ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(
            option ->
                !option.startsWith("-agent")
                    && !option.startsWith("-javaagent")
                    && !option.startsWith("-Xrunjdwp")
                    && !option.startsWith("-XX:AOT")
                    && !option.startsWith("-Dcom.sun.management"))
        .toList();
  }
}
