package dev.coppice.analysis;

import dev.coppice.data.Augmentation;
import dev.coppice.data.Batch;
import dev.coppice.data.Batches;
import dev.coppice.data.Images;
import dev.coppice.graph.Graph;
import dev.coppice.graph.GraphException;
import dev.coppice.graph.Node;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.graph.Surrogate;
import dev.coppice.train.CriticalityProbe;
import dev.coppice.train.Engine;
import dev.coppice.train.Probes;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * What one pass of a network over images tells about its neurons. The images stream through in
 * batches small enough that what is held of one does not grow with the network, the time steps or
 * the number of images; what is kept is a histogram for each neuron.
 *
 * @param samples images measured
 * @param layers the neuron layers, in the order of the graph
 */
public record NetworkMeasurement(int samples, List<Layer> layers) {
  private static final int LARGEST_BATCH = 100;
  private static final long VALUES_PER_BATCH = 1 << 24;
  private static final long MOST_COUNTS = 1 << 28;

  /** Copies the list. */
  public NetworkMeasurement {
    layers = List.copyOf(layers);
  }

  /**
   * A neuron layer.
   *
   * @param node its name
   * @param criticality {@code [C]}: the derivative of ATan (α = 2) at the potential minus the
   *     threshold, its mean over time, maximum over the map, mean over the images (arXiv
   *     2311.16141)
   * @param spikes of its neurons
   */
  public record Layer(String node, float[] criticality, SpikeCounts spikes) {}

  /** Takes the features of the images, one by one. */
  public interface Features {
    /**
     * Takes an image's features.
     *
     * @param label its class
     * @param feature the spikes of the last spiking layer, summed over time and map, {@code [C]}
     */
    void add(int label, double[] feature);
  }

  /**
   * Runs the network over the images.
   *
   * @throws GraphException if it has no neurons
   * @throws IllegalArgumentException if it has too many for so many time steps
   */
  public static NetworkMeasurement of(
      Engine engine,
      Images images,
      Stimulus stimulus,
      Features features,
      MeasurementProgress progress) {
    Graph graph = engine.graph();
    List<Node> neurons = neurons(graph);
    long size = neurons.stream().mapToLong(node -> graph.shape(node.name()).size()).sum();
    if (size * (stimulus.steps() + 1L) > MOST_COUNTS) {
      throw new IllegalArgumentException(
          size
              + " neurons over "
              + stimulus.steps()
              + " time steps are too many to count one by one");
    }
    Map<String, CriticalityProbe> probes = new LinkedHashMap<>();
    List<Sums> sums = new ArrayList<>();
    for (Node node : neurons) {
      Shape shape = graph.shape(node.name());
      probes.put(node.name(), probe(node));
      sums.add(
          new Sums(
              node.name(),
              new double[shape.channels()],
              SpikeCounts.none(stimulus.steps(), shape.channels(), shape.size())));
    }
    Probes wanted = Probes.criticality(probes, Set.of()).and(Probes.outputs(probes.keySet()));
    int batchSize = Math.clamp(VALUES_PER_BATCH / (size * stimulus.steps()), 1, LARGEST_BATCH);
    int samples = 0;
    try (Batches batches =
        Batches.of(
            images,
            stimulus.batchNormalization(),
            Augmentation.NONE,
            batchSize,
            0,
            0,
            0,
            false,
            false)) {
      while (batches.hasNext()) {
        Batch batch = batches.next();
        Probes.Measured measured =
            engine.measure(stimulus.input(batch, samples), batch.size(), stimulus.steps(), wanted);
        double[][] last = {};
        for (Sums layer : sums) {
          last = layer.add(measured, batch.size());
        }
        for (int b = 0; b < batch.size(); b++) {
          features.add(batch.labels()[b], last[b]);
        }
        samples += batch.size();
        progress.measured(samples, images.size());
      }
    }
    int all = samples;
    return new NetworkMeasurement(samples, sums.stream().map(layer -> layer.mean(all)).toList());
  }

  /** Returns the number of channels of the last spiking layer, which features are of. */
  public static int features(Graph graph) {
    return graph.shape(neurons(graph).getLast().name()).channels();
  }

  /** Returns the neuron layers in the order of the graph. */
  static List<Node> neurons(Graph graph) {
    List<Node> neurons =
        graph.nodes().stream().filter(node -> node.op() instanceof Op.Neuron).toList();
    if (neurons.isEmpty()) {
      throw new GraphException("the network has no neurons to analyse");
    }
    return neurons;
  }

  private static CriticalityProbe probe(Node node) {
    float threshold = ((Op.Neuron) node.op()).threshold();
    return new CriticalityProbe(
        new Surrogate.ATan(2), threshold, true, CriticalityProbe.Pooling.MAX);
  }

  /** What is gathered of a layer. */
  private record Sums(String node, double[] criticality, SpikeCounts spikes) {
    /** Adds a batch and returns its spikes by sample and channel. */
    double[][] add(Probes.Measured measured, int batch) {
      float[] scores = Objects.requireNonNull(measured.criticality().get(node));
      for (int c = 0; c < criticality.length; c++) {
        criticality[c] += (double) scores[c] * batch;
      }
      float[] output = Objects.requireNonNull(measured.outputs().get(node));
      int neurons = spikes.neurons();
      double[][] byChannel = new double[batch][spikes.channels()];
      for (int b = 0; b < batch; b++) {
        for (int i = 0; i < neurons; i++) {
          int fired = 0;
          for (int t = 0; t < spikes.steps(); t++) {
            fired += output[(t * batch + b) * neurons + i] > 0 ? 1 : 0;
          }
          spikes.add(i, fired);
          byChannel[b][i % spikes.channels()] += fired;
        }
      }
      return byChannel;
    }

    Layer mean(int samples) {
      float[] means = new float[criticality.length];
      for (int c = 0; c < means.length; c++) {
        means[c] = (float) (criticality[c] / samples);
      }
      return new Layer(node, means, spikes);
    }
  }
}
