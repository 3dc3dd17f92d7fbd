package dev.coppice.cli;

import picocli.CommandLine.Option;

/** The option of commands that only hold others. */
final class HelpOption {
  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "show this help")
  boolean help;
}
