package dev.coppice.train;

import ai.djl.ndarray.NDArray;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import dev.coppice.graph.Op;
import java.util.List;

/** Batch normalisation over T, B, H and W. */
final class BatchNormalization implements LibraryExecutor.Operation {
  private final Op.BatchNorm norm;
  private final NDArray runningMean;
  private final NDArray runningVariance;

  BatchNormalization(String node, Op.BatchNorm norm, Parameters parameters) {
    this.norm = norm;
    this.runningMean = parameters.view(node + ".running_mean");
    this.runningVariance = parameters.view(node + ".running_var");
  }

  @Override
  public NDArray apply(List<NDArray> arrays, boolean constant, Pass pass) {
    NDArray given = arrays.getFirst();
    // libtorch refuses to train on one value per channel; the statistics of two equal ones are its.
    boolean single = pass.training() && given.size() == norm.channels();
    NDArray x = single ? given.concat(given, 0) : given;
    boolean map = x.getShape().dimension() == 4;
    boolean correct = constant && pass.training() && pass.steps() > 1;
    // libtorch keeps the array it updates for the backward pass and must find it unchanged.
    NDArray variance = runningVariance;
    if (correct) {
      variance = runningVariance.duplicate();
      variance.attach(pass.manager());
    }
    NDArray y =
        JniUtils.batchNorm(
            map ? LibraryExecutor.channelsFirst(x) : (PtNDArray) x,
            (PtNDArray) runningMean,
            (PtNDArray) variance,
            (PtNDArray) arrays.get(1),
            (PtNDArray) arrays.get(2),
            pass.training(),
            norm.momentum(),
            norm.eps());
    if (correct) {
      // The statistics of T equal copies are those of one, but for Bessel's n/(n−1).
      double n = given.size() / (double) norm.channels();
      double copies = n * pass.steps();
      double factor = copies / (copies - 1) * ((n - 1) / n);
      runningVariance.muli(1 - norm.momentum());
      NDArray batch = variance.sub(runningVariance);
      runningVariance.addi(batch.muli((float) factor));
      batch.close();
    }
    NDArray normalized = map ? LibraryExecutor.channelsLast(y) : y;
    return single ? normalized.get("0:1") : normalized;
  }
}
