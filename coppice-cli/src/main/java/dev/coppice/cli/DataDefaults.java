package dev.coppice.cli;

/**
 * What suits a data set where the user says nothing.
 *
 * @param net a notation or a network by name
 * @param width of a network by name
 * @param timeSteps T
 * @param padding pixels of padding for random crops, 0 for none
 * @param flip whether images may be mirrored
 */
record DataDefaults(
    String net,
    double width,
    int timeSteps,
    int epochs,
    int batch,
    double learningRate,
    int padding,
    boolean flip) {

  /** Returns the defaults for the data set of this name; unknown ones are taken for folders. */
  static DataDefaults of(String data) {
    return switch (data) {
      case "digits" -> new DataDefaults("16C3-32C3-P2-64C3-P2-FC10", 1, 4, 24, 32, 0.1, 0, false);
      case "mnist", "fashion-mnist" ->
          new DataDefaults("32C3-64C3-P2-64C3-P2-FC10", 1, 4, 20, 32, 0.03, 0, false);
      case "cifar10", "cifar100" -> new DataDefaults("vgg11", 0.5, 4, 60, 64, 0.1, 4, true);
      default -> new DataDefaults("vgg11", 0.5, 4, 60, 64, 0.1, 4, true);
    };
  }
}
