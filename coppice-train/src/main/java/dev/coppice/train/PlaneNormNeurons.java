package dev.coppice.train;

import dev.coppice.kernels.Kernels;
import dev.coppice.kernels.NeuronConstants;
import dev.coppice.kernels.PlaneSteps;
import java.lang.foreign.MemorySegment;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What {@link NormNeuronExecutor} does, in planes. A channel's statistics need that channel alone,
 * so that all of it happens while what computes the input has it in the cache.
 */
final class PlaneNormNeurons {
  private final String name;
  private final ChannelNorm norm;
  private final NeuronConstants constants;
  private final boolean inputGradient;
  private final Kernels kernels;
  private final PlaneStore store;

  PlaneNormNeurons(
      String name,
      ChannelNorm norm,
      NeuronConstants constants,
      boolean inputGradient,
      Kernels kernels,
      PlaneStore store) {
    this.name = name;
    this.norm = norm;
    this.constants = constants;
    this.inputGradient = inputGradient;
    this.kernels = kernels;
    this.store = store;
  }

  Executor.Result forward(Activation input, Pass pass) {
    PlaneMaps x = Objects.requireNonNull(input.maps().planes());
    PlaneSteps geometry =
        new PlaneSteps(
            x.layout(), pass.steps(), pass.batch() / x.layout().group(), input.constant());
    MemorySegment in = x.memory();
    int images = pass.steps() * pass.batch();
    boolean marks = store.prefersMarks(x.layout());
    PlaneMaps spikes =
        marks
            ? store.takeMarks(x.layout(), images, x.live())
            : store.take(x.layout(), images, x.live());
    MemorySegment out = spikes.memory();
    boolean training = pass.training();
    ChannelNorm.Affine affine = training ? norm.affine() : norm.running();
    double[] mean = new double[norm.channels()];
    double[] variance = new double[norm.channels()];
    double count = (double) geometry.channelSize() * (input.constant() ? pass.steps() : 1);
    if (training) {
      // What is left out is zero, and so are its mean and variance.
      x.live().eachOther((from, to) -> norm.batch(affine, mean, variance, count, from, to));
    }
    spikes.lazily(
        store.timed(
            name,
            (from, to) -> {
              if (training) {
                kernels.planeMoments(geometry, in, mean, variance, from, to);
                norm.batch(affine, mean, variance, count, from, to);
              }
              float[] scale = affine.scale();
              float[] shift = affine.shift();
              if (marks) {
                kernels.planeStepsFire(constants, geometry, in, scale, shift, out, from, to);
              } else {
                kernels.planeStepsForward(constants, geometry, in, scale, shift, out, from, to);
              }
            }),
        x);
    Activation activation = new Activation(Maps.of(spikes, pass.manager()), false);
    if (!training) {
      return new Executor.Result(activation, null);
    }
    x.retain();
    return new Executor.Result(
        activation, (PlaneBackward) gradient -> back(gradient, x, geometry, affine, pass));
  }

  private @Nullable Maps back(
      Maps gradient, PlaneMaps x, PlaneSteps geometry, ChannelNorm.Affine affine, Pass pass) {
    PlaneMaps incoming = gradient.takePlanes(x.layout(), store);
    PlaneMaps result =
        geometry.repeated() ? store.take(x.layout(), x.images(), x.live()) : incoming;
    MemorySegment in = x.memory();
    MemorySegment gradS = incoming.memory();
    MemorySegment gradX = result.memory();
    double[] first = new double[norm.channels()];
    double[] second = new double[norm.channels()];
    ChannelNorm.Slopes slopes = norm.slopes();
    PlaneMaps.Filler filler =
        store.timed(
            name,
            (from, to) -> {
              kernels.planeStepsBackward(
                  constants,
                  geometry,
                  in,
                  affine.scale(),
                  affine.shift(),
                  affine.mean(),
                  gradS,
                  gradX,
                  first,
                  second,
                  from,
                  to);
              ChannelNorm.slopes(slopes, affine, first, second, geometry.channelSize(), from, to);
              kernels.planeAffineCombine(
                  geometry, gradX, in, slopes.a(), slopes.b(), slopes.c(), gradX, from, to);
            });
    if (geometry.repeated()) {
      result.lazily(filler, incoming);
      incoming.release();
    } else {
      result.leave(x.live());
      result.lazily(filler);
    }
    result.then(
        () -> {
          norm.publish(slopes, pass);
          x.release();
        });
    if (!inputGradient) {
      result.complete();
      result.release();
      return null;
    }
    return Maps.of(result, pass.manager());
  }
}
