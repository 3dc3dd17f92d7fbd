package dev.coppice.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.SequencedMap;
import java.util.function.UnaryOperator;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
  void roundTripsDenseAndSparse(@ForAll long seed) throws IOException {
    double density = new Random(seed).nextDouble();
    Model model = masked(RandomGraphs.draw(seed), density, seed);
    Path path = Files.createTempFile("coppice", ".safetensors");
    try {
      for (Compression compression : Compression.values()) {
        model.save(path, compression);
        assertThat(Model.load(path)).isEqualTo(model);
      }
    } finally {
      Files.delete(path);
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

  /** Saves a sparse model, changes the arrays of the file, and returns how loading fails. */
  private void assertRefused(
      String message,
      UnaryOperator<Map<String, String>> metadata,
      UnaryOperator<Map<String, Safetensors.Array>> change)
      throws IOException {
    masked(GRAPH, 0.1, 1).save(file, Compression.SPARSE);
    Safetensors.Content content = Safetensors.read(file);
    SequencedMap<String, Safetensors.Array> arrays =
        new LinkedHashMap<>(change.apply(new LinkedHashMap<>(content.arrays())));
    Safetensors.write(file, metadata.apply(new LinkedHashMap<>(content.metadata())), arrays);
    assertThatThrownBy(() -> Model.load(file))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageStartingWith(file + ": ")
        .hasMessageContaining(message)
        .hasMessageNotContaining("\n");
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

  @Test
  void refusesToExpandAFewBytesIntoGigabytes() throws IOException {
    Graph graph =
        Graph.builder(new Shape.Vector(1 << 20))
            .add("fc", new Op.Linear(1 << 20, 1 << 10, false))
            .build();
    SequencedMap<String, Safetensors.Array> arrays = new LinkedHashMap<>();
    arrays.put("fc.weight.rows", Safetensors.Array.ofInts(new int[(1 << 10) + 1]));
    arrays.put("fc.weight.columns", Safetensors.Array.ofInts());
    arrays.put("fc.weight.values", Safetensors.Array.of(Tensor.of()));
    Map<String, String> metadata =
        Map.of("coppice.graph", graph.toJson(), "coppice.sparse", "{\"fc.weight\":[1024,1048576]}");
    Safetensors.write(file, metadata, arrays);
    assertThatThrownBy(() -> Model.load(file))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageEndingWith("its compressed tensors have 1073741824 values, more than 268435456");
  }
}
