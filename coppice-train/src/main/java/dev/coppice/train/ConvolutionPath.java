package dev.coppice.train;

/** How convolutions run: each way gives the results of the others. */
public enum ConvolutionPath {
  /** Each by what promises to be the fastest. */
  AUTO,
  /** With all weights, pruned ones included. */
  DENSE,
  /** By the surviving weights alone wherever the kernels can. */
  SPARSE
}
