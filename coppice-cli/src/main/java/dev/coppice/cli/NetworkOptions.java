package dev.coppice.cli;

import dev.coppice.data.DataSet;
import dev.coppice.graph.Charge;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Op;
import dev.coppice.graph.Reset;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Surrogate;
import dev.coppice.graph.zoo.Zoo;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** The options that describe a network. */
final class NetworkOptions {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(
      names = "--net",
      paramLabel = "NET",
      description =
          "a notation such as 16C3-32C3-P2-FC10, or vgg11, vgg16, resnet19, resnet19-post"
              + " (default: one that suits the data)")
  @Nullable String net;

  @Option(
      names = "--width",
      paramLabel = "X",
      description = "multiplies the channels of a network that goes by name")
  @Nullable Double width;

  @Option(names = "--T", paramLabel = "N", description = "time steps (default: 4)")
  @Nullable Integer timeSteps;

  @Option(
      names = "--neuron",
      paramLabel = "KIND",
      description = "decay, lif or if (default: decay)")
  @Nullable Kind neuron;

  @Option(
      names = "--decay",
      paramLabel = "X",
      description = "what a decay neuron keeps of its potential (default: 0.25)")
  @Nullable Float decay;

  @Option(
      names = "--tau",
      paramLabel = "X",
      description = "the time constant of a lif neuron (default: 2)")
  @Nullable Float tau;

  @Option(
      names = "--decay-input",
      negatable = true,
      fallbackValue = "true",
      description = "whether a lif neuron divides its input by tau (default: yes)")
  @Nullable Boolean decayInput;

  @Option(
      names = "--threshold",
      paramLabel = "X",
      description = "the potential that fires (default: 0.5 for decay, else 1)")
  @Nullable Float threshold;

  @Option(
      names = "--reset",
      paramLabel = "KIND",
      description = "hard (to zero) or soft (by subtraction) (default: hard)")
  @Nullable ResetKind reset;

  @Option(
      names = "--detach-reset",
      negatable = true,
      fallbackValue = "true",
      description = "cut the gradient through the reset (default: no)")
  @Nullable Boolean detachReset;

  @Option(
      names = "--surrogate",
      paramLabel = "NAME[:X]",
      description =
          "atan, sigmoid, tanh, triangle or rectangle, with a parameter (default: tanh:3 for decay,"
              + " else atan:2)")
  @Nullable Surrogate surrogate;

  /** The kinds of neurons. */
  enum Kind {
    /** Keeps a share of its potential. */
    DECAY,
    /** Leaky, with a time constant. */
    LIF,
    /** Without a leak. */
    IF
  }

  /** The kinds of reset. */
  enum ResetKind {
    /** To zero. */
    HARD,
    /** By the threshold. */
    SOFT
  }

  /** Returns the neuron, each part that is not given as its kind has it. */
  Op.Neuron neuron() {
    Op.Neuron base =
        switch (neuron) {
          case null -> Op.Neuron.decay();
          case DECAY -> Op.Neuron.decay();
          case LIF -> Op.Neuron.lif(2);
          case IF -> Op.Neuron.integrateAndFire();
        };
    return new Op.Neuron(
        charge(base.charge()),
        threshold == null ? base.threshold() : threshold,
        base.strict(),
        reset == ResetKind.SOFT ? new Reset.Soft() : new Reset.Hard(0),
        detachReset != null && detachReset,
        surrogate == null ? base.surrogate() : surrogate);
  }

  private Charge charge(Charge base) {
    if (decay != null && !(base instanceof Charge.Decay)) {
      throw new UsageException("--decay goes with --neuron decay only");
    }
    boolean leaky = base instanceof Charge.TimeConstant;
    if (tau != null && !leaky) {
      throw new UsageException("--tau goes with --neuron lif only");
    }
    if (decayInput != null && !leaky) {
      throw new UsageException("--decay-input goes with --neuron lif only");
    }
    return switch (base) {
      case Charge.Decay(float lambda) -> new Charge.Decay(decay == null ? lambda : decay);
      case Charge.TimeConstant(float constant, boolean input) ->
          new Charge.TimeConstant(
              tau == null ? constant : tau, decayInput == null ? input : decayInput);
      case Charge.Integrate() -> base;
    };
  }

  /** Fills in what suits the data set of this name where nothing was given. */
  void resolve(DataDefaults defaults) {
    if (net == null) {
      net = defaults.net();
      width = width == null ? Double.valueOf(defaults.width()) : width;
    }
    width = width == null ? Double.valueOf(1) : width;
    timeSteps = timeSteps == null ? Integer.valueOf(defaults.timeSteps()) : timeSteps;
    neuron = neuron == null ? Kind.DECAY : neuron;
    Op.Neuron resolved = neuron();
    reset = resolved.reset() instanceof Reset.Hard ? ResetKind.HARD : ResetKind.SOFT;
    detachReset = resolved.detachReset();
    threshold = resolved.threshold();
    surrogate = resolved.surrogate();
    switch (resolved.charge()) {
      case Charge.Decay(float lambda) -> decay = lambda;
      case Charge.TimeConstant(float constant, boolean input) -> {
        tau = constant;
        decayInput = input;
      }
      case Charge.Integrate() -> {}
    }
  }

  /** Returns an option that was given and describes what a model file brings along, if any. */
  @Nullable String given() {
    return spec.options().stream()
        .filter(option -> option.getValue() != null)
        .map(OptionSpec::longestName)
        .filter(name -> !name.equals("--T"))
        .findFirst()
        .orElse(null);
  }

  /**
   * Returns the network for the images of a data set.
   *
   * @throws dev.coppice.graph.GraphException if it does not fit them
   */
  Graph graph(DataSet data) {
    return Zoo.create(
        net == null ? DataDefaults.of(data.name()).net() : net,
        data.train().shape(),
        data.train().classes().size(),
        neuron(),
        width == null ? 1 : width);
  }

  /**
   * Returns the network for the images of a data set, to be trained.
   *
   * @param batch images of a step
   * @throws dev.coppice.graph.GraphException if it does not fit them
   * @throws UsageException if a step would not fit into memory
   */
  Graph graph(DataSet data, int batch) {
    Graph graph = graph(data);
    StepMemory.check(graph, Objects.requireNonNull(timeSteps), batch);
    return graph;
  }

  /**
   * Returns a network for images of this shape.
   *
   * @param name of the zoo, or a notation
   * @param classes of a network that goes by name; a notation tells how many there are
   * @throws dev.coppice.graph.GraphException if that makes no network
   */
  Graph graph(String name, Shape.Map input, int classes) {
    return graph(name, input, classes, neuron(), width == null ? 1 : width);
  }

  /** Returns a network as {@link #graph(String, Shape.Map, int)} does, of these neurons. */
  static Graph graph(String name, Shape.Map input, int classes, Op.Neuron neuron, double width) {
    return Zoo.names().contains(name)
        ? Zoo.create(name, input, classes, neuron, width)
        : Zoo.notation(name, input, neuron);
  }
}
