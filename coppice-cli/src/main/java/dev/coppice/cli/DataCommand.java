package dev.coppice.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The data sets on this machine. */
@Command(
    name = "data",
    description = "Lists, checks and fetches data sets.",
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {DataListCommand.class, DataVerifyCommand.class, DataFetchCommand.class})
final class DataCommand implements Callable<Integer> {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Mixin final HelpOption help = new HelpOption();

  @Override
  public Integer call() {
    throw new ParameterException(spec.commandLine(), "Missing command; see coppice data --help");
  }
}
