package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The kernels as plain loops over elements: the meaning of the others, and their fallback. */
final class ScalarKernels implements Kernels {
  private final String reason;

  /**
   * @param reason why these were chosen, or the empty string
   */
  ScalarKernels(String reason) {
    this.reason = reason;
  }

  @Override
  public String describe() {
    return reason.isEmpty() ? "scalar" : "scalar (" + reason + ")";
  }

  @Override
  public void neuronForward(
      NeuronConstants c,
      MemorySegment x,
      boolean repeated,
      MemorySegment h,
      MemorySegment s,
      int steps,
      long n,
      long from,
      long to,
      @Nullable MemorySegment state,
      @Nullable Probe probe) {
    NeuronArguments.checkForward(x, repeated, h, s, steps, n, from, to, state, probe);
    float leak = c.leak();
    float gain = c.gain();
    float drift = c.drift();
    float fireAt = c.fireAt();
    float keep = c.keep();
    float offset = c.offset();
    for (long i = from; i < to; i++) {
      float u = state == null ? c.rest() : load(state, i);
      for (int t = 0; t < steps; t++) {
        long at = t * n + i;
        float potential = leak * u + gain * load(x, repeated ? i : at) + drift;
        boolean fired = potential >= fireAt;
        store(h, at, potential);
        store(s, at, fired ? 1 : 0);
        u = fired ? keep * potential + offset : potential;
      }
      if (state != null) {
        store(state, i, u);
      }
    }
    if (probe != null) {
      score(probe, h, steps, n, from, to);
    }
  }

  private static void score(Probe probe, MemorySegment h, int steps, long n, long from, long to) {
    float[] scores = probe.scores();
    for (long sample = from; sample < to; sample += probe.inner()) {
      int first = probe.firstScore(sample);
      int last = first + probe.channels();
      Arrays.fill(scores, first, last, probe.identity());
      for (int i = 0; i < probe.inner(); i++) {
        float sum = 0;
        for (int t = 0; t < steps; t++) {
          sum += respond(probe, load(h, t * n + sample + i));
        }
        int k = first + i % probe.channels();
        scores[k] =
            switch (probe.pooling()) {
              case MAX -> Math.max(scores[k], sum);
              case MEAN -> scores[k] + sum;
            };
      }
      for (int k = first; k < last; k++) {
        scores[k] /= probe.divisor(steps);
      }
    }
  }

  private static float respond(Probe probe, float potential) {
    float x = potential - probe.threshold();
    return switch (probe.response()) {
      case DERIVATIVE -> probe.surrogate().derivative(x);
      case FUNCTION -> probe.surrogate().unclampedPrimitive(x);
    };
  }

  @Override
  public void neuronBackward(
      NeuronConstants c,
      MemorySegment h,
      MemorySegment gradS,
      MemorySegment gradX,
      int steps,
      long n,
      long from,
      long to,
      boolean repeated) {
    NeuronArguments.checkBackward(h, gradS, gradX, steps, n, from, to, repeated);
    SurrogateFunction surrogate = c.surrogate();
    float leak = c.leak();
    float gain = c.gain();
    float threshold = c.threshold();
    float fireAt = c.fireAt();
    float keep = c.keep();
    float keepLess1 = keep - 1;
    float offset = c.offset();
    boolean attached = c.attached();
    for (long i = from; i < to; i++) {
      float delta = 0;
      float sum = 0;
      for (int t = steps - 1; t >= 0; t--) {
        long at = t * n + i;
        float potential = load(h, at);
        float phi = surrogate.derivative(potential - threshold);
        float through = potential >= fireAt ? keep : 1;
        if (attached) {
          through += phi * (keepLess1 * potential + offset);
        }
        delta = load(gradS, at) * phi + delta * leak * through;
        if (repeated) {
          sum += gain * delta;
        } else {
          store(gradX, at, gain * delta);
        }
      }
      if (repeated) {
        store(gradX, i, sum);
      }
    }
  }

  private static float load(MemorySegment segment, long index) {
    return segment.getAtIndex(ValueLayout.JAVA_FLOAT, index);
  }

  private static void store(MemorySegment segment, long index, float value) {
    segment.setAtIndex(ValueLayout.JAVA_FLOAT, index, value);
  }
}
