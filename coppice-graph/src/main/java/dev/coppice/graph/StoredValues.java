package dev.coppice.graph;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Map;

/** How a file stores the values of a tensor, in whichever form it says where they are. */
enum StoredValues {
  FLOATS(Safetensors.Type.F32),

  /** The whole numbers of {@link Quantization#codes}. */
  CODES(Safetensors.Type.I8);

  private final Safetensors.Type type;

  StoredValues(Safetensors.Type type) {
    this.type = type;
  }

  Safetensors.Type type() {
    return type;
  }

  Safetensors.Array array(Tensor values) {
    return switch (this) {
      case FLOATS -> Safetensors.Array.of(values);
      case CODES -> Safetensors.Array.ofSignedBytes(values);
    };
  }

  /** Returns an element of a vector of this type, of which these are the bytes. */
  float at(ByteBuffer vector, int index) {
    return switch (this) {
      case FLOATS -> vector.getFloat(index * Float.BYTES);
      case CODES -> vector.get(index);
    };
  }

  /**
   * Takes a vector out of {@code arrays}.
   *
   * @throws GraphException if there is none of that name, or it is not one of such elements
   */
  static Safetensors.Array vector(
      String name, Map<String, Safetensors.Array> arrays, Safetensors.Type... expected) {
    Safetensors.Array array = arrays.remove(name);
    if (array == null) {
      throw new GraphException("the tensor " + Quote.of(name) + " is missing");
    }
    if (array.shape().length != 1 || !Arrays.asList(expected).contains(array.type())) {
      throw new GraphException(
          name + ": expected a vector of " + Arrays.toString(expected) + ", found " + array);
    }
    return array;
  }
}
