/** Runs spiking networks by their events, with no native library. */
module dev.coppice.runtime {
  requires transitive dev.coppice.graph;
  requires com.google.gson;
  requires dev.coppice.kernels;
  requires static transitive org.jspecify;

  exports dev.coppice.runtime;
}
