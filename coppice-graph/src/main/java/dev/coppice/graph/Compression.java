package dev.coppice.graph;

/** How a model's file stores its weights. */
public enum Compression {
  /** Every tensor in full, so that any reader of safetensors can use the file. */
  DENSE,

  /**
   * Tensors with few values that are not zero as compressed rows, the others in full. A negative
   * zero comes back as a positive one.
   */
  SPARSE
}
