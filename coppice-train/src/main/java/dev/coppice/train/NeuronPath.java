package dev.coppice.train;

/** How neuron layers run: each way gives the results of the others. */
enum NeuronPath {
  /** By the kernels, together with the batch norm before them where nothing else reads that. */
  FUSED,
  /** By the kernels, apart from the batch norm. */
  KERNELS,
  /** As library operations. */
  LIBRARY
}
