/** Runs spiking networks by their events, with no native library. */
module dev.coppice.runtime {
  requires transitive dev.coppice.graph;
  requires dev.coppice.kernels;
  requires static transitive org.jspecify;

  exports dev.coppice.runtime;
}
