package dev.coppice.cli;

import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.Dump;
import org.snakeyaml.engine.v2.api.DumpSettings;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Compose;
import org.snakeyaml.engine.v2.common.FlowStyle;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;
import org.snakeyaml.engine.v2.nodes.MappingNode;
import org.snakeyaml.engine.v2.nodes.Node;
import org.snakeyaml.engine.v2.nodes.NodeTuple;
import org.snakeyaml.engine.v2.nodes.ScalarNode;
import org.snakeyaml.engine.v2.nodes.SequenceNode;
import org.snakeyaml.engine.v2.nodes.Tag;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Options as a YAML file: the keys are the long names of options without their hyphens, at the top
 * or in sections of any name.
 */
final class Configuration {
  /** The file of a run folder. */
  static final String FILE = "config.yaml";

  private static final long MAX_BYTES = 1 << 20;

  /** What tells where and how to run this time rather than what. */
  private static final Set<String> UNSTORED =
      Set.of("config", "run", "resume", "force", "json", "debug", "help");

  /** What may differ between a run and its continuation. */
  private static final Set<String> INCIDENTAL =
      Set.of("threads", "device", "checkpoint-interval", "jobs", "accuracy");

  /** How a file begins, before the name of the command. */
  private static final String REPEAT = "# Run it again with: coppice ";

  private static final Pattern HEADER = Pattern.compile(REPEAT + "(\\w+) ");

  private Configuration() {}

  /** The file that a command's options name, if any. */
  record Source(@Nullable Path file) {}

  /** Returns the file that the parsed options of a command name: that given, or a run's. */
  static Source source(CommandSpec command) throws IOException {
    OptionSpec config = command.findOption("--config");
    if (config != null && config.getValue() instanceof Path file) {
      return new Source(file);
    }
    for (Object mixin : command.mixins().values().stream().map(CommandSpec::userObject).toList()) {
      Path run = mixin instanceof RunOptions options ? options.resumed() : null;
      if (run != null) {
        if (!Files.isRegularFile(run.resolve(FILE))) {
          throw new UsageException(
              "cannot resume " + run + ": it is not the folder of a run (no " + FILE + ")");
        }
        checkCommand(run, command);
        return new Source(run.resolve(FILE));
      }
    }
    return new Source(null);
  }

  /** Refuses the run of another command. */
  private static void checkCommand(Path run, CommandSpec command) throws IOException {
    Matcher header = HEADER.matcher(text(run.resolve(FILE)));
    if (header.lookingAt() && !header.group(1).equals(command.name())) {
      throw new UsageException(
          "cannot resume "
              + run
              + ": it is a run of "
              + header.group(1)
              + "; go on with: "
              + new RunDirectory(run).resuming(header.group(1)));
    }
  }

  /** Returns an option's key. */
  static String key(OptionSpec option) {
    return option.longestName().replaceFirst("^--(no-)?", "");
  }

  private static List<OptionSpec> stored(CommandSpec command) {
    return command.options().stream().filter(o -> !UNSTORED.contains(key(o))).toList();
  }

  /**
   * Reads a file.
   *
   * @return the values of options as text, by key
   * @throws UsageException if it is not YAML, or has a key that is no option of the command
   * @throws IOException if it cannot be read
   */
  static Map<String, String> read(Path file, CommandSpec command) throws IOException {
    SortedSet<String> known = known(command);
    return parse(text(file), file, known);
  }

  private static Map<String, String> parse(String text, Path file, Collection<String> known) {
    LoadSettings settings = LoadSettings.builder().setLabel(file.toString()).build();
    Map<String, String> values = new LinkedHashMap<>();
    try {
      Optional<Node> root = new Compose(settings).composeString(text);
      if (root.isPresent()) {
        collect(file, root.get(), known, values, 0);
      }
    } catch (MarkedYamlEngineException e) {
      int line = e.getProblemMark().map(Mark::getLine).orElse(0) + 1;
      throw new UsageException(file + " line " + line + ": " + e.getProblem(), e);
    } catch (YamlEngineException e) {
      throw new UsageException(file + ": is not YAML: " + e.getMessage(), e);
    }
    return values;
  }

  private static SortedSet<String> known(CommandSpec command) {
    return new TreeSet<>(stored(command).stream().map(o -> key(o)).toList());
  }

  /**
   * Checks that a run to resume was begun with the options that it would go on with.
   *
   * @param changed keys of options that may be others
   * @return what it was begun with, as {@link #read} gives it
   * @throws UsageException if it was not
   * @throws IOException if its configuration cannot be read
   */
  static Map<String, String> checkSame(Path run, CommandSpec command, Set<String> changed)
      throws IOException {
    Path file = run.resolve(FILE);
    Map<String, String> before = read(file, command);
    Map<String, String> now = parse(yaml(command), file, known(command));
    for (String key : known(command)) {
      if (!INCIDENTAL.contains(key)
          && !changed.contains(key)
          && !Objects.equals(before.get(key), now.get(key))) {
        throw new UsageException(
            "cannot resume " + run + ": it was begun with other settings, such as --" + key);
      }
    }
    return before;
  }

  private static String text(Path file) throws IOException {
    if (!Files.exists(file)) {
      throw new UsageException(file + ": does not exist");
    }
    if (!Files.isRegularFile(file)) {
      throw new UsageException(file + ": is not a file");
    }
    if (Files.size(file) > MAX_BYTES) {
      throw new UsageException(file + ": is too large for a configuration");
    }
    try {
      return Files.readString(file);
    } catch (MalformedInputException e) {
      throw new UsageException(file + ": is not a text in UTF-8", e);
    }
  }

  private static void collect(
      Path file, Node node, Collection<String> known, Map<String, String> values, int depth) {
    if (!(node instanceof MappingNode mapping)) {
      throw new UsageException(at(file, node) + "expected lines of the form key: value");
    }
    for (NodeTuple entry : mapping.getValue()) {
      if (!(entry.getKeyNode() instanceof ScalarNode keyNode)) {
        throw new UsageException(at(file, entry.getKeyNode()) + "expected the name of an option");
      }
      String key = keyNode.getValue();
      boolean methods = key.equals(MethodVariants.KEY) && known.contains(key);
      if (entry.getValueNode() instanceof MappingNode section && depth == 0 && !methods) {
        collect(file, section, known, values, 1);
        continue;
      }
      if (!known.contains(key)) {
        throw new UsageException(
            at(file, keyNode) + "unknown key \"" + key + "\"" + Suggestion.of(key, known));
      }
      String value =
          methods && entry.getValueNode() instanceof MappingNode mapped
              ? methods(file, mapped)
              : value(file, entry.getValueNode());
      if (value != null && values.put(key, value) != null) {
        throw new UsageException(at(file, keyNode) + "the key \"" + key + "\" is there twice");
      }
    }
  }

  /** Returns methods, each a name with its options, as {@link MethodVariants} reads them. */
  private static String methods(Path file, MappingNode node) {
    List<MethodVariant> variants = new ArrayList<>();
    for (NodeTuple entry : node.getValue()) {
      String name = value(file, entry.getKeyNode());
      SequencedMap<String, String> options = new LinkedHashMap<>();
      if (entry.getValueNode() instanceof MappingNode mapping) {
        for (NodeTuple option : mapping.getValue()) {
          String value = value(file, option.getValueNode());
          if (value != null) {
            options.put(String.valueOf(value(file, option.getKeyNode())), value);
          }
        }
      } else if (value(file, entry.getValueNode()) != null) {
        throw new UsageException(
            at(file, entry.getValueNode()) + "expected the options of the method " + name);
      }
      String method = options.remove("method");
      String text = String.valueOf(name);
      variants.add(new MethodVariant(text, method == null ? text : method, options));
    }
    return new MethodVariants(variants).toString();
  }

  private static @Nullable String value(Path file, Node node) {
    return switch (node) {
      case ScalarNode scalar -> scalar.getTag().equals(Tag.NULL) ? null : scalar.getValue();
      case SequenceNode sequence -> {
        List<String> parts = new ArrayList<>();
        for (Node part : sequence.getValue()) {
          if (!(part instanceof ScalarNode scalar)) {
            throw new UsageException(at(file, part) + "expected a list of plain values");
          }
          parts.add(scalar.getValue());
        }
        yield parts.isEmpty() ? null : String.join(",", parts);
      }
      default -> throw new UsageException(at(file, node) + "expected a value");
    };
  }

  private static String at(Path file, Node node) {
    return file + " line " + (node.getStartMark().map(Mark::getLine).orElse(0) + 1) + ": ";
  }

  /** Returns the values of all options of a command, those not given too. */
  static Map<String, @Nullable Object> values(CommandSpec command) {
    Map<String, @Nullable Object> values = new LinkedHashMap<>();
    for (OptionSpec option : stored(command)) {
      values.put(key(option), plain(option.getValue()));
    }
    return values;
  }

  private static @Nullable Object plain(@Nullable Object value) {
    return switch (value) {
      case null -> null;
      case Enum<?> constant -> EnumName.of(constant);
      case dev.coppice.graph.Surrogate surrogate -> SurrogateName.of(surrogate);
      case Collection<?> list -> list.stream().map(Configuration::plain).toList();
      // As a double, 0.1f would be written as 0.10000000149011612.
      case Float number -> Double.parseDouble(number.toString());
      case Number number -> number;
      case Boolean flag -> flag;
      default -> value.toString();
    };
  }

  /** Returns what {@link #read} reads back. */
  static String yaml(CommandSpec command) {
    DumpSettings settings =
        DumpSettings.builder().setDefaultFlowStyle(FlowStyle.BLOCK).setWidth(1000).build();
    return REPEAT
        + command.name()
        + " --config "
        + FILE
        + "\n"
        + new Dump(settings).dumpToString(values(command));
  }

  /** Returns what has to be the same in a run and its continuation. */
  static String identity(CommandSpec command) {
    Map<String, @Nullable Object> values = values(command);
    values.keySet().removeAll(INCIDENTAL);
    return command.name() + values;
  }
}
