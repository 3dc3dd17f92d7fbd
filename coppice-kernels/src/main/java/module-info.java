/**
 * Spiking kernels, scalar and with the Vector API; the latter is used when its module is present.
 */
module dev.coppice.kernels {
  requires static jdk.incubator.vector;
  requires static transitive org.jspecify;

  exports dev.coppice.kernels;
}
