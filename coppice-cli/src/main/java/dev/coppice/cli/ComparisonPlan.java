package dev.coppice.cli;

import dev.coppice.prune.Method;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.ParameterException;

/**
 * What a comparison runs: for every seed the dense reference, and every method at every sparsity.
 *
 * @param sparsities the shares of zeros to end with
 * @param shared arguments of {@code coppice train} and {@code prune} that runs have if their method
 *     says nothing else, by the key of the option
 * @param epochs of a run whose method has none of its own
 * @param reserved keys of options that methods cannot have as their own
 */
record ComparisonPlan(
    List<MethodVariant> methods,
    List<Double> sparsities,
    List<Long> seeds,
    SequencedMap<String, List<String>> shared,
    int epochs,
    Set<String> reserved) {

  /** Options of {@code prune} that the comparison sets or that would make it unfair. */
  private static final Set<String> ALWAYS_RESERVED =
      Set.of(
          "method",
          "sparsity",
          "from",
          "init",
          "structured",
          "channel-method",
          "percent",
          "budget");

  private static final String EPOCHS = "epochs";
  private static final String PRETRAINING = "pretrain-epochs";
  private static final String ROUNDS = "rounds";

  /** Copies the collections. */
  ComparisonPlan {
    methods = List.copyOf(methods);
    sparsities = List.copyOf(sparsities);
    seeds = List.copyOf(seeds);
    shared = new LinkedHashMap<>(shared);
    reserved = Set.copyOf(reserved);
  }

  /**
   * Returns the jobs in the order of the tables, after it has checked that {@code prune} takes
   * their options.
   *
   * @param comparison the folder
   * @throws UsageException if it does not
   */
  List<ComparisonJob> jobs(Path comparison) {
    List<ComparisonJob> jobs = new ArrayList<>();
    for (long seed : seeds) {
      jobs.add(
          new ComparisonJob(
              new Cell(Cell.DENSE, 0, seed), command(seed, Set.of(), "train"), comparison));
    }
    for (MethodVariant method : methods) {
      Optional<ChannelMethod> channels = ChannelMethod.named(method.method());
      if (channels.isEmpty()) {
        requireKnown(method);
      }
      List<String> own = new ArrayList<>(channels.map(c -> division(method, c)).orElse(List.of()));
      Set<String> said = own.isEmpty() ? Set.of() : Set.of(EPOCHS);
      own.addAll(arguments(method, said));
      Set<String> given = new HashSet<>(method.options().keySet());
      given.addAll(said);
      for (double sparsity : sparsities) {
        List<String> command = new ArrayList<>(List.of("prune"));
        command.addAll(
            channels.isPresent()
                ? List.of("--structured", "--channel-method")
                : List.of("--method"));
        command.addAll(List.of(method.method(), "--sparsity", Double.toString(sparsity)));
        command.addAll(own);
        for (long seed : seeds) {
          jobs.add(
              new ComparisonJob(
                  new Cell(method.name(), sparsity, seed),
                  command(seed, given, command.toArray(String[]::new)),
                  comparison));
        }
      }
      check(method, jobs.getLast());
    }
    Set<String> folders = new HashSet<>();
    for (ComparisonJob job : jobs) {
      if (!folders.add(job.folder())) {
        throw new UsageException(
            job.cell().describe()
                + " would share the folder "
                + job.folder()
                + " with another run; give the method another name: NAME=METHOD[…]");
      }
    }
    return jobs;
  }

  /** Refuses what is no method of single weights, and names those of channels, too. */
  private static void requireKnown(MethodVariant method) {
    List<Method> weights = List.of(Method.values());
    if (weights.stream().map(EnumName::of).noneMatch(method.method()::equalsIgnoreCase)) {
      List<String> known =
          Stream.concat(weights.stream(), Arrays.stream(ChannelMethod.values()))
              .map(EnumName::of)
              .toList();
      throw new UsageException(
          "method "
              + method.name()
              + ": expected "
              + String.join(", ", known)
              + ", found \""
              + method.method()
              + "\""
              + Suggestion.of(method.method(), known));
    }
  }

  /**
   * Divides the epochs into those before the first removal of channels and those after each: equal
   * parts, and what is left over comes before.
   *
   * @return the arguments; none if the method says itself how many come before
   */
  private List<String> division(MethodVariant method, ChannelMethod channels) {
    Map<String, String> options = method.options();
    if (options.containsKey(PRETRAINING)) {
      return List.of();
    }
    int all = number(method, EPOCHS, epochs);
    int rounds = number(method, ROUNDS, channels.rounds());
    int after = all / (rounds + 1);
    if (rounds < 1 || after < 1) {
      throw new UsageException(
          "method "
              + method.name()
              + ": "
              + rounds
              + " rounds cannot share "
              + all
              + " epochs: each takes one, and so does the training before");
    }
    return List.of(
        "--" + PRETRAINING,
        Integer.toString(all - rounds * after),
        "--" + EPOCHS,
        Integer.toString(after));
  }

  private static int number(MethodVariant method, String key, int otherwise) {
    String text = method.options().get(key);
    try {
      return text == null ? otherwise : Integer.parseInt(text);
    } catch (NumberFormatException e) {
      throw new UsageException(
          "method " + method.name() + ": --" + key + " must be a whole number, not " + text, e);
    }
  }

  private List<String> command(long seed, Set<String> own, String... first) {
    List<String> command = new ArrayList<>(List.of(first));
    command.addAll(List.of("--seed", Long.toString(seed)));
    shared.forEach(
        (key, arguments) -> {
          if (!own.contains(key)) {
            command.addAll(arguments);
          }
        });
    return command;
  }

  private static void check(MethodVariant method, ComparisonJob job) {
    String[] arguments = job.command().toArray(String[]::new);
    try {
      var _ = Main.commandLine(arguments).parseArgs(arguments);
    } catch (ParameterException e) {
      throw new UsageException("method " + method.name() + ": " + Failure.of(e).message(), e);
    }
  }

  /** Returns the arguments of a method's own options, but for those that are said already. */
  private List<String> arguments(MethodVariant method, Set<String> said) {
    CommandSpec prune = Main.specification("prune");
    List<String> arguments = new ArrayList<>();
    for (Map.Entry<String, String> entry : method.options().entrySet()) {
      String key = entry.getKey();
      OptionSpec option = prune.findOption("--" + key);
      if (option == null) {
        List<String> known = prune.options().stream().map(Configuration::key).toList();
        throw new UsageException(
            "method "
                + method.name()
                + ": prune has no option --"
                + key
                + Suggestion.of(key, known));
      }
      if (ALWAYS_RESERVED.contains(key) || reserved.contains(key)) {
        throw new UsageException(
            "method " + method.name() + ": --" + key + " is the same for all runs of a comparison");
      }
      if (!said.contains(key)) {
        arguments.addAll(arguments(option, entry.getValue()));
      }
    }
    return arguments;
  }

  /**
   * Returns the arguments that give an option a value.
   *
   * @throws UsageException for a flag that is neither true nor false
   */
  static List<String> arguments(OptionSpec option, String value) {
    if (!option.typeInfo().isBoolean()) {
      return List.of(option.longestName(), value);
    }
    return switch (value) {
      case "true" -> List.of(option.longestName());
      case "false" -> option.negatable() ? List.of("--no-" + Configuration.key(option)) : List.of();
      default ->
          throw new UsageException(
              option.longestName() + " must be true or false, not \"" + value + "\"");
    };
  }

  /**
   * Returns the arguments that give a command's options the values that they have, by key, but for
   * those that have their defaults.
   *
   * @param keys of the options
   */
  static SequencedMap<String, List<String>> arguments(CommandSpec command, Set<String> keys) {
    Map<String, @Nullable Object> values = Configuration.values(command);
    Map<String, @Nullable Object> defaults =
        Configuration.values(Main.specification(command.name()));
    SequencedMap<String, List<String>> arguments = new LinkedHashMap<>();
    for (OptionSpec option : command.options()) {
      String key = Configuration.key(option);
      Object value = values.get(key);
      if (keys.contains(key) && value != null && !value.equals(defaults.get(key))) {
        arguments.put(key, arguments(option, text(value)));
      }
    }
    return arguments;
  }

  private static String text(Object value) {
    return value instanceof List<?> list
        ? String.join(",", list.stream().map(String::valueOf).toList())
        : value.toString();
  }
}
