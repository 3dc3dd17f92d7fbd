package dev.coppice.graph;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/** A model as a safetensors file. */
final class ModelFile {
  private static final String GRAPH = "coppice.graph";

  /** The key of the shapes of the tensors that are stored compressed. */
  private static final String SPARSE = "coppice.sparse";

  /**
   * The most elements that a file's compressed tensors may have in full: 1 GiB, because a few bytes
   * can announce any number.
   */
  private static final long MAX_EXPANDED = 1L << 28;

  private ModelFile() {}

  static void checkKeys(Map<String, String> metadata) {
    for (String reserved : List.of(GRAPH, SPARSE)) {
      if (metadata.containsKey(reserved)) {
        throw new GraphException("the metadata cannot have the key " + reserved);
      }
    }
  }

  static void write(Model model, Path path, Compression compression) throws IOException {
    SequencedMap<String, Safetensors.Array> arrays = new LinkedHashMap<>();
    JsonObject sparse = new JsonObject();
    long expanded = 0;
    for (Map.Entry<String, Tensor> entry : model.weights().toPyTorch(model.graph()).entrySet()) {
      Tensor tensor = entry.getValue();
      if (compression == Compression.SPARSE
          && CompressedRows.pays(tensor)
          && expanded + tensor.size() <= MAX_EXPANDED) {
        expanded += tensor.size();
        CompressedRows.write(entry.getKey(), tensor, arrays);
        JsonArray shape = new JsonArray();
        Arrays.stream(tensor.shape()).forEach(shape::add);
        sparse.add(entry.getKey(), shape);
      } else {
        arrays.put(entry.getKey(), Safetensors.Array.of(tensor));
      }
    }
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put(GRAPH, model.graph().toJson());
    if (!sparse.isEmpty()) {
      metadata.put(SPARSE, sparse.toString());
    }
    metadata.putAll(model.metadata());
    Safetensors.write(path, metadata, arrays);
  }

  static Model read(Safetensors.Content content, String source) throws ModelFormatException {
    try {
      Map<String, String> metadata = new LinkedHashMap<>(content.metadata());
      String json = metadata.remove(GRAPH);
      if (json == null) {
        throw new GraphException("has no network description (the metadata entry " + GRAPH + ")");
      }
      Graph graph = Graph.fromJson(json);
      Map<String, Safetensors.Array> arrays = new LinkedHashMap<>(content.arrays());
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      String sparse = metadata.remove(SPARSE);
      if (sparse != null) {
        tensors.putAll(expand(graph, sparse, arrays));
      }
      for (Map.Entry<String, Safetensors.Array> entry : arrays.entrySet()) {
        if (tensors.put(entry.getKey(), floats(entry.getKey(), entry.getValue())) != null) {
          throw new GraphException("has the tensor " + Quote.of(entry.getKey()) + " twice");
        }
      }
      return new Model(graph, Weights.fromPyTorch(graph, tensors), metadata);
    } catch (GraphException e) {
      throw new ModelFormatException(source + ": " + e.getMessage(), e);
    }
  }

  private static Map<String, Tensor> expand(
      Graph graph, String sparse, Map<String, Safetensors.Array> arrays) {
    JsonObject object = Json.parseObject(sparse);
    JsonFields fields = new JsonFields(SPARSE, object);
    Map<String, int[]> expected = Weights.expected(graph);
    Map<String, int[]> shapes = new LinkedHashMap<>();
    long expanded = 0;
    for (String name : new ArrayList<>(object.keySet())) {
      int[] shape = fields.integers(name);
      int[] needed = expected.get(name);
      if (needed == null || shape.length < 2 || size(shape) != size(needed)) {
        throw new GraphException(
            "the network has no place for the compressed tensor "
                + Quote.of(name)
                + " of the shape "
                + Arrays.toString(shape));
      }
      shapes.put(name, shape);
      expanded += size(shape);
    }
    if (expanded > MAX_EXPANDED) {
      throw new GraphException(
          "its compressed tensors have " + expanded + " values, more than " + MAX_EXPANDED);
    }
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    shapes.forEach((name, shape) -> tensors.put(name, CompressedRows.read(name, shape, arrays)));
    return tensors;
  }

  /** Returns the number of elements, or -1 if the shape has a dimension below 1 or is too large. */
  private static long size(int[] shape) {
    long size = 1;
    for (int dimension : shape) {
      if (dimension < 1 || size > Integer.MAX_VALUE / dimension) {
        return -1;
      }
      size *= dimension;
    }
    return size;
  }

  private static Tensor floats(String name, Safetensors.Array array) {
    return switch (array.type()) {
      case F32, F16, BF16, F64 -> array.tensor();
      default ->
          throw new GraphException(
              "tensor " + Quote.of(name) + ": expected floats, found " + array.type());
    };
  }
}
