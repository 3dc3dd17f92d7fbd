package dev.coppice.train;

import static dev.coppice.train.Close.assertClose;

import dev.coppice.graph.Charge;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Op;
import dev.coppice.graph.Reset;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Surrogate;
import dev.coppice.graph.Weights;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/** A whole training step against {@link ReferenceNetwork}. */
class NetworkGradientTest {
  private static final Shape.Map IN = new Shape.Map(4, 3, 2);
  private static final Op.Conv2d CONV = Op.Conv2d.same(2, 3, 3, 1);
  private static final Op.BatchNorm NORM = new Op.BatchNorm(3, 1e-3f, 0.2f, 1);
  private static final int CLASSES = 3;
  private static final int STEPS = 4;
  private static final int[] LABELS = {2, 0};

  private static Stream<Op.Neuron> neurons() {
    return Stream.of(new Reset.Hard(-0.1f), new Reset.Soft())
        .flatMap(
            reset ->
                Stream.of(
                        new Charge.Decay(0.5f),
                        new Charge.TimeConstant(2, true),
                        new Charge.TimeConstant(4f / 3, false),
                        new Charge.Integrate())
                    .flatMap(
                        charge ->
                            Stream.of(true, false)
                                .map(
                                    detach ->
                                        new Op.Neuron(
                                            charge,
                                            0.4f,
                                            false,
                                            reset,
                                            detach,
                                            new Surrogate.ATan(2)))));
  }

  private static void check(Op.Neuron neuron, boolean constant, NeuronPath path) {
    int features = IN.height() * IN.width() * CONV.outChannels();
    Graph graph =
        Graph.builder(IN)
            .add("conv", CONV)
            .add("bn", NORM)
            .add("neuron", neuron)
            .add("flatten", new Op.Flatten())
            .add("fc", new Op.Linear(features, CLASSES, true))
            .build();
    Weights weights = Small.weights(graph, 11);
    int images = LABELS.length * IN.size();
    float[] given = Small.normal(4, constant ? images : STEPS * images, 1);
    float[] unfolded = constant ? Small.repeat(given, STEPS) : given;
    ReferenceNetwork expected =
        new ReferenceNetwork(IN, CONV, NORM, neuron, CLASSES, weights, STEPS, unfolded, LABELS);
    Probes probes =
        new Probes(
            Map.of(),
            Set.of(),
            Set.copyOf(expected.gradients.keySet()),
            Set.of("fc"),
            Set.of(),
            Set.of());
    try (Engine engine = new Engine(graph, weights, Small.PLAIN, Small.ONE_THREAD, path)) {
      Probes.Measured measured =
          engine.train(given, LABELS, Small.settings(STEPS), 0, 1, probes).measured();
      assertClose(measured.outputs(), Map.of("fc", ReferenceNetwork.floats(expected.logits)), 1e-5);
      assertClose(measured.gradients(), expected.gradients, 2e-5);
      assertClose(
          "running mean",
          engine.tensor("bn.running_mean").data(),
          ReferenceNetwork.floats(expected.runningMean),
          1e-5);
      assertClose(
          "running variance",
          engine.tensor("bn.running_var").data(),
          ReferenceNetwork.floats(expected.runningVariance),
          1e-5);
    }
  }

  @TestFactory
  Stream<DynamicTest> gradientsAreThoseOfTheReference() {
    return neurons()
        .flatMap(
            neuron ->
                List.of(true, false).stream()
                    .flatMap(
                        constant ->
                            Stream.of(NeuronPath.values())
                                .map(
                                    path ->
                                        DynamicTest.dynamicTest(
                                            neuron + (constant ? ", constant" : "") + ", " + path,
                                            () -> check(neuron, constant, path)))));
  }
}
