package dev.coppice.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Measurements of speed. */
@Command(
    name = "bench",
    description = "Measures speed and memory, beside other libraries if wanted.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {BenchTrainCommand.class, BenchRuntimeCommand.class})
final class BenchCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Mixin final HelpOption help = new HelpOption();

  @Override
  public Integer call() {
    throw new ParameterException(spec.commandLine(), "Missing command; see coppice bench --help");
  }
}
