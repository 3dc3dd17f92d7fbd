package dev.coppice.cli;

import dev.coppice.graph.Initialization;
import dev.coppice.graph.Surrogate;
import dev.coppice.prune.Method;
import dev.coppice.prune.Regrowth;
import dev.coppice.prune.Renewal;
import dev.coppice.prune.Scope;
import dev.coppice.prune.SparsitySchedule;
import dev.coppice.prune.Ties;
import dev.coppice.prune.channels.ChannelScope;
import dev.coppice.prune.channels.Residual;
import dev.coppice.train.ConvolutionPath;
import dev.coppice.train.CriticalityProbe;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.Spec;

/** The {@code coppice} command: picks the subcommand and turns its outcome into an exit status. */
@Command(
    name = "coppice",
    description = "Trains, prunes, regrows and runs spiking neural networks.",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    synopsisSubcommandLabel = "COMMAND")
public final class Main implements Callable<Integer> {
  /** The commands by name, in the order of the help. */
  private static final SequencedMap<String, Class<?>> COMMANDS = new LinkedHashMap<>();

  static {
    COMMANDS.put("quickstart", QuickstartCommand.class);
    COMMANDS.put("train", TrainCommand.class);
    COMMANDS.put("prune", PruneCommand.class);
    COMMANDS.put("compare", CompareCommand.class);
    COMMANDS.put("evaluate", EvaluateCommand.class);
    COMMANDS.put("inspect", InspectCommand.class);
    COMMANDS.put("analyze", AnalyzeCommand.class);
    COMMANDS.put("export", ExportCommand.class);
    COMMANDS.put("run", RunCommand.class);
    COMMANDS.put("data", DataCommand.class);
    COMMANDS.put("bench", BenchCommand.class);
  }

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
    System.exit(run(args, writer(System.out), writer(System.err)));
  }

  private static PrintWriter writer(PrintStream stream) {
    return new PrintWriter(stream, true, stream.charset());
  }

  /**
   * Runs the command line.
   *
   * @param out takes results
   * @param err takes progress and errors
   * @return the exit status
   */
  static int run(String[] args, PrintWriter out, PrintWriter err) {
    try {
      if (PictureAnswers.suffice(args)) {
        PictureAnswers.print(args, out);
        return 0;
      }
      CommandLine line = commandLine(args).setOut(out).setErr(err);
      ParseResult result = line.parseArgs(args);
      Integer help = CommandLine.executeHelpRequest(result);
      if (help != null) {
        return help;
      }
      result = withConfiguration(line, result, args);
      Callable<?> command = (Callable<?>) leaf(result).commandSpec().userObject();
      return command.call() instanceof Integer status ? status : 0;
    } catch (TrainingRun.Stopped e) {
      return Failure.FAILED;
    } catch (Exception | OutOfMemoryError | LinkageError e) {
      if (Arrays.asList(args).contains("--debug")) {
        e.printStackTrace(err);
      }
      Failure failure = Failure.of(e);
      err.println("coppice: " + failure.message());
      return failure.status();
    } finally {
      out.flush();
      err.flush();
    }
  }

  /** Describes the command that is asked for; to describe all takes a noticeable time. */
  static CommandLine commandLine(String... args) {
    CommandLine line = new CommandLine(new Main(CommandSpec.create()));
    Class<?> asked = args.length == 0 ? null : COMMANDS.get(args[0]);
    if (asked != null) {
      line.addSubcommand(asked);
    } else {
      COMMANDS.values().forEach(line::addSubcommand);
    }
    for (Class<? extends Enum<?>> type :
        List.of(
            NetworkOptions.Kind.class,
            NetworkOptions.ResetKind.class,
            TrainingOptions.Schedule.class,
            TrainingOptions.Rule.class,
            TrainingOptions.Loss.class,
            Method.class,
            PruningOptions.Score.class,
            ChannelOptions.Score.class,
            Residual.class,
            Analysis.class,
            Initialization.class,
            Renewal.Decay.class,
            Renewal.RegrownValue.class,
            SparsitySchedule.class,
            Ties.class,
            Regrowth.Criticality.Choice.class,
            CriticalityProbe.Pooling.class,
            ConvolutionPath.class,
            ChannelMethod.class,
            ChannelScope.class)) {
      register(line, type);
    }
    return line.registerConverter(Surrogate.class, new SurrogateName())
        .registerConverter(Scope.class, new ScopeName())
        .setUsageHelpWidth(100);
  }

  /** Returns the options of a command, with their defaults. */
  static CommandSpec specification(String command) {
    return Objects.requireNonNull(commandLine(command).getSubcommands().get(command))
        .getCommandSpec();
  }

  @SuppressWarnings({"unchecked", "rawtypes"}) // the list holds enums of many types
  private static void register(CommandLine line, Class<? extends Enum<?>> type) {
    line.registerConverter((Class) type, new EnumName(type));
  }

  /** Parses again with the values of the configuration file as defaults, if one was given. */
  private static ParseResult withConfiguration(CommandLine line, ParseResult first, String[] args)
      throws IOException {
    CommandSpec command = leaf(first).commandSpec();
    Configuration.Source source = Configuration.source(command);
    if (source.file() == null) {
      return first;
    }
    Map<String, String> values = Configuration.read(source.file(), command);
    IDefaultValueProvider provider =
        argument ->
            argument instanceof OptionSpec option ? values.get(Configuration.key(option)) : null;
    command.defaultValueProvider(provider);
    return line.parseArgs(args);
  }

  private static ParseResult leaf(ParseResult result) {
    ParseResult leaf = result;
    while (leaf.hasSubcommand()) {
      leaf = leaf.subcommand();
    }
    return leaf;
  }

  @Override
  public Integer call() {
    throw new ParameterException(spec.commandLine(), "Missing command; see coppice --help");
  }
}
