package dev.coppice.kernels;

import static dev.coppice.kernels.VectorNormNeurons.bytes;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import org.jspecify.annotations.Nullable;

/**
 * The kernels with the Vector API. A vector of neurons runs through all steps in registers; what a
 * surrogate adds to that is evaluated for a block of elements at a time, in the first cache.
 */
final class VectorKernels implements Kernels {
  /** Floats of scratch memory, 16 KiB. */
  private static final int CACHED = 4096;

  private static final int LEAST_BLOCK = 64;
  private static final int LEAST_BITS = 128;

  /** Throws {@link UnsupportedOperationException} when vectors are narrower than 128 bit. */
  VectorKernels() {
    if (Lanes.FLOATS.vectorBitSize() < LEAST_BITS) {
      throw new UnsupportedOperationException(
          "vectors have only " + Lanes.FLOATS.vectorBitSize() + " bit");
    }
  }

  @Override
  public String describe() {
    return "vector, " + Lanes.FLOATS.vectorBitSize() + " bit";
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
    int size = blockSize(steps, to - from);
    float[] u = new float[size];
    float[] sum = new float[probe == null ? 0 : size];
    if (probe != null) {
      Arrays.fill(probe.scores(), probe.firstScore(from), probe.firstScore(to), probe.identity());
    }
    for (long first = from; first < to; first += size) {
      int count = (int) Math.min(size, to - first);
      if (state == null) {
        Arrays.fill(u, 0, count, c.rest());
      } else {
        MemorySegment.copy(state, ValueLayout.JAVA_FLOAT, bytes(first), u, 0, count);
      }
      run(c, x, repeated ? 0 : bytes(n), h, s, bytes(n), steps, first, u, count);
      if (state != null) {
        MemorySegment.copy(u, 0, state, ValueLayout.JAVA_FLOAT, bytes(first), count);
      }
      if (probe != null) {
        respond(probe, h, steps, bytes(n), bytes(first), sum, count);
        pool(probe, first, sum, count);
      }
    }
    if (probe != null) {
      float divisor = probe.divisor(steps);
      for (int k = probe.firstScore(from); k < probe.firstScore(to); k++) {
        probe.scores()[k] /= divisor;
      }
    }
  }

  /** Elements at a time, so that all steps of them fit into half of a small first cache. */
  private static int blockSize(int steps, long elements) {
    return (int) Math.min(elements, Math.max(CACHED / steps, LEAST_BLOCK));
  }

  /**
   * Runs a block of neurons, each vector of them through all steps with the potential in a
   * register.
   *
   * @param xStride bytes from a step of {@code x} to the next
   * @param stride bytes from a step of the other arrays to the next
   * @param u potential after reset {@code [count]}, before the first step and after the last
   */
  private static void run(
      NeuronConstants c,
      MemorySegment x,
      long xStride,
      MemorySegment h,
      MemorySegment s,
      long stride,
      int steps,
      long first,
      float[] u,
      int count) {
    float leak = c.leak();
    float gain = c.gain();
    float drift = c.drift();
    float fireAt = c.fireAt();
    float keep = c.keep();
    float offset = c.offset();
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      FloatVector v = FloatVector.fromArray(Lanes.FLOATS, u, i);
      // Offsets that grow by a step, not products: the compiler then hoists the checks of bounds.
      long at = bytes(first);
      long xAt = at;
      for (int t = 0; t < steps; t++) {
        FloatVector current =
            FloatVector.fromMemorySegment(Lanes.FLOATS, x, xAt + bytes(i), Lanes.ORDER);
        FloatVector potential = v.mul(leak).add(current.mul(gain)).add(drift);
        VectorMask<Float> fired = potential.compare(VectorOperators.GE, fireAt);
        potential.intoMemorySegment(h, at + bytes(i), Lanes.ORDER);
        zero.blend(1, fired).intoMemorySegment(s, at + bytes(i), Lanes.ORDER);
        v = potential.blend(potential.mul(keep).add(offset), fired);
        at += stride;
        xAt += xStride;
      }
      v.intoArray(u, i);
    }
    for (; i < count; i++) {
      long at = bytes(first);
      long xAt = at;
      for (int t = 0; t < steps; t++) {
        float current = loadOne(x, xAt, i);
        float potential = leak * u[i] + gain * current + drift;
        boolean fired = potential >= fireAt;
        storeOne(potential, h, at, i);
        storeOne(fired ? 1 : 0, s, at, i);
        u[i] = fired ? keep * potential + offset : potential;
        at += stride;
        xAt += xStride;
      }
    }
  }

  /**
   * Writes the responses of {@code count} elements, summed over the steps.
   *
   * @param stride bytes from a step to the next
   * @param first offset of the first potential
   */
  static void respond(
      Probe probe, MemorySegment h, int steps, long stride, long first, float[] sum, int count) {
    float[] step = new float[count];
    for (int t = 0; t < steps; t++) {
      float[] out = t == 0 ? sum : step;
      long at = first + t * stride;
      float threshold = probe.threshold();
      switch (probe.response()) {
        case DERIVATIVE ->
            VectorSurrogates.derivative(probe.surrogate(), h, at, threshold, out, 0, count);
        case FUNCTION ->
            VectorSurrogates.unclampedPrimitive(probe.surrogate(), h, at, threshold, out, 0, count);
      }
      if (t > 0) {
        add(sum, 0, step, 0, count);
      }
    }
  }

  /** Pools the sums over the steps of {@code count} elements, row of channels by row. */
  static void pool(Probe probe, long first, float[] sum, int count) {
    int channels = probe.channels();
    int done = 0;
    while (done < count) {
      int channel = (int) ((first + done) % channels);
      int score = probe.firstScore(first + done) + channel;
      int row = Math.min(channels - channel, count - done);
      switch (probe.pooling()) {
        case MAX -> max(probe.scores(), score, sum, done, row);
        case MEAN -> add(probe.scores(), score, sum, done, row);
      }
      done += row;
    }
  }

  private static void max(float[] into, int intoAt, float[] from, int fromAt, int count) {
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      FloatVector.fromArray(Lanes.FLOATS, into, intoAt + i)
          .max(FloatVector.fromArray(Lanes.FLOATS, from, fromAt + i))
          .intoArray(into, intoAt + i);
    }
    for (; i < count; i++) {
      into[intoAt + i] = Math.max(into[intoAt + i], from[fromAt + i]);
    }
  }

  private static void add(float[] into, int intoAt, float[] from, int fromAt, int count) {
    int i = 0;
    for (; i < Lanes.FLOATS.loopBound(count); i += Lanes.COUNT) {
      FloatVector.fromArray(Lanes.FLOATS, into, intoAt + i)
          .add(FloatVector.fromArray(Lanes.FLOATS, from, fromAt + i))
          .intoArray(into, intoAt + i);
    }
    for (; i < count; i++) {
      into[intoAt + i] += from[fromAt + i];
    }
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
    int size = blockSize(steps, to - from);
    float[] phi = new float[Math.multiplyExact(size, steps)];
    for (long first = from; first < to; first += size) {
      int count = (int) Math.min(size, to - first);
      for (int t = 0; t < steps; t++) {
        VectorSurrogates.derivative(
            c.surrogate(), h, bytes(t * n + first), c.threshold(), phi, t * size, count);
      }
      int done =
          c.attached()
              ? runBackAttached(c, h, gradS, gradX, steps, n, first, repeated, phi, size, count)
              : runBackDetached(c, h, gradS, gradX, steps, n, first, repeated, phi, size, count);
      runBackRest(c, h, gradS, gradX, steps, n, first, repeated, phi, size, done, count);
    }
  }

  private static int runBackDetached(
      NeuronConstants c,
      MemorySegment h,
      MemorySegment gradS,
      MemorySegment gradX,
      int steps,
      long n,
      long first,
      boolean repeated,
      float[] phi,
      int size,
      int count) {
    float leak = c.leak();
    float gain = c.gain();
    float fireAt = c.fireAt();
    float keep = c.keep();
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    FloatVector one = FloatVector.broadcast(Lanes.FLOATS, 1);
    long stride = bytes(n);
    long last = bytes((steps - 1) * n + first);
    int end = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < end; i += Lanes.COUNT) {
      FloatVector delta = zero;
      FloatVector sum = zero;
      long at = last;
      for (int t = steps - 1; t >= 0; t--) {
        FloatVector slope = FloatVector.fromArray(Lanes.FLOATS, phi, t * size + i);
        VectorMask<Float> fired =
            FloatVector.fromMemorySegment(Lanes.FLOATS, h, at + bytes(i), Lanes.ORDER)
                .compare(VectorOperators.GE, fireAt);
        FloatVector through = one.blend(keep, fired);
        delta =
            FloatVector.fromMemorySegment(Lanes.FLOATS, gradS, at + bytes(i), Lanes.ORDER)
                .mul(slope)
                .add(delta.mul(leak).mul(through));
        FloatVector scaled = delta.mul(gain);
        sum = sum.add(scaled);
        if (!repeated) {
          scaled.intoMemorySegment(gradX, at + bytes(i), Lanes.ORDER);
        }
        at -= stride;
      }
      if (repeated) {
        sum.intoMemorySegment(gradX, bytes(first + i), Lanes.ORDER);
      }
    }
    return end;
  }

  private static int runBackAttached(
      NeuronConstants c,
      MemorySegment h,
      MemorySegment gradS,
      MemorySegment gradX,
      int steps,
      long n,
      long first,
      boolean repeated,
      float[] phi,
      int size,
      int count) {
    float leak = c.leak();
    float gain = c.gain();
    float fireAt = c.fireAt();
    float keep = c.keep();
    float keepLess1 = keep - 1;
    float offset = c.offset();
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    FloatVector one = FloatVector.broadcast(Lanes.FLOATS, 1);
    long stride = bytes(n);
    long last = bytes((steps - 1) * n + first);
    int end = Lanes.FLOATS.loopBound(count);
    for (int i = 0; i < end; i += Lanes.COUNT) {
      FloatVector delta = zero;
      FloatVector sum = zero;
      long at = last;
      for (int t = steps - 1; t >= 0; t--) {
        FloatVector slope = FloatVector.fromArray(Lanes.FLOATS, phi, t * size + i);
        FloatVector potential =
            FloatVector.fromMemorySegment(Lanes.FLOATS, h, at + bytes(i), Lanes.ORDER);
        VectorMask<Float> fired = potential.compare(VectorOperators.GE, fireAt);
        FloatVector through =
            one.blend(keep, fired).add(slope.mul(potential.mul(keepLess1).add(offset)));
        delta =
            FloatVector.fromMemorySegment(Lanes.FLOATS, gradS, at + bytes(i), Lanes.ORDER)
                .mul(slope)
                .add(delta.mul(leak).mul(through));
        FloatVector scaled = delta.mul(gain);
        sum = sum.add(scaled);
        if (!repeated) {
          scaled.intoMemorySegment(gradX, at + bytes(i), Lanes.ORDER);
        }
        at -= stride;
      }
      if (repeated) {
        sum.intoMemorySegment(gradX, bytes(first + i), Lanes.ORDER);
      }
    }
    return end;
  }

  /** The elements that fill no vector. */
  private static void runBackRest(
      NeuronConstants c,
      MemorySegment h,
      MemorySegment gradS,
      MemorySegment gradX,
      int steps,
      long n,
      long first,
      boolean repeated,
      float[] phi,
      int size,
      int done,
      int count) {
    float keepLess1 = c.keep() - 1;
    for (int i = done; i < count; i++) {
      float delta = 0;
      float sum = 0;
      for (int t = steps - 1; t >= 0; t--) {
        long at = bytes(t * n + first);
        float slope = phi[t * size + i];
        float potential = loadOne(h, at, i);
        float through = potential >= c.fireAt() ? c.keep() : 1;
        if (c.attached()) {
          through += slope * (keepLess1 * potential + c.offset());
        }
        delta = loadOne(gradS, at, i) * slope + delta * c.leak() * through;
        sum += c.gain() * delta;
        if (!repeated) {
          storeOne(c.gain() * delta, gradX, at, i);
        }
      }
      if (repeated) {
        storeOne(sum, gradX, bytes(first), i);
      }
    }
  }

  @Override
  public void channelMoments(MemorySegment x, ChannelSums sums, long fromRow, long toRow) {
    NormArguments.checkMoments(x, sums, fromRow, toRow);
    VectorNormNeurons.channelMoments(x, sums, fromRow, toRow);
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
    VectorNormNeurons.forward(
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
    VectorPackedNeurons.forward(
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
    VectorNormNeurons.backward(
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
    VectorNormNeurons.affineCombine(gradY, x, a, b, c, gradX, fromRow, toRow);
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
    VectorSpikeConvolution.pack(s, channels, levels, packed, fromRow, toRow);
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
    VectorSpikeConvolution.forward(g, packed, weights, out, fromImage, toImage);
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
    VectorDenseConvolution.forward(g, in, weights, out, fromRow, toRow);
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
    VectorSpikeConvolution.weightGradient(
        g, packed, gradOut, gradWeights, images, fromChannel, toChannel);
  }

  @Override
  public void inputGradientWeights(
      InputGradient g, MemorySegment weights, float[] transformed, int fromOut, int toOut) {
    GradientArguments.checkWeights(g, weights, transformed, fromOut, toOut);
    VectorInputGradient.weights(g, weights, transformed, fromOut, toOut);
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
    VectorInputGradient.run(g, gradOut, weights, gradIn, fromTile, toTile);
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
    VectorSparseConvolution.forward(c, in, out, fromGroup, toGroup, fromRow, toRow);
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
    VectorSparseConvolution.weightGradient(c, in, gradOut, gradient, groups, fromRow, toRow);
  }

  @Override
  public void spikeColumnsForward(
      SpikeColumns c, long[] packed, MemorySegment out, int images, int fromImage, int toImage) {
    c.check(packed, out, images, fromImage, toImage);
    c.forward(packed, out, fromImage, toImage);
  }

  private static float loadOne(MemorySegment segment, long at, int i) {
    return segment.get(ValueLayout.JAVA_FLOAT, at + bytes(i));
  }

  private static void storeOne(float value, MemorySegment segment, long at, int i) {
    segment.set(ValueLayout.JAVA_FLOAT, at + bytes(i), value);
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
    VectorPlaneNeurons.forward(n, x, s, fromPlane, toPlane, state);
  }

  @Override
  public void planePoolForward(
      PlanePool p, MemorySegment from, MemorySegment to, int groups, int fromPlane, int toPlane) {
    p.check(from, to, groups, fromPlane, toPlane);
    VectorPlanePool.forward(p, from, to, fromPlane, toPlane);
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
    VectorIntegerConvolution.forward(c, elements, sums, fromImage, toImage, fromRow, toRow);
  }

  @Override
  public void integerNeuronForward(
      IntegerConvolution c,
      PlaneNeurons n,
      MemorySegment elements,
      MemorySegment sums,
      MemorySegment s,
      int images,
      int fromImage,
      int toImage,
      int fromRow,
      int toRow,
      @Nullable MemorySegment state) {
    SumRuns runs = c.runs;
    if (state != null || runs == null || !VectorIntegerNeurons.fits(c, n)) {
      Kernels.super.integerNeuronForward(
          c, n, elements, sums, s, images, fromImage, toImage, fromRow, toRow, state);
      return;
    }
    c.check(elements, sums, images, fromImage, toImage, fromRow, toRow);
    n.check(sums, s, images, 0, 0, null);
    VectorIntegerNeurons.forward(c, runs, n, elements, s, fromImage, toImage, fromRow, toRow);
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
    VectorFoldedPlanes.fold(c.folded, counts, elements, fromPlane, toPlane);
  }

  @Override
  public int countSum(MemorySegment counts, long from, int count) {
    NeuronArguments.requireFloats("counts", counts, (from + count) * Short.BYTES);
    return VectorFoldedPlanes.sum(counts, from, count);
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
    VectorByteConvolution.forward(c, counts, sums, fromImage, toImage, fromRow, toRow);
  }

  @Override
  public void byteNeuronForward(
      ByteConvolution c,
      PlaneNeurons n,
      MemorySegment counts,
      MemorySegment sums,
      MemorySegment s,
      int images,
      int fromImage,
      int toImage,
      int fromRow,
      int toRow,
      @Nullable MemorySegment state) {
    if (state != null || !VectorByteConvolution.fires(c, n)) {
      Kernels.super.byteNeuronForward(
          c, n, counts, sums, s, images, fromImage, toImage, fromRow, toRow, state);
      return;
    }
    c.check(counts, sums, images, fromImage, toImage, fromRow, toRow);
    n.check(sums, s, images, 0, 0, null);
    VectorByteConvolution.fire(c, n, counts, s, fromImage, toImage, fromRow, toRow);
  }

  @Override
  public int byteSum(MemorySegment counts, long from, int count) {
    NeuronArguments.requireFloats("counts", counts, from + count);
    return VectorBytePool.sum(counts, from, count);
  }

  @Override
  public PlaneNumbers quantised() {
    return VectorIntegerConvolution.FITS ? PlaneNumbers.COUNTS : PlaneNumbers.BYTES;
  }

  @Override
  public float planeSum(MemorySegment planes, long from, int count) {
    NeuronArguments.requireFloats("planes", planes, (from + count) * Float.BYTES);
    return VectorPlanePool.sum(planes, from, count);
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
    VectorPlaneSteps.moments(p, x, mean, variance, fromChannel, toChannel);
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
    VectorPlaneSteps.forward(c, p, x, scale, shift, s, false, fromChannel, toChannel);
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
    if (VectorPlaneMarks.runs()) {
      VectorPlaneSteps.forward(c, p, x, scale, shift, marks, true, fromChannel, toChannel);
    } else {
      PlaneMarks.fire(this, c, p, x, scale, shift, marks, fromChannel, toChannel);
    }
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
    VectorPlaneSteps.backward(
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
    VectorPlaneSteps.affineCombine(p, gradY, x, a, b, c, gradX, fromChannel, toChannel);
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
    VectorPlaneSteps.pool(p, x, y, groups, fromChannel, toChannel);
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
    if (VectorPlaneMarks.runs()) {
      VectorPlaneMarks.average(p, marks, y, groups, fromChannel, toChannel);
    } else {
      PlaneMarks.average(this, p, marks, y, groups, fromChannel, toChannel);
    }
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
    VectorPlaneSteps.poolBackward(p, gradY, gradX, groups, fromChannel, toChannel);
  }

  @Override
  public boolean prefersPlaneMarks() {
    return VectorPlaneMarks.runs();
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
    if (VectorPlaneMarks.runs()) {
      VectorPlaneMarks.pack(planes, spikes, marks, groups, fromPlane, toPlane);
    } else {
      PlaneMarks.pack(planes, spikes, marks, groups, fromPlane, toPlane);
    }
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
    if (VectorPlaneMarks.runs()) {
      VectorPlaneMarks.unpack(planes, marks, spikes, groups, fromPlane, toPlane);
    } else {
      PlaneMarks.unpack(planes, marks, spikes, groups, fromPlane, toPlane);
    }
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
    if (VectorPlaneMarks.runs()) {
      VectorPlaneMarks.forward(c, marks, out, fromGroup, toGroup, fromRow, toRow);
    } else {
      PlaneMarks.forward(this, c, marks, out, groups, fromGroup, toGroup, fromRow, toRow);
    }
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
    if (VectorPlaneMarks.runs()) {
      VectorPlaneMarks.weightGradient(c, marks, gradOut, gradient, groups, fromRow, toRow);
    } else {
      PlaneMarks.weightGradient(this, c, marks, gradOut, gradient, groups, fromRow, toRow);
    }
  }
}
