package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The kernels as plain loops over elements: the meaning of the others, and their fallback. They go
 * through the steps of a block of elements before the next block, so that what a step hands to the
 * next stays in the first cache.
 */
final class ScalarKernels implements Kernels {
  private static final int BLOCK = 2048;

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
    int size = (int) Math.min(BLOCK, to - from);
    float[] u = new float[size];
    for (long first = from; first < to; first += size) {
      int count = (int) Math.min(size, to - first);
      for (int i = 0; i < count; i++) {
        u[i] = state == null ? c.rest() : load(state, first, i);
      }
      for (int t = 0; t < steps; t++) {
        long at = t * n + first;
        step(c, x, repeated ? first : at, h, s, at, u, count);
      }
      if (state != null) {
        for (int i = 0; i < count; i++) {
          store(u[i], state, first, i);
        }
      }
    }
    if (probe != null) {
      score(probe, h, steps, n, from, to);
    }
  }

  private static void step(
      NeuronConstants c,
      MemorySegment x,
      long xAt,
      MemorySegment h,
      MemorySegment s,
      long at,
      float[] u,
      int count) {
    float leak = c.leak();
    float gain = c.gain();
    float drift = c.drift();
    float fireAt = c.fireAt();
    float keep = c.keep();
    float offset = c.offset();
    for (int i = 0; i < count; i++) {
      float potential = leak * u[i] + gain * load(x, xAt, i) + drift;
      boolean fired = potential >= fireAt;
      store(potential, h, at, i);
      store(fired ? 1 : 0, s, at, i);
      u[i] = fired ? keep * potential + offset : potential;
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
          sum += respond(probe, load(h, t * n + sample, i));
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

  static float respond(Probe probe, float potential) {
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
    int size = (int) Math.min(BLOCK, to - from);
    float[] delta = new float[size];
    float[] sum = new float[size];
    for (long first = from; first < to; first += size) {
      int count = (int) Math.min(size, to - first);
      Arrays.fill(delta, 0);
      Arrays.fill(sum, 0);
      for (int t = steps - 1; t >= 0; t--) {
        long at = t * n + first;
        stepBack(c, h, gradS, at, delta, count);
        for (int i = 0; i < count; i++) {
          if (repeated) {
            sum[i] += c.gain() * delta[i];
          } else {
            store(c.gain() * delta[i], gradX, at, i);
          }
        }
      }
      if (repeated) {
        for (int i = 0; i < count; i++) {
          store(sum[i], gradX, first, i);
        }
      }
    }
  }

  private static void stepBack(
      NeuronConstants c, MemorySegment h, MemorySegment gradS, long at, float[] delta, int count) {
    SurrogateFunction surrogate = c.surrogate();
    float leak = c.leak();
    float threshold = c.threshold();
    float fireAt = c.fireAt();
    float keep = c.keep();
    float keepLess1 = keep - 1;
    float offset = c.offset();
    boolean attached = c.attached();
    for (int i = 0; i < count; i++) {
      float potential = load(h, at, i);
      float phi = surrogate.derivative(potential - threshold);
      float through = potential >= fireAt ? keep : 1;
      if (attached) {
        through += phi * (keepLess1 * potential + offset);
      }
      delta[i] = load(gradS, at, i) * phi + delta[i] * leak * through;
    }
  }

  @Override
  public void channelMoments(MemorySegment x, ChannelSums sums, long fromRow, long toRow) {
    NormArguments.checkMoments(x, sums, fromRow, toRow);
    ScalarNormNeurons.channelMoments(x, sums, fromRow, toRow);
  }

  @Override
  public void normNeuronForward(
      NeuronConstants c,
      MemorySegment x,
      boolean repeated,
      float[] scale,
      float[] shift,
      @Nullable MemorySegment h,
      MemorySegment s,
      int steps,
      long rows,
      long fromRow,
      long toRow,
      @Nullable Probe probe) {
    NormArguments.checkForward(x, repeated, scale, shift, h, s, steps, rows, fromRow, toRow, probe);
    ScalarNormNeurons.forward(
        c, x, repeated, scale, shift, h, s, steps, rows, fromRow, toRow, probe);
  }

  @Override
  public void packedNeuronForward(
      NeuronConstants c,
      MemorySegment x,
      boolean repeated,
      float[] scale,
      float[] shift,
      long[] packed,
      int steps,
      long rows,
      long fromRow,
      long toRow,
      @Nullable MemorySegment state) {
    NormArguments.checkPacked(
        x, repeated, scale, shift, packed, steps, rows, fromRow, toRow, state);
    ScalarPackedNeurons.forward(
        c, x, repeated, scale, shift, packed, steps, rows, fromRow, toRow, state);
  }

  @Override
  public void normNeuronBackward(
      NeuronConstants c,
      MemorySegment x,
      boolean repeated,
      float[] scale,
      float[] shift,
      float[] mean,
      MemorySegment gradS,
      MemorySegment gradY,
      int steps,
      long rows,
      long fromRow,
      long toRow,
      ChannelSums sums) {
    NormArguments.checkBackward(
        x, repeated, scale, shift, mean, gradS, gradY, steps, rows, fromRow, toRow, sums);
    ScalarNormNeurons.backward(
        c, x, repeated, scale, shift, mean, gradS, gradY, steps, rows, fromRow, toRow, sums);
  }

  @Override
  public void affineCombine(
      MemorySegment gradY,
      MemorySegment x,
      float[] a,
      float[] b,
      float[] c,
      MemorySegment gradX,
      long rows,
      long fromRow,
      long toRow) {
    NormArguments.checkCombine(gradY, x, a, b, c, gradX, rows, fromRow, toRow);
    ScalarNormNeurons.affineCombine(gradY, x, a, b, c, gradX, fromRow, toRow);
  }

  @Override
  public void packSpikes(
      MemorySegment s,
      int channels,
      int levels,
      long[] packed,
      long rows,
      long fromRow,
      long toRow) {
    SpikeArguments.checkPack(s, channels, levels, packed, rows, fromRow, toRow);
    ScalarSpikeConvolution.pack(s, channels, levels, packed, fromRow, toRow);
  }

  @Override
  public void spikeConvForward(
      SpikeConvolution g,
      long[] packed,
      MemorySegment weights,
      MemorySegment out,
      int images,
      int fromImage,
      int toImage) {
    SpikeArguments.checkConvolution(g, packed, weights, out, images);
    SpikeArguments.checkRange("images", fromImage, toImage, images);
    ScalarSpikeConvolution.forward(g, packed, weights, out, fromImage, toImage);
  }

  @Override
  public void denseConvForward(
      DenseConvolution g,
      MemorySegment in,
      MemorySegment weights,
      MemorySegment out,
      int images,
      int fromRow,
      int toRow) {
    SpikeArguments.checkDense(g, in, weights, out, images, fromRow, toRow);
    ScalarDenseConvolution.forward(g, in, weights, out, fromRow, toRow);
  }

  @Override
  public void spikeConvWeightGradient(
      SpikeConvolution g,
      long[] packed,
      MemorySegment gradOut,
      MemorySegment gradWeights,
      int images,
      int fromChannel,
      int toChannel) {
    SpikeArguments.checkConvolution(g, packed, gradWeights, gradOut, images);
    SpikeArguments.checkRange("channels", fromChannel, toChannel, g.in());
    ScalarSpikeConvolution.weightGradient(
        g, packed, gradOut, gradWeights, images, fromChannel, toChannel);
  }

  @Override
  public void inputGradientWeights(
      InputGradient g, MemorySegment weights, float[] transformed, int fromOut, int toOut) {
    GradientArguments.checkWeights(g, weights, transformed, fromOut, toOut);
    ScalarInputGradient.weights(g, weights, transformed, fromOut, toOut);
  }

  @Override
  public void inputGradient(
      InputGradient g,
      MemorySegment gradOut,
      float[] weights,
      MemorySegment gradIn,
      int images,
      long fromTile,
      long toTile) {
    GradientArguments.checkRun(g, gradOut, weights, gradIn, images, fromTile, toTile);
    ScalarInputGradient.run(g, gradOut, weights, gradIn, fromTile, toTile);
  }

  @Override
  public void sparseConvForward(
      SparseConvolution c,
      MemorySegment in,
      MemorySegment out,
      int groups,
      int fromGroup,
      int toGroup,
      int fromRow,
      int toRow) {
    c.checkForward(in, out, groups, fromGroup, toGroup, fromRow, toRow);
    ScalarSparseConvolution.forward(c, in, out, fromGroup, toGroup, fromRow, toRow);
  }

  @Override
  public void sparseConvWeightGradient(
      SparseConvolution c,
      MemorySegment in,
      MemorySegment gradOut,
      float[] gradient,
      int groups,
      int fromRow,
      int toRow) {
    c.checkWeightGradient(in, gradOut, gradient, groups, fromRow, toRow);
    ScalarSparseConvolution.weightGradient(c, in, gradOut, gradient, groups, fromRow, toRow);
  }

  @Override
  public void spikeColumnsForward(
      SpikeColumns c, long[] packed, MemorySegment out, int images, int fromImage, int toImage) {
    c.check(packed, out, images, fromImage, toImage);
    c.forward(packed, out, fromImage, toImage);
  }

  private static float load(MemorySegment segment, long at, int i) {
    return segment.getAtIndex(ValueLayout.JAVA_FLOAT, at + i);
  }

  private static void store(float value, MemorySegment segment, long at, int i) {
    segment.setAtIndex(ValueLayout.JAVA_FLOAT, at + i, value);
  }

  @Override
  public void planeNeuronForward(
      PlaneNeurons n,
      MemorySegment x,
      MemorySegment s,
      int groups,
      int fromPlane,
      int toPlane,
      @Nullable MemorySegment state) {
    n.check(x, s, groups, fromPlane, toPlane, state);
    ScalarPlaneNeurons.forward(n, x, s, fromPlane, toPlane, state);
  }

  @Override
  public void planePoolForward(
      PlanePool p, MemorySegment from, MemorySegment to, int groups, int fromPlane, int toPlane) {
    p.check(from, to, groups, fromPlane, toPlane);
    ScalarPlanePool.forward(p, from, to, fromPlane, toPlane);
  }

  @Override
  public void integerConvForward(
      IntegerConvolution c,
      MemorySegment elements,
      MemorySegment sums,
      int images,
      int fromImage,
      int toImage,
      int fromRow,
      int toRow) {
    c.check(elements, sums, images, fromImage, toImage, fromRow, toRow);
    ScalarIntegerConvolution.forward(c, elements, sums, fromImage, toImage, fromRow, toRow);
  }

  @Override
  public void foldCounts(
      IntegerConvolution c,
      MemorySegment counts,
      MemorySegment elements,
      int images,
      int fromPlane,
      int toPlane) {
    c.checkFold(counts, elements, images, fromPlane, toPlane);
    ScalarIntegerConvolution.fold(c.folded, counts, elements, fromPlane, toPlane);
  }

  @Override
  public void byteConvForward(
      ByteConvolution c,
      MemorySegment counts,
      MemorySegment sums,
      int images,
      int fromImage,
      int toImage,
      int fromRow,
      int toRow) {
    c.check(counts, sums, images, fromImage, toImage, fromRow, toRow);
    ScalarByteConvolution.forward(c, counts, sums, fromImage, toImage, fromRow, toRow);
  }

  @Override
  public int byteSum(MemorySegment counts, long from, int count) {
    NeuronArguments.requireFloats("counts", counts, from + count);
    return ScalarByteConvolution.sum(counts, from, count);
  }

  @Override
  public int countSum(MemorySegment counts, long from, int count) {
    NeuronArguments.requireFloats("counts", counts, (from + count) * Short.BYTES);
    return ScalarIntegerConvolution.sum(counts, from, count);
  }

  @Override
  public float planeSum(MemorySegment planes, long from, int count) {
    NeuronArguments.requireFloats("planes", planes, (from + count) * Float.BYTES);
    return ScalarPlanePool.sum(planes, from, count);
  }

  @Override
  public void planeMoments(
      PlaneSteps p,
      MemorySegment x,
      double[] mean,
      double[] variance,
      int fromChannel,
      int toChannel) {
    p.checkMoments(x, mean, variance, fromChannel, toChannel);
    ScalarPlaneSteps.moments(p, x, mean, variance, fromChannel, toChannel);
  }

  @Override
  public void planeStepsForward(
      NeuronConstants c,
      PlaneSteps p,
      MemorySegment x,
      float[] scale,
      float[] shift,
      MemorySegment s,
      int fromChannel,
      int toChannel) {
    p.checkForward(x, scale, shift, s, fromChannel, toChannel);
    ScalarPlaneSteps.forward(c, p, x, scale, shift, s, fromChannel, toChannel);
  }

  @Override
  public void planeStepsFire(
      NeuronConstants c,
      PlaneSteps p,
      MemorySegment x,
      float[] scale,
      float[] shift,
      MemorySegment marks,
      int fromChannel,
      int toChannel) {
    PlaneMarks.checkFire(p, x, scale, shift, marks, fromChannel, toChannel);
    PlaneMarks.fire(this, c, p, x, scale, shift, marks, fromChannel, toChannel);
  }

  @Override
  public void planeStepsBackward(
      NeuronConstants c,
      PlaneSteps p,
      MemorySegment x,
      float[] scale,
      float[] shift,
      float[] mean,
      MemorySegment gradS,
      MemorySegment gradY,
      double[] sums,
      double[] centredSums,
      int fromChannel,
      int toChannel) {
    p.checkBackward(x, scale, shift, mean, gradS, gradY, sums, centredSums, fromChannel, toChannel);
    ScalarPlaneSteps.backward(
        c, p, x, scale, shift, mean, gradS, gradY, sums, centredSums, fromChannel, toChannel);
  }

  @Override
  public void planeAffineCombine(
      PlaneSteps p,
      MemorySegment gradY,
      MemorySegment x,
      float[] a,
      float[] b,
      float[] c,
      MemorySegment gradX,
      int fromChannel,
      int toChannel) {
    p.checkCombine(gradY, x, a, b, c, gradX, fromChannel, toChannel);
    ScalarPlaneSteps.affineCombine(p, gradY, x, a, b, c, gradX, fromChannel, toChannel);
  }

  @Override
  public void planeAverage(
      PlaneAverage p,
      MemorySegment x,
      MemorySegment y,
      int groups,
      int fromChannel,
      int toChannel) {
    p.check(x, y, groups, fromChannel, toChannel);
    ScalarPlaneSteps.pool(p, x, y, groups, fromChannel, toChannel);
  }

  @Override
  public void planeMarksAverage(
      PlaneAverage p,
      MemorySegment marks,
      MemorySegment y,
      int groups,
      int fromChannel,
      int toChannel) {
    PlaneMarks.checkAverage(p, marks, y, groups, fromChannel, toChannel);
    PlaneMarks.average(this, p, marks, y, groups, fromChannel, toChannel);
  }

  @Override
  public void planeAverageBackward(
      PlaneAverage p,
      MemorySegment gradY,
      MemorySegment gradX,
      int groups,
      int fromChannel,
      int toChannel) {
    p.check(gradX, gradY, groups, fromChannel, toChannel);
    ScalarPlaneSteps.poolBackward(p, gradY, gradX, groups, fromChannel, toChannel);
  }

  @Override
  public void packPlaneMarks(
      Planes planes,
      MemorySegment spikes,
      MemorySegment marks,
      int groups,
      int fromPlane,
      int toPlane) {
    PlaneMarks.checkPack(planes, spikes, marks, groups, fromPlane, toPlane);
    PlaneMarks.pack(planes, spikes, marks, groups, fromPlane, toPlane);
  }

  @Override
  public void unpackPlaneMarks(
      Planes planes,
      MemorySegment marks,
      MemorySegment spikes,
      int groups,
      int fromPlane,
      int toPlane) {
    PlaneMarks.checkPack(planes, spikes, marks, groups, fromPlane, toPlane);
    PlaneMarks.unpack(planes, marks, spikes, groups, fromPlane, toPlane);
  }

  @Override
  public void planeMarksForward(
      SparseConvolution c,
      MemorySegment marks,
      MemorySegment out,
      int groups,
      int fromGroup,
      int toGroup,
      int fromRow,
      int toRow) {
    PlaneMarks.checkForward(c, marks, out, groups, fromGroup, toGroup, fromRow, toRow);
    PlaneMarks.forward(this, c, marks, out, groups, fromGroup, toGroup, fromRow, toRow);
  }

  @Override
  public void planeMarksWeightGradient(
      SparseConvolution c,
      MemorySegment marks,
      MemorySegment gradOut,
      float[] gradient,
      int groups,
      int fromRow,
      int toRow) {
    PlaneMarks.checkWeightGradient(c, marks, gradOut, gradient, groups, fromRow, toRow);
    PlaneMarks.weightGradient(this, c, marks, gradOut, gradient, groups, fromRow, toRow);
  }
}
