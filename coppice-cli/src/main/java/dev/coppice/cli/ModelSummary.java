package dev.coppice.cli;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import dev.coppice.graph.Graph;
import dev.coppice.graph.Tensor;
import dev.coppice.graph.Weights;
import dev.coppice.train.Evaluation;
import dev.coppice.train.Operations;
import dev.coppice.train.Trainer;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The numbers of a network with weights.
 *
 * @param parameters all trained values
 * @param nonZero those that are not zero
 * @param footprint bytes of all tensors in full, as NeuroBench counts
 * @param sparsity the share of zeros in the weights of convolutions and linear layers
 * @param density the share of other values, by layer
 */
record ModelSummary(
    long parameters, long nonZero, long footprint, double sparsity, Map<String, Double> density) {

  private static final Gson GSON = new Gson();

  static ModelSummary of(Graph graph, Weights weights) {
    long parameters = 0;
    long nonZero = 0;
    long footprint = 0;
    Map<String, Double> density = new LinkedHashMap<>();
    for (Map.Entry<String, Tensor> entry : weights.asMap().entrySet()) {
      Tensor tensor = entry.getValue();
      footprint += (long) tensor.size() * Float.BYTES;
      if (Weights.isTrainable(entry.getKey())) {
        parameters += tensor.size();
        nonZero += tensor.countNonZero();
      }
      if (tensor.shape().length > 1) {
        density.put(
            entry.getKey().substring(0, entry.getKey().lastIndexOf('.')),
            tensor.countNonZero() / (double) tensor.size());
      }
    }
    return new ModelSummary(
        parameters, nonZero, footprint, Trainer.sparsity(graph, weights), density);
  }

  /** Adds the numbers to a result. */
  void addTo(JsonObject json) {
    json.addProperty("sparsity", sparsity);
    json.addProperty("density", 1 - sparsity);
    json.addProperty("parameters", parameters);
    json.addProperty("nonZeroParameters", nonZero);
    json.add("densityByLayer", GSON.toJsonTree(density));
  }

  /** Adds the numbers of an evaluation to a result. */
  void addEvaluation(JsonObject json, Graph graph, Evaluation evaluation) {
    Operations operations = evaluation.operations();
    json.addProperty("accuracy", evaluation.accuracy());
    json.addProperty("loss", evaluation.loss());
    json.addProperty("samples", evaluation.samples());
    json.addProperty("sopsPerImage", operations.synaptic());
    json.addProperty("energyNanojoule", operations.nanojoules());
    json.add("firingRate", GSON.toJsonTree(evaluation.firingRates()));
    JsonObject layers = new JsonObject();
    for (Operations.Layer layer : operations.layers()) {
      layers.add(
          layer.node(), synaptic(layer.effectiveAcs(), layer.effectiveMacs(), layer.dense()));
    }
    json.add("operations", layers);
    JsonObject neurobench = new JsonObject();
    neurobench.addProperty("Footprint", footprint);
    neurobench.addProperty("ConnectionSparsity", sparsity);
    neurobench.addProperty("ActivationSparsity", activationSparsity(graph, evaluation));
    neurobench.add(
        "SynapticOperations",
        synaptic(operations.effectiveAcs(), operations.effectiveMacs(), operations.dense()));
    neurobench.addProperty("ClassificationAccuracy", evaluation.accuracy());
    json.add("neurobench", neurobench);
  }

  private static JsonObject synaptic(double acs, double macs, double dense) {
    JsonObject json = new JsonObject();
    json.addProperty("Effective_ACs", acs);
    json.addProperty("Effective_MACs", macs);
    json.addProperty("Dense", dense);
    return json;
  }

  /** The share of silent neurons over all neurons, time steps and samples. */
  private static double activationSparsity(Graph graph, Evaluation evaluation) {
    double spikes = 0;
    double neurons = 0;
    for (Map.Entry<String, Double> rate : evaluation.firingRates().entrySet()) {
      double size = graph.shape(rate.getKey()).size();
      spikes += rate.getValue() * size;
      neurons += size;
    }
    return neurons == 0 ? 0 : 1 - spikes / neurons;
  }
}
