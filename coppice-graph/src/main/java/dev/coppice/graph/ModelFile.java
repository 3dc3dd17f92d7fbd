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

  /**
   * Returns the model of a file.
   *
   * @param packed whether compressed tensors stay so; else all are in full
   */
  static Model read(Safetensors.Content content, String source, boolean packed)
      throws ModelFormatException {
    try {
      Map<String, String> metadata = new LinkedHashMap<>(content.metadata());
      String json = metadata.remove(GRAPH);
      if (json == null) {
        throw new GraphException("has no network description (the metadata entry " + GRAPH + ")");
      }
      Graph graph = Graph.fromJson(json);
      PyTorchOrder order = new PyTorchOrder(graph);
      Map<String, Safetensors.Array> arrays = new LinkedHashMap<>(content.arrays());
      Map<String, float[]> scales = takeScales(graph, arrays);
      SequencedMap<String, int[]> expected = Weights.expected(graph);
      Map<String, StoredTensor> tensors = new LinkedHashMap<>();
      for (Form form : forms(graph, metadata)) {
        String name = form.name();
        float[] scale = scales.get(name);
        checkRows(name, form.shape(), scale);
        StoredTensor stored =
            new PackedTensor(
                order.reading(name, form.shape()), form.read(type(scale), arrays), scale);
        if (tensors.put(name, packed ? stored : new StoredTensor.Full(stored.tensor())) != null) {
          throw new GraphException("has the tensor " + Quote.of(name) + " twice");
        }
      }
      for (Map.Entry<String, Safetensors.Array> entry : arrays.entrySet()) {
        String name = entry.getKey();
        float[] scale = scales.get(name);
        Tensor stored = inFull(name, entry.getValue(), type(scale));
        checkRows(name, stored.shape(), scale);
        Tensor values = scale == null ? stored : Quantization.values(stored, scale);
        boolean known = expected.containsKey(name);
        StoredTensor full = new StoredTensor.Full(known ? order.read(name, values) : values);
        if (tensors.put(name, full) != null) {
          throw new GraphException("has the tensor " + Quote.of(name) + " twice");
        }
      }
      SequencedMap<String, StoredTensor> inOrder = new LinkedHashMap<>();
      for (String name : expected.keySet()) {
        StoredTensor tensor = tensors.remove(name);
        if (tensor != null) {
          inOrder.put(name, tensor);
        }
      }
      inOrder.putAll(tensors);
      Weights weights = Weights.ofStored(inOrder);
      weights.check(graph);
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

  private static StoredValues type(float @Nullable [] scale) {
    return scale == null ? StoredValues.FLOATS : StoredValues.CODES;
  }

  private static void checkRows(String name, int[] shape, float @Nullable [] scale) {
    if (scale != null && (shape.length == 0 || shape[0] != scale.length)) {
      throw new GraphException(
          "%s: has %d values for the rows of Tensor%s"
              .formatted(name + SCALES, scale.length, Arrays.toString(shape)));
    }
  }

  /**
   * How a compressed tensor is stored.
   *
   * @param bits of a remainder of gaps, or null if it is stored as rows
   */
  private record Form(String name, int[] shape, @Nullable Integer bits) {
    Survivors read(StoredValues type, Map<String, Safetensors.Array> arrays) {
      int size = (int) size(shape);
      return bits == null
          ? CompressedRows.read(name, shape[0], size, type, arrays)
          : CompressedGaps.read(name, size, bits, type, arrays);
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
