package dev.coppice.graph;

/**
 * How a model's file stores its weights. In each form, tensors with {@link Weights#scales} take a
 * byte for a value, others four.
 */
public enum Compression {
  /** Every tensor in full, so that any reader of safetensors can use the file. */
  DENSE,

  /**
   * Tensors with few values that are not zero as compressed rows, the others in full. A negative
   * zero comes back as a positive one.
   */
  SPARSE,

  /**
   * For programs that only run the model: of every tensor the values that are not zero and, in as
   * few bits as their distances need, where they are; in full where that is smaller. A negative
   * zero comes back as a positive one.
   */
  COMPACT
}
