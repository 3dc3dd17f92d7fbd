package dev.coppice.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The {@code coppice} command: picks the subcommand and turns its outcome into an exit status. */
@Command(
    name = "coppice",
    description = "Trains, prunes, regrows and runs spiking neural networks.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class)
public final class Main implements Runnable {
  @Spec private CommandSpec spec;

  private Main(CommandSpec spec) {
    this.spec = spec;
  }

  /**
   * Runs the command line and exits: 0 success, 1 failed run, 2 bad usage or bad input.
   *
   * @param args what was typed after {@code coppice}
   */
  public static void main(String[] args) {
    System.exit(new CommandLine(new Main(CommandSpec.create())).execute(args));
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "Missing command; see coppice --help");
  }
}
