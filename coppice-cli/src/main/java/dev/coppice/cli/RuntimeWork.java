package dev.coppice.cli;

/**
 * What a measurement of the runtime runs.
 *
 * @param model a model file
 * @param images a file of {@link BenchImages}
 * @param timeSteps T
 * @param batch images in a run
 * @param warmup runs that are not counted
 * @param runs runs that are counted
 */
record RuntimeWork(
    String model, String images, int timeSteps, int threads, int batch, int warmup, int runs) {}
