package dev.coppice.train;

import static dev.coppice.train.Close.assertClose;
import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.JniUtils;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Op;
import dev.coppice.graph.Weights;
import dev.coppice.kernels.Crew;
import dev.coppice.kernels.Kernels;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/**
 * The vector-Jacobian products of the executors against finite differences of {@code Σ v·output},
 * for some fixed {@code v}, in every input value and every trained value.
 */
class ExecutorGradientTest {
  private static final int STEPS = 2;
  private static final int BATCH = 3;
  private static final dev.coppice.graph.Shape MAP = new dev.coppice.graph.Shape.Map(4, 3, 4);
  private static final dev.coppice.graph.Shape VECTOR = new dev.coppice.graph.Shape.Vector(6);

  /** The step for functions that are linear in every value; only rounding disturbs it. */
  private static final float WIDE = 0.5f;

  private static final float NARROW = 0x1p-6f;

  /** An executor and where its numbers lie. */
  private record Subject(
      Executor executor,
      @Nullable Parameters parameters,
      List<float[]> inputs,
      boolean... constant) {
    Shape shape(int input, dev.coppice.graph.Shape shape) {
      long samples = constant[input] ? BATCH : STEPS * BATCH;
      return switch (shape) {
        case dev.coppice.graph.Shape.Map(int h, int w, int c) -> new Shape(samples, h, w, c);
        case dev.coppice.graph.Shape.Vector(int n) -> new Shape(samples, n);
      };
    }
  }

  private static void check(
      NDManager manager, Subject subject, dev.coppice.graph.Shape shape, float step) {
    float[] output = run(manager, subject, shape, null).output();
    float[] direction = Small.normal(5, output.length, 1);
    Run run = run(manager, subject, shape, direction);
    for (int k = 0; k < subject.inputs().size(); k++) {
      float[] input = subject.inputs().get(k);
      float[] differences = differences(manager, subject, shape, direction, input, () -> {}, step);
      assertClose("input " + k, run.inputGradients().get(k), differences, 2e-3);
    }
    Parameters parameters = subject.parameters();
    if (parameters == null) {
      return;
    }
    for (String name : parameters.trainable().keySet()) {
      NDArray view = parameters.view(name);
      float[] values = view.toFloatArray();
      float[] differences =
          differences(
              manager,
              subject,
              shape,
              direction,
              values,
              () -> Memory.overwrite(view, values),
              step);
      assertClose(name, Objects.requireNonNull(run.gradients().get(name), name), differences, 2e-3);
    }
  }

  private record Run(
      float[] output, List<float[]> inputGradients, Map<String, float[]> gradients) {}

  private static Run run(
      NDManager manager,
      Subject subject,
      dev.coppice.graph.Shape shape,
      float @Nullable [] direction) {
    try (NDManager scope = manager.newSubManager()) {
      Pass pass = Pass.of(scope, STEPS, BATCH, true, 99, Probes.NONE, null);
      List<Activation> inputs = new ArrayList<>();
      for (int k = 0; k < subject.inputs().size(); k++) {
        inputs.add(
            new Activation(
                Memory.upload(scope, subject.inputs().get(k), subject.shape(k, shape)),
                subject.constant()[k]));
      }
      Executor.Result result = subject.executor().forward(inputs, pass);
      NDArray array = result.output().array();
      float[] output = array.toFloatArray();
      List<float[]> inputGradients = new ArrayList<>();
      if (direction != null) {
        Executor.Backward backward = Objects.requireNonNull(result.backward());
        for (NDArray gradient : backward.apply(Memory.upload(scope, direction, array.getShape()))) {
          inputGradients.add(Objects.requireNonNull(gradient).toFloatArray());
        }
      }
      Map<String, float[]> gradients = new HashMap<>();
      pass.gradients().forEach((name, gradient) -> gradients.put(name, gradient.toFloatArray()));
      return new Run(output, inputGradients, gradients);
    }
  }

  private static float[] differences(
      NDManager manager,
      Subject subject,
      dev.coppice.graph.Shape shape,
      float[] direction,
      float[] values,
      Runnable publish,
      float step) {
    float[] differences = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      float kept = values[i];
      values[i] = kept + step;
      double width = values[i];
      publish.run();
      float[] up = run(manager, subject, shape, null).output();
      values[i] = kept - step;
      width -= values[i];
      publish.run();
      float[] down = run(manager, subject, shape, null).output();
      values[i] = kept;
      publish.run();
      double sum = 0;
      for (int j = 0; j < up.length; j++) {
        sum += direction[j] * ((double) up[j] - down[j]);
      }
      differences[i] = (float) (sum / width);
    }
    return differences;
  }

  /** Checks a library operation on an input that changes over time and on one that does not. */
  private static Stream<DynamicTest> library(
      String name, Op op, dev.coppice.graph.Shape shape, float step) {
    return Stream.of(false, true)
        .map(
            constant ->
                DynamicTest.dynamicTest(
                    name + (constant ? ", constant input" : ""),
                    () -> {
                      Graph graph = Graph.builder(shape).add("op", op).build();
                      try (NDManager manager = manager()) {
                        Weights weights = Small.weights(graph, 3);
                        Parameters parameters = new Parameters(manager, graph, weights);
                        check(
                            manager,
                            new Subject(
                                LibraryExecutor.of("op", op, parameters, true, arrays()),
                                parameters,
                                List.of(input(shape, constant, 7)),
                                constant),
                            shape,
                            step);
                      }
                    }));
  }

  private static ArrayStore arrays() {
    return new ArrayStore(new MemoryBlocks(Arena.ofAuto()));
  }

  private static NDManager manager() {
    NDManager manager = NDManager.newBaseManager(Device.cpu(), "PyTorch");
    JniUtils.setNumThreads(1);
    return manager;
  }

  /** Values that differ from each other by far more than a narrow step, for maxima without ties. */
  private static float[] input(dev.coppice.graph.Shape shape, boolean constant, long seed) {
    int count = shape.size() * BATCH * (constant ? 1 : STEPS);
    float[] values = new float[count];
    int[] order = new int[count];
    Arrays.setAll(order, i -> i);
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = count - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
    for (int i = 0; i < count; i++) {
      values[i] = (order[i] - count / 2f) * 3 * NARROW;
    }
    return values;
  }

  @TestFactory
  Stream<DynamicTest> libraryOperations() {
    return Stream.of(
            library("convolution", new Op.Conv2d(4, 3, 3, 1, 1, 1, false), MAP, WIDE),
            library("strided convolution", new Op.Conv2d(4, 3, 3, 2, 1, 1, true), MAP, WIDE),
            library("grouped convolution", new Op.Conv2d(4, 6, 3, 1, 0, 2, true), MAP, WIDE),
            library("depthwise convolution", new Op.Conv2d(4, 4, 3, 1, 2, 4, false), MAP, WIDE),
            library("pointwise convolution", new Op.Conv2d(4, 3, 1, 2, 0, 1, true), MAP, WIDE),
            library("linear with bias", new Op.Linear(6, 3, true), VECTOR, WIDE),
            library("linear", new Op.Linear(6, 3, false), VECTOR, WIDE),
            library("batch norm of a map", new Op.BatchNorm(4, 0.1f, 0.1f, 1), MAP, NARROW),
            library("batch norm of a vector", new Op.BatchNorm(6, 0.1f, 0.1f, 1), VECTOR, NARROW),
            library("average pooling", new Op.AvgPool(2, 2), MAP, WIDE),
            library("overlapping average pooling", new Op.AvgPool(3, 1), MAP, WIDE),
            library("maximum pooling", new Op.MaxPool(2, 2), MAP, NARROW),
            library("overlapping maximum pooling", new Op.MaxPool(3, 1), MAP, NARROW),
            library("global average pooling", new Op.GlobalAvgPool(), MAP, WIDE),
            library("selection from a map", new Op.Select(List.of(0, 2, 3)), MAP, WIDE),
            library("selection from a vector", new Op.Select(List.of(1, 4)), VECTOR, WIDE),
            library("gates of a map", new Op.Gate(), MAP, WIDE),
            library("gates of a vector", new Op.Gate(), VECTOR, WIDE),
            library("flattening", new Op.Flatten(), MAP, WIDE))
        .flatMap(tests -> tests);
  }

  @TestFactory
  Stream<DynamicTest> addition() {
    return Stream.of(
            new boolean[] {false, false},
            new boolean[] {true, false},
            new boolean[] {false, true},
            new boolean[] {true, true},
            new boolean[] {true, false, true})
        .map(
            constant ->
                DynamicTest.dynamicTest(
                    "constant " + Arrays.toString(constant),
                    () -> {
                      List<float[]> inputs = new ArrayList<>();
                      for (int k = 0; k < constant.length; k++) {
                        inputs.add(input(MAP, constant[k], k));
                      }
                      try (NDManager manager = manager();
                          Crew crew = new Crew("coppice-kernel", 1, 0);
                          PlaneStore store = new PlaneStore(crew, Kernels.scalar(), 0)) {
                        var add = new AddExecutor("add", store);
                        check(manager, new Subject(add, null, inputs, constant), MAP, WIDE);
                      }
                    }));
  }

  /** By the kernels, of arrays. */
  @TestFactory
  Stream<DynamicTest> averages() {
    var in = new dev.coppice.graph.Shape.Map(4, 3, 4);
    return Stream.of(2, 3)
        .flatMap(window -> Stream.of(Map.entry(window, false), Map.entry(window, true)))
        .map(
            test ->
                DynamicTest.dynamicTest(
                    "window " + test.getKey() + ", constant " + test.getValue(),
                    () -> {
                      int window = test.getKey();
                      boolean constant = test.getValue();
                      var out =
                          new dev.coppice.graph.Shape.Map(
                              in.height() / window, in.width() / window, in.channels());
                      try (NDManager manager = manager();
                          Crew crew = new Crew("coppice-kernel", 2, 0);
                          PlaneStore store = new PlaneStore(crew, Kernels.best(), 0)) {
                        var pool =
                            new AveragePoolExecutor("pool", window, in, out, Kernels.best(), store);
                        List<float[]> input = List.of(input(in, constant, 1));
                        check(manager, new Subject(pool, null, input, constant), in, WIDE);
                      }
                    }));
  }

  @TestFactory
  Stream<DynamicTest> dropout() {
    return Stream.of(false, true)
        .map(
            constant ->
                DynamicTest.dynamicTest(
                    "constant " + constant,
                    () -> {
                      try (NDManager manager = manager()) {
                        check(
                            manager,
                            new Subject(
                                new DropoutExecutor(0.4f, 1),
                                null,
                                List.of(input(MAP, constant, 1)),
                                constant),
                            MAP,
                            WIDE);
                      }
                    }));
  }

  /** The backward pass of a selection reads its indices long after the forward pass made them. */
  @Test
  void aSelectionKeepsItsIndices() throws InterruptedException {
    int channels = 64;
    dev.coppice.graph.Shape wide = new dev.coppice.graph.Shape.Vector(channels);
    List<Integer> odd = IntStream.range(0, channels / 2).mapToObj(i -> 2 * i + 1).toList();
    try (NDManager manager = manager()) {
      Graph graph = Graph.builder(wide).add("op", new Op.Select(odd)).build();
      Parameters parameters = new Parameters(manager, graph, Small.weights(graph, 3));
      Executor executor = LibraryExecutor.of("op", new Op.Select(odd), parameters, true, arrays());
      Pass pass = Pass.of(manager, 1, 1, true, 99, Probes.NONE, null);
      NDArray input = Memory.upload(manager, new float[channels], new Shape(1, channels));
      Executor.Result result = executor.forward(List.of(new Activation(input, false)), pass);
      for (int i = 0; i < 5; i++) {
        System.gc();
        Thread.sleep(20);
      }
      float[] ones = new float[odd.size()];
      Arrays.fill(ones, 1);
      NDArray gradient = Memory.upload(manager, ones, new Shape(1, ones.length));
      float[] back =
          Objects.requireNonNull(
                  Objects.requireNonNull(result.backward()).apply(gradient).getFirst())
              .toFloatArray();
      for (int c = 0; c < channels; c++) {
        assertThat(back[c]).as("channel %d", c).isEqualTo(c % 2);
      }
    }
  }

  @Test
  void dropoutKeepsTheSameElementsAtEveryStepAndTheirMean() {
    dev.coppice.graph.Shape wide = new dev.coppice.graph.Shape.Vector(2000);
    float[] ones = new float[STEPS * BATCH * wide.size()];
    Arrays.fill(ones, 1);
    Subject subject = new Subject(new DropoutExecutor(0.2f, 1), null, List.of(ones), false);
    try (NDManager manager = manager()) {
      float[] output = run(manager, subject, wide, null).output();
      int step = BATCH * wide.size();
      int kept = 0;
      for (int i = 0; i < step; i++) {
        assertThat(output[i]).isIn(0f, 1.25f);
        assertThat(output[i + step]).isEqualTo(output[i]);
        kept += output[i] > 0 ? 1 : 0;
      }
      // Five standard deviations of a binomial with 6,000 draws at 0.8.
      assertThat(kept).isBetween(4800 - 155, 4800 + 155);
    }
  }
}
