/** Networks as data: graphs, weights, models and their files. */
module dev.coppice.graph {
  requires com.google.gson;
  requires static transitive org.jspecify;

  exports dev.coppice.graph;
  exports dev.coppice.graph.zoo;
}
