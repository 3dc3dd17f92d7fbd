package dev.coppice.prune;

import dev.coppice.graph.Graph;
import dev.coppice.graph.Op;
import dev.coppice.graph.Shape;
import dev.coppice.train.Optimizer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * UPR (Shi et al., ICLR 2024): every weight and every neuron has a gate {@code σ(β·a)} with a
 * learned logit a, and every gate costs {@code λ·c} with c the number of times that the weight is
 * used, or of weights that read the neuron. β rises over the search from 5 to 1000, so that gates
 * end open or shut; then those with {@code a > 0} are open for good, and the network is trained on.
 * A neuron's gate is one of a weight that is 1 and stays so.
 *
 * <p>Logits are moved by Adam at a constant rate, as where the published code trains weights by
 * gradient descent.
 */
final class PricedGates implements Hidden {
  private static final double FIRST_SHARPNESS = 5;
  private static final double LAST_SHARPNESS = 1000;
  private static final Optimizer LOGITS = new Optimizer.Adam(0.9f, 0.999f, 1e-8f, 0);
  private static final double LOGIT_RATE = 1e-3;

  private final double price;
  private final float[] uses;
  private final int weights;
  private final long steps;
  private float[] values = new float[0];
  private float[] logits;
  private final List<float[]> moments;
  private final float[] gradients;
  private long done;

  /**
   * Makes the method.
   *
   * @param price λ
   * @param uses c of every weight and then of every neuron, see {@link #uses}
   * @param weights how many of them are weights
   * @param steps optimizer steps of the search
   * @throws IllegalArgumentException for a price that is not finite or negative
   */
  PricedGates(double price, float[] uses, int weights, long steps) {
    PruningSettings.require(
        price >= 0 && price < Double.POSITIVE_INFINITY,
        "the strength must be finite and not negative, not " + price);
    this.price = price;
    this.uses = uses.clone();
    this.weights = weights;
    this.steps = steps;
    this.logits = new float[uses.length];
    this.moments = List.of(new float[uses.length], new float[uses.length]);
    this.gradients = new float[uses.length];
  }

  /**
   * Returns how often every weight is used at a time step, {@code H·W/stride²}, 1 if linear; and
   * then, gate by gate, by how many weights every neuron is.
   */
  static float[] uses(Graph graph, PrunableLayers layers, List<String> gates) {
    int neurons = gates.stream().mapToInt(gate -> graph.shape(gate).size()).sum();
    float[] uses = new float[layers.size() + neurons];
    for (PrunableLayers.Layer layer : layers.layers()) {
      float each = 1;
      if (graph.node(layer.node()).op() instanceof Op.Conv2d conv
          && graph.shape(graph.node(layer.node()).inputs().getFirst()) instanceof Shape.Map in) {
        each = in.height() * in.width() / (float) (conv.stride() * conv.stride());
      }
      Arrays.fill(uses, layer.offset(), layer.end(), each);
    }
    int offset = layers.size();
    for (String gate : gates) {
      int end = offset + graph.shape(gate).size();
      Arrays.fill(uses, offset, end, NeuronGates.uses(graph, gate));
      offset = end;
    }
    return uses;
  }

  /** Returns β after a part of the search. */
  static double sharpness(double progress) {
    return FIRST_SHARPNESS * Math.pow(LAST_SHARPNESS / FIRST_SHARPNESS, progress);
  }

  /** Returns the gradient of the loss and the cost by the logits, as of {@link #gradient}. */
  float[] logitGradients() {
    return gradients.clone();
  }

  @Override
  public void begin(float[] all) {
    values = all.clone();
    Arrays.fill(values, weights, values.length, 1);
  }

  @Override
  public float[] moved() {
    return values.clone();
  }

  private double gate(int i, double sharpness) {
    return 1 / (1 + Math.exp(-sharpness * logits[i]));
  }

  @Override
  public float[] gradient(float[] gradient) {
    float[] byValue = new float[gradient.length];
    double sharpness = sharpness(done / (double) steps);
    for (int i = 0; i < gradient.length; i++) {
      double gate = gate(i, sharpness);
      byValue[i] = (float) (gate * gradient[i]);
      double slope = sharpness * gate * (1 - gate);
      gradients[i] = (float) (slope * (values[i] * gradient[i] + price * uses[i]));
    }
    return byValue;
  }

  @Override
  public void after(float[] moved, double rate, long step) {
    values = moved.clone();
    Arrays.fill(values, weights, values.length, 1);
    LOGITS.update(logits, gradients, moments, LOGIT_RATE, step);
    done = step;
  }

  @Override
  public float[] weights() {
    double sharpness = sharpness(done / (double) steps);
    float[] shown = new float[values.length];
    for (int i = 0; i < shown.length; i++) {
      if (!fixed()) {
        shown[i] = (float) (gate(i, sharpness) * values[i]);
      } else if (logits[i] > 0) {
        shown[i] = values[i];
      }
    }
    return shown;
  }

  @Override
  public long lastStep() {
    return steps;
  }

  @Override
  public boolean fixed() {
    return done >= steps;
  }

  @Override
  public Map<String, float[]> state() {
    return Map.of(
        "values", values.clone(),
        "logits", logits.clone(),
        "first", moments.getFirst().clone(),
        "second", moments.getLast().clone(),
        "step", new float[] {done});
  }

  @Override
  public void restore(Map<String, float[]> state) {
    values = Hidden.part(state, "values").clone();
    logits = Hidden.part(state, "logits").clone();
    System.arraycopy(Hidden.part(state, "first"), 0, moments.getFirst(), 0, values.length);
    System.arraycopy(Hidden.part(state, "second"), 0, moments.getLast(), 0, values.length);
    done = (long) Hidden.part(state, "step")[0];
  }
}
