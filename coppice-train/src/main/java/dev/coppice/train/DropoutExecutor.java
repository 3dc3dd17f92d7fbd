package dev.coppice.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import java.util.Collections;
import java.util.List;
import java.util.random.RandomGeneratorFactory;

/**
 * Zeroes elements and scales the others by {@code 1/(1−rate)}, the same ones at every time step.
 */
final class DropoutExecutor implements Executor {
  private final float rate;
  private final long salt;

  /**
   * Makes an executor.
   *
   * @param salt distinguishes this node's draws from those of other nodes
   */
  DropoutExecutor(float rate, long salt) {
    this.rate = rate;
    this.salt = salt;
  }

  @Override
  public Result forward(List<Activation> inputs, Pass pass) {
    Activation input = inputs.getFirst();
    if (!pass.training() || rate == 0) {
      NDArray output = input.array().duplicate();
      return new Result(
          new Activation(output, input.constant()),
          pass.training() ? gradient -> Collections.singletonList(gradient) : null);
    }
    NDArray keep = mask(input, pass);
    NDArray output = input.array().mul(keep);
    return new Result(
        new Activation(output, input.constant()),
        gradient -> {
          NDArray result = gradient.muli(keep);
          keep.close();
          return Collections.singletonList(result);
        });
  }

  private NDArray mask(Activation input, Pass pass) {
    Shape shape = input.array().getShape();
    int copies = input.constant() ? 1 : pass.steps();
    float[] keep = new float[Math.toIntExact(shape.size())];
    int sample = keep.length / copies;
    var random = RandomGeneratorFactory.of("L64X128MixRandom").create(pass.seed() ^ salt);
    float scale = 1 / (1 - rate);
    for (int i = 0; i < sample; i++) {
      keep[i] = random.nextFloat() < rate ? 0 : scale;
    }
    for (int t = 1; t < copies; t++) {
      System.arraycopy(keep, 0, keep, t * sample, sample);
    }
    return Memory.upload(pass.manager(), keep, shape);
  }
}
