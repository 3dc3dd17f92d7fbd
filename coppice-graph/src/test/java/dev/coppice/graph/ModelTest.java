package dev.coppice.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SequencedMap;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelTest {
  private static final Graph GRAPH =
      Notation.parse("4C3-P2-FC10", new Shape.Map(4, 4, 2), Op.Neuron.decay());

  @TempDir Path folder;
  private Path file = Path.of("");

  @BeforeEach
  void nameTheFile() {
    file = folder.resolve("model.safetensors");
  }

  /** Returns a model of which the given share of all weights is not zero. */
  static Model masked(Graph graph, double density, long seed) {
    Weights weights = Weights.initialize(graph, seed, Initialization.UNIFORM_FAN_IN);
    Random random = new Random(seed);
    for (String name : weights.names()) {
      Tensor tensor = weights.get(name);
      if (tensor.shape().length > 1) {
        float[] data = tensor.data().clone();
        for (int i = 0; i < data.length; i++) {
          data[i] = random.nextDouble() < density ? data[i] : 0;
        }
        weights = weights.with(name, new Tensor(tensor.shape(), data));
      }
    }
    return new Model(graph, weights, Map.of("dataset", "digits", "note", "ü\n\"'"));
  }

  @Property(tries = 60)
  void roundTripsInEveryForm(@ForAll long seed) throws IOException {
    double density = new Random(seed).nextDouble();
    Model model = masked(RandomGraphs.draw(seed), density, seed);
    Path path = Files.createTempFile("coppice", ".safetensors");
    try {
      for (Compression compression : Compression.values()) {
        model.save(path, compression);
        assertThat(Model.load(path)).isEqualTo(model);
        assertSamePacked(path, compression);
        Model small = Quantization.int8(model);
        small.save(path, compression);
        assertThat(Model.load(path)).isEqualTo(small);
        assertSamePacked(path, compression);
      }
    } finally {
      Files.delete(path);
    }
  }

  /** Holds a model that stays compressed to one in full, and to the bytes of the file. */
  private static void assertSamePacked(Path path, Compression compression) throws IOException {
    Model full = Model.load(path);
    Model packed = Model.loadPacked(path);
    assertThat(packed).isEqualTo(full).hasSameHashCodeAs(full);
    for (String name : full.weights().names()) {
      Tensor tensor = full.weights().get(name);
      assertThat(packed.weights().countNonZero(name)).isEqualTo(tensor.countNonZero());
      int rows = tensor.shape()[0];
      float[] together = new float[tensor.size()];
      int width = together.length / rows;
      List<Integer> seen = new ArrayList<>();
      packed
          .weights()
          .forEachRow(
              name,
              (row, values) -> {
                seen.add(row);
                System.arraycopy(values, 0, together, row * width, width);
              });
      assertThat(seen).containsExactlyElementsOf(IntStream.range(0, rows).boxed().toList());
      assertThat(together).containsExactly(tensor.data());
    }
    byte[] bytes = Files.readAllBytes(path);
    packed.save(path, compression);
    assertThat(Files.readAllBytes(path)).isEqualTo(bytes);
  }

  @Test
  void leavesTensorsCompressed() throws IOException {
    for (Compression compression : List.of(Compression.SPARSE, Compression.COMPACT)) {
      for (Model model : List.of(wide(0.05), Quantization.int8(wide(0.05)), wide(0))) {
        model.save(file, compression);
        Weights packed = Model.loadPacked(file).weights();
        Tensor once = packed.get("fc.weight");
        assertThat(packed.get("fc.weight")).isNotSameAs(once).isEqualTo(once);
        once.data()[0] = 7;
        assertThat(packed).isEqualTo(model.weights());
        assertThat(packed.with("fc.weight", once).get("fc.weight")).isSameAs(once);
      }
    }
  }

  @Test
  void packsATensorOfOneElement() throws IOException {
    Graph graph = Graph.builder(new Shape.Vector(1)).add("fc", new Op.Linear(1, 1, false)).build();
    for (float value : new float[] {0, 2}) {
      Tensor tensor = new Tensor(new int[] {1, 1}, new float[] {value});
      new Model(graph, Weights.of(Map.of("fc.weight", tensor)), Map.of())
          .save(file, Compression.SPARSE);
      Weights packed = Model.loadPacked(file).weights();
      assertThat(packed.get("fc.weight")).isEqualTo(tensor);
      assertThat(packed.countNonZero("fc.weight")).isEqualTo(value == 0 ? 0 : 1);
    }
  }

  @Test
  void storesDenseTensorsInTheOrderOfPyTorch() throws IOException {
    Model model = masked(GRAPH, 1, 1);
    model.save(file);

    Safetensors.Content content = Safetensors.read(file);

    assertThat(content.arrays().keySet())
        .containsExactlyElementsOf(Weights.expected(GRAPH).keySet());
    assertThat(content.get("conv1.weight").shape()).containsExactly(4, 2, 3, 3);
    assertThat(content.metadata())
        .containsEntry("coppice.graph", GRAPH.toJson())
        .containsEntry("dataset", "digits");
  }

  @Test
  void compressesWhatIsMostlyZero() throws IOException {
    Model model = masked(GRAPH, 0.1, 1);
    model.save(file, Compression.SPARSE);

    Safetensors.Content content = Safetensors.read(file);

    assertThat(content.arrays())
        .doesNotContainKey("conv1.weight")
        .containsKeys("conv1.weight.rows", "conv1.weight.columns", "conv1.weight.values");
    assertThat(content.get("conv1.weight.columns").type()).isEqualTo(Safetensors.Type.U16);
    assertThat(content.get("fc1.weight.rows").shape()).containsExactly(11);
    assertThat(content.get("fc1.bias").shape()).containsExactly(10);
  }

  @Test
  void compressesWideRowsAndEmptyOnes() throws IOException {
    Graph graph =
        Graph.builder(new Shape.Vector(70_000)).add("fc", new Op.Linear(70_000, 2, false)).build();
    float[] data = new float[140_000];
    data[69_999] = 3;
    Tensor tensor = new Tensor(new int[] {2, 70_000}, data);
    Model model = new Model(graph, Weights.of(Map.of("fc.weight", tensor)), Map.of());

    model.save(file, Compression.SPARSE);

    assertThat(Safetensors.read(file).get("fc.weight.columns").type())
        .isEqualTo(Safetensors.Type.I32);
    assertThat(Model.load(file)).isEqualTo(model);
  }

  @Test
  void refusesWeightsOfAnotherNetwork() {
    Weights weights = Weights.of(Map.of());
    assertThatThrownBy(() -> new Model(GRAPH, weights, Map.of()))
        .isInstanceOf(GraphException.class)
        .hasMessageStartingWith("conv1.weight: ");
    assertThatThrownBy(
            () -> new Model(GRAPH, masked(GRAPH, 1, 1).weights(), Map.of("coppice.graph", "")))
        .hasMessage("the metadata cannot have the key coppice.graph");
  }

  private static Model wide(double density) {
    Graph graph =
        Graph.builder(new Shape.Vector(1000)).add("fc", new Op.Linear(1000, 400, false)).build();
    return masked(graph, density, 7);
  }

  @ParameterizedTest
  @CsvSource({"0.1, 0.62", "0.05, 0.75", "0.02, 0.93", "0.01, 1.05", "0.001, 1.5"})
  void positionsTakeAboutAByte(double density, double most) throws IOException {
    Model model = wide(density);
    int count = model.weights().get("fc.weight").countNonZero();

    model.save(file, Compression.COMPACT);

    assertThat(Files.size(file)).isLessThan(Math.round((4 + most) * count) + 1000);
    if (density <= 0.05) {
      assertThat(Files.size(file)).isLessThan(4 * 400_000 / 10);
    }
    Quantization.int8(model).save(file, Compression.COMPACT);
    assertThat(Files.size(file)).isLessThan(Math.round((1 + most) * count) + 400 * 4 + 1000);
  }

  @Test
  void compactIsNeverLargerThanInFull() throws IOException {
    Model full = wide(1);
    full.save(file, Compression.COMPACT);
    assertThat(Safetensors.read(file).arrays()).containsOnlyKeys("fc.weight");
    assertThat(Model.load(file)).isEqualTo(full);

    Model half = wide(0.5);
    half.save(file, Compression.COMPACT);
    assertThat(Safetensors.read(file).get("fc.weight.quotients").size()).isEqualTo(400_000 / 8);
    assertThat(Safetensors.read(file).get("fc.weight.remainders").size()).isZero();

    Model none = wide(0);
    none.save(file, Compression.COMPACT);
    assertThat(Files.size(file)).isLessThan(1000);
    assertThat(Model.load(file)).isEqualTo(none);
  }

  @Test
  void storesQuantisedWeightsAsBytes() throws IOException {
    Quantization.int8(masked(GRAPH, 1, 1)).save(file);

    Safetensors.Content content = Safetensors.read(file);

    assertThat(content.get("conv1.weight").type()).isEqualTo(Safetensors.Type.I8);
    assertThat(content.get("conv1.weight.scales").shape()).containsExactly(4);
    assertThat(content.get("fc1.bias").type()).isEqualTo(Safetensors.Type.F32);
    assertThat(Model.load(file).weights().scales("conv1.weight")).hasSize(4);
    assertThat(Model.load(file).weights().scales("fc1.bias")).isNull();
  }

  /** Saves a model, changes the arrays of the file, and returns how loading fails. */
  private void assertRefused(
      Model model,
      Compression compression,
      String message,
      UnaryOperator<Map<String, String>> metadata,
      UnaryOperator<Map<String, Safetensors.Array>> change)
      throws IOException {
    model.save(file, compression);
    Safetensors.Content content = Safetensors.read(file);
    SequencedMap<String, Safetensors.Array> arrays =
        new LinkedHashMap<>(change.apply(new LinkedHashMap<>(content.arrays())));
    Safetensors.write(file, metadata.apply(new LinkedHashMap<>(content.metadata())), arrays);
    for (ThrowingCallable load :
        List.<ThrowingCallable>of(() -> Model.load(file), () -> Model.loadPacked(file))) {
      assertThatThrownBy(load)
          .isInstanceOf(ModelFormatException.class)
          .hasMessageStartingWith(file + ": ")
          .hasMessageContaining(message)
          .hasMessageNotContaining("\n");
    }
  }

  private void assertRefused(
      String message,
      UnaryOperator<Map<String, String>> metadata,
      UnaryOperator<Map<String, Safetensors.Array>> change)
      throws IOException {
    assertRefused(masked(GRAPH, 0.1, 1), Compression.SPARSE, message, metadata, change);
  }

  /** Changes an array of a quantised model in the compact form; null takes it away. */
  private void assertCompactRefused(String message, String name, Safetensors.@Nullable Array array)
      throws IOException {
    assertRefused(
        Quantization.int8(wide(0.1)),
        Compression.COMPACT,
        message,
        UnaryOperator.identity(),
        arrays -> {
          arrays.remove(name);
          if (array != null) {
            arrays.put(name, array);
          }
          return arrays;
        });
  }

  private void assertCompactRefused(String message, String form) throws IOException {
    assertRefused(
        wide(0.1),
        Compression.COMPACT,
        message,
        metadata -> {
          metadata.put("coppice.compact", form);
          return metadata;
        },
        UnaryOperator.identity());
  }

  @Test
  void refusesBrokenGaps() throws IOException {
    Quantization.int8(wide(0.1)).save(file, Compression.COMPACT);
    Safetensors.Content good = Safetensors.read(file);
    int count = good.get("fc.weight.values").size();
    byte[] quotients = good.get("fc.weight.quotients").data();
    byte[] remainders = good.get("fc.weight.remainders").data();
    assertThat(good.metadata())
        .containsEntry("coppice.compact", "{\"fc.weight\":{\"shape\":[400,1000],\"bits\":3}}");
    byte[] ones = new byte[quotients.length];
    Arrays.fill(ones, (byte) 0xff);
    byte[] late = quotients.clone();
    Arrays.fill(late, late.length - 100, late.length, (byte) 0);
    byte[] far = Arrays.copyOf(new byte[7000], 7000 + count / 8 + 1);
    Arrays.fill(far, 7000, far.length, (byte) 0xff);
    byte[] longer = Arrays.copyOf(quotients, quotients.length + 1);
    String name = "fc.weight.quotients";

    assertCompactRefused("ends before value 0", name, Safetensors.Array.ofBytes());
    assertCompactRefused("holds more gaps than", name, Safetensors.Array.ofBytes(ones));
    assertCompactRefused("holds more gaps than", name, Safetensors.Array.ofBytes(longer));
    assertCompactRefused("ends before value", name, Safetensors.Array.ofBytes(late));
    assertCompactRefused("lies behind the 400000", name, Safetensors.Array.ofBytes(far));
    assertCompactRefused("expected a vector of [U8]", name, Safetensors.Array.ofInts(1));
    assertCompactRefused("\"fc.weight.quotients\" is missing", name, null);
    name = "fc.weight.remainders";
    byte[] less = Arrays.copyOf(remainders, remainders.length - 1);
    assertCompactRefused("remainders of 3 bits", name, Safetensors.Array.ofBytes(less));
    assertCompactRefused("is missing", name, null);
    name = "fc.weight.values";
    assertCompactRefused("expected a vector of [I8]", name, Safetensors.Array.of(Tensor.of(1)));
    Tensor lowest = Tensor.of(new float[count]);
    Arrays.fill(lowest.data(), -128);
    assertCompactRefused(
        "no multiple of its scale up to 127", name, Safetensors.Array.ofSignedBytes(lowest));
    name = "fc.weight.scales";
    assertCompactRefused("expected a vector of [F32], found I8", name, null);
    assertCompactRefused(
        "expected one for each row, found 1", name, Safetensors.Array.of(Tensor.of(1)));
    float[] scales = new float[400];
    assertCompactRefused("scale 0 must be positive", name, Safetensors.Array.of(Tensor.of(scales)));
    Arrays.fill(scales, Float.POSITIVE_INFINITY);
    assertCompactRefused("is not finite", name, Safetensors.Array.of(Tensor.of(scales)));

    assertCompactRefused("not valid JSON", "[");
    assertCompactRefused("expected a JSON object", "{\"fc.weight\":1}");
    assertCompactRefused("field \"bits\" is missing", "{\"fc.weight\":{\"shape\":[400,1000]}}");
    assertCompactRefused(
        "bits of a remainder must lie in [0, 28], not 29",
        "{\"fc.weight\":{\"shape\":[400,1000],\"bits\":29}}");
    assertCompactRefused(
        "remainders of 28 bits", "{\"fc.weight\":{\"shape\":[400,1000],\"bits\":28}}");
    assertCompactRefused(
        "no place for the compressed tensor",
        "{\"fc.weight\":{\"shape\":[400,1000000],\"bits\":3}}");
    assertCompactRefused("expected floats", "{}");
  }

  private void assertRefused(String message, String name, Safetensors.Array array)
      throws IOException {
    assertRefused(
        message,
        UnaryOperator.identity(),
        arrays -> {
          arrays.put(name, array);
          return arrays;
        });
  }

  private void assertRefused(String message, String key, String value) throws IOException {
    assertRefused(
        message,
        metadata -> {
          metadata.put(key, value);
          return metadata;
        },
        UnaryOperator.identity());
  }

  @Test
  void refusesValuesThatAreNotFinite() throws IOException {
    Safetensors.Array bias = Safetensors.Array.of(Tensor.of(0, 0, Float.NaN, 0, 0, 0, 0, 0, 0, 0));
    assertRefused("fc1.bias: value 2 is not finite but NaN", "fc1.bias", bias);
  }

  @Test
  void refusesTensorsThatDoNotFit() throws IOException {
    assertRefused(
        "fc1.bias: expected the shape [10], found [1]",
        "fc1.bias",
        Safetensors.Array.of(Tensor.of(1)));
    assertRefused("tensor \"fc1.bias\": expected floats", "fc1.bias", Safetensors.Array.ofInts(1));
    assertRefused("no place for the tensor \"odd\"", "odd", Safetensors.Array.of(Tensor.of(1)));
    assertRefused(
        "has the tensor \"fc1.weight\" twice", "fc1.weight", Safetensors.Array.of(Tensor.of(1)));
  }

  @Test
  void refusesBrokenCompression() throws IOException {
    String rows = "fc1.weight.rows";
    String columns = "fc1.weight.columns";
    masked(GRAPH, 0.1, 1).save(file, Compression.SPARSE);
    Safetensors.Content good = Safetensors.read(file);
    int count = good.get(columns).size();
    assertThat(count).isGreaterThan(2);
    int[] late = new int[11];
    late[10] = count;
    late[5] = count + 1;
    int[] sinking = new int[11];
    sinking[10] = count;
    sinking[3] = 2;
    int[] equal = new int[count];
    int[] far = new int[count];
    far[0] = 16;
    int[] all = new int[11];
    all[10] = count;

    assertRefused("rows: must count from 0", rows, Safetensors.Array.ofInts(0, count));
    assertRefused("rows: entry 5 is out of order", rows, Safetensors.Array.ofInts(late));
    assertRefused("rows: entry 4 is out of order", rows, Safetensors.Array.ofInts(sinking));
    assertRefused("rows: expected a vector of [I32]", rows, Safetensors.Array.of(Tensor.of(1)));
    assertRefused("columns for " + count + " values", columns, Safetensors.Array.ofInts(1));
    assertRefused("is out of order or not below 16", columns, Safetensors.Array.ofInts(far));
    assertRefused("must count from 0", "fc1.weight.values", Safetensors.Array.of(Tensor.of(1)));
    assertRefused(
        "the tensor \"fc1.weight.rows\" is missing",
        UnaryOperator.identity(),
        arrays -> {
          arrays.remove(rows);
          return arrays;
        });
    assertRefused(
        "columns: entry 1 is out of order",
        UnaryOperator.identity(),
        arrays -> {
          arrays.put(rows, Safetensors.Array.ofInts(all));
          arrays.put(columns, Safetensors.Array.ofInts(equal));
          return arrays;
        });
  }

  @Test
  void refusesBrokenMetadata() throws IOException {
    assertRefused("not valid JSON", "coppice.graph", "{");
    assertRefused("tensor \"conv1.weight.rows\": expected floats", "coppice.sparse", "{}");
    assertRefused("not valid JSON", "coppice.sparse", "");
    assertRefused("no place for the compressed tensor", "coppice.sparse", "{\"a\":[1,1]}");
    assertRefused(
        "no place for the compressed tensor \"fc1.weight\" of the shape [10, 1600000000]",
        "coppice.sparse",
        "{\"fc1.weight\":[10,1600000000]}");
    assertRefused(
        "has no network description (the metadata entry coppice.graph)",
        metadata -> {
          metadata.remove("coppice.graph");
          return metadata;
        },
        UnaryOperator.identity());
  }

  @ParameterizedTest
  @CsvSource({"rows, columns, SPARSE", "remainders, quotients, COMPACT"})
  void refusesToExpandAFewBytesIntoGigabytes(String first, String second, Compression form)
      throws IOException {
    Graph graph =
        Graph.builder(new Shape.Vector(1 << 20))
            .add("fc", new Op.Linear(1 << 20, 1 << 10, false))
            .build();
    SequencedMap<String, Safetensors.Array> arrays = new LinkedHashMap<>();
    for (String part : List.of(first, second)) {
      arrays.put("fc.weight." + part, Safetensors.Array.ofBytes());
    }
    arrays.put("fc.weight.values", Safetensors.Array.of(Tensor.of()));
    String shape = "[1024,1048576]";
    Map<String, String> metadata =
        form == Compression.SPARSE
            ? Map.of(
                "coppice.graph", graph.toJson(), "coppice.sparse", "{\"fc.weight\":" + shape + "}")
            : Map.of(
                "coppice.graph",
                graph.toJson(),
                "coppice.compact",
                "{\"fc.weight\":{\"shape\":" + shape + ",\"bits\":0}}");
    Safetensors.write(file, metadata, arrays);
    assertThatThrownBy(() -> Model.load(file))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageEndingWith("its compressed tensors have 1073741824 values, more than 268435456");
  }
}
