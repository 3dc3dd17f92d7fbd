package dev.coppice.prune;

import dev.coppice.train.TrainingMethod;
import java.util.List;

/** A method that removes connections while a network is trained, and keeps records of it. */
public interface PruningMethod extends TrainingMethod {
  /** Returns the records so far. */
  List<PruningIteration> history();

  /** Returns the steps of a whole run that need the gradients of pruned weights too. */
  default long denseGradientSteps() {
    return 0;
  }
}
