package dev.coppice.graph;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/** A model as a safetensors file. */
final class ModelFile {
  private static final String GRAPH = "coppice.graph";

  /** The key of the shapes of the tensors that are stored as rows. */
  private static final String SPARSE = "coppice.sparse";

  /** The key of the shapes and bits of the tensors that are stored as gaps. */
  private static final String COMPACT = "coppice.compact";

  private static final String SHAPE = "shape";
  private static final String BITS = "bits";

  /** What follows a tensor's name in that of its scales, if it is quantised. */
  private static final String SCALES = ".scales";

  /**
   * The most elements that a file's compressed tensors may have in full: 1 GiB, because a few bytes
   * can announce any number.
   */
  private static final long MAX_EXPANDED = 1L << 28;

  private ModelFile() {}

  static void checkKeys(Map<String, String> metadata) {
    for (String reserved : List.of(GRAPH, SPARSE, COMPACT)) {
      if (metadata.containsKey(reserved)) {
        throw new GraphException("the metadata cannot have the key " + reserved);
      }
    }
  }

  static void write(Model model, Path path, Compression compression) throws IOException {
    SequencedMap<String, Safetensors.Array> arrays = new LinkedHashMap<>();
    JsonObject sparse = new JsonObject();
    JsonObject compact = new JsonObject();
    long expanded = 0;
    for (Map.Entry<String, Tensor> entry : model.weights().toPyTorch(model.graph()).entrySet()) {
      String name = entry.getKey();
      Tensor tensor = entry.getValue();
      StoredValues type = StoredValues.FLOATS;
      float[] scales = model.weights().scales(name);
      if (scales != null) {
        tensor = Quantization.codes(tensor, scales);
        type = StoredValues.CODES;
        arrays.put(name + SCALES, Safetensors.Array.of(Tensor.of(scales)));
      }
      boolean compressed = false;
      if (tensor.shape().length > 1 && expanded + tensor.size() <= MAX_EXPANDED) {
        switch (compression) {
          case DENSE -> {}
          case SPARSE -> {
            compressed = CompressedRows.pays(tensor);
            if (compressed) {
              CompressedRows.write(name, tensor, type, arrays);
              sparse.add(name, json(tensor.shape()));
            }
          }
          case COMPACT -> {
            Integer bits = CompressedGaps.write(name, tensor, type, arrays);
            compressed = bits != null;
            if (compressed) {
              JsonObject form = new JsonObject();
              form.add(SHAPE, json(tensor.shape()));
              form.addProperty(BITS, bits);
              compact.add(name, form);
            }
          }
        }
      }
      if (compressed) {
        expanded += tensor.size();
      } else {
        arrays.put(name, type.array(tensor));
      }
    }
    Map<String, String> metadata = new LinkedHashMap<>();
    metadata.put(GRAPH, model.graph().toJson());
    if (!sparse.isEmpty()) {
      metadata.put(SPARSE, sparse.toString());
    }
    if (!compact.isEmpty()) {
      metadata.put(COMPACT, compact.toString());
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
      Map<String, float[]> scales = takeScales(graph, arrays);
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      for (Form form : forms(graph, metadata)) {
        Tensor stored = form.read(type(form.name(), scales), arrays);
        if (tensors.put(form.name(), values(form.name(), stored, scales)) != null) {
          throw new GraphException("has the tensor " + Quote.of(form.name()) + " twice");
        }
      }
      for (Map.Entry<String, Safetensors.Array> entry : arrays.entrySet()) {
        String name = entry.getKey();
        Tensor stored = inFull(name, entry.getValue(), type(name, scales));
        if (tensors.put(name, values(name, stored, scales)) != null) {
          throw new GraphException("has the tensor " + Quote.of(name) + " twice");
        }
      }
      Weights weights = Weights.fromPyTorch(graph, tensors);
      for (Map.Entry<String, float[]> entry : scales.entrySet()) {
        weights = weights.withScales(entry.getKey(), entry.getValue());
      }
      return new Model(graph, weights, metadata);
    } catch (GraphException e) {
      throw new ModelFormatException(source + ": " + e.getMessage(), e);
    }
  }

  private static Map<String, float[]> takeScales(
      Graph graph, Map<String, Safetensors.Array> arrays) {
    Map<String, float[]> scales = new LinkedHashMap<>();
    Weights.expected(graph)
        .forEach(
            (name, shape) -> {
              if (arrays.containsKey(name + SCALES)) {
                float[] values =
                    StoredValues.vector(name + SCALES, arrays, Safetensors.Type.F32).floats();
                if (shape.length < 2 || values.length != shape[0]) {
                  throw new GraphException(
                      name + SCALES + ": expected one for each row, found " + values.length);
                }
                scales.put(name, values);
              }
            });
    return scales;
  }

  private static StoredValues type(String name, Map<String, float[]> scales) {
    return scales.containsKey(name) ? StoredValues.CODES : StoredValues.FLOATS;
  }

  private static Tensor values(String name, Tensor stored, Map<String, float[]> scales) {
    float[] scale = scales.get(name);
    if (scale == null) {
      return stored;
    }
    if (stored.shape().length == 0 || stored.shape()[0] != scale.length) {
      throw new GraphException(
          name + SCALES + ": has " + scale.length + " values for the rows of " + stored);
    }
    return Quantization.values(stored, scale);
  }

  /**
   * How a compressed tensor is stored.
   *
   * @param bits of a remainder of gaps, or null if it is stored as rows
   */
  private record Form(String name, int[] shape, @Nullable Integer bits) {
    Tensor read(StoredValues type, Map<String, Safetensors.Array> arrays) {
      return bits == null
          ? CompressedRows.read(name, shape, type, arrays)
          : CompressedGaps.read(name, shape, bits, type, arrays);
    }
  }

  /** Returns the compressed tensors, which are known to be affordable and to fit the network. */
  private static List<Form> forms(Graph graph, Map<String, String> metadata) {
    List<Form> forms = new ArrayList<>();
    String sparse = metadata.remove(SPARSE);
    if (sparse != null) {
      JsonObject object = Json.parseObject(sparse);
      JsonFields fields = new JsonFields(SPARSE, object);
      object.keySet().forEach(name -> forms.add(new Form(name, fields.integers(name), null)));
    }
    String compact = metadata.remove(COMPACT);
    if (compact != null) {
      for (Map.Entry<String, JsonElement> entry : Json.parseObject(compact).entrySet()) {
        JsonFields fields =
            new JsonFields(COMPACT + ": " + Quote.of(entry.getKey()), entry.getValue());
        forms.add(new Form(entry.getKey(), fields.integers(SHAPE), fields.integer(BITS)));
        fields.end();
      }
    }
    Map<String, int[]> expected = Weights.expected(graph);
    long expanded = 0;
    for (Form form : forms) {
      int[] needed = expected.get(form.name());
      if (needed == null || form.shape().length < 2 || size(form.shape()) != size(needed)) {
        throw new GraphException(
            "the network has no place for the compressed tensor "
                + Quote.of(form.name())
                + " of the shape "
                + Arrays.toString(form.shape()));
      }
      expanded += size(form.shape());
    }
    if (expanded > MAX_EXPANDED) {
      throw new GraphException(
          "its compressed tensors have " + expanded + " values, more than " + MAX_EXPANDED);
    }
    return forms;
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

  private static Tensor inFull(String name, Safetensors.Array array, StoredValues type) {
    boolean fits =
        switch (array.type()) {
          case F32, F16, BF16, F64 -> type == StoredValues.FLOATS;
          case I8 -> type == StoredValues.CODES;
          default -> false;
        };
    if (!fits) {
      throw new GraphException(
          "tensor %s: expected %s, found %s"
              .formatted(
                  Quote.of(name),
                  type == StoredValues.FLOATS ? "floats" : "I8, for it has scales",
                  array.type()));
    }
    return array.tensor();
  }

  private static JsonArray json(int[] shape) {
    JsonArray array = new JsonArray();
    Arrays.stream(shape).forEach(array::add);
    return array;
  }
}
