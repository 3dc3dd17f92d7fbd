package dev.coppice.cli;

import dev.coppice.train.ConvolutionPath;
import dev.coppice.train.Engine;
import picocli.CommandLine.Option;

/** How convolutions run while a network is trained; all ways give the same but for rounding. */
final class ConvolutionOptions {
  @Option(
      names = "--convolutions",
      paramLabel = "WAY",
      description =
          "how convolutions run: auto, dense or sparse, by the surviving weights alone (default:"
              + " auto)")
  ConvolutionPath convolutions = ConvolutionPath.AUTO;

  Engine.Options engine(GlobalOptions global) {
    return global.engine().with(convolutions);
  }
}
