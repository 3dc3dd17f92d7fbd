package dev.coppice.examples;

import dev.coppice.runtime.Inference;
import dev.coppice.runtime.Session;
import dev.coppice.runtime.SpikingRuntime;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;

/** Loads a model and answers one image, here a grey one; nothing but the runtime is needed. */
final class RunModel {
  private RunModel() {}

  public static void main(String[] args) throws IOException {
    SpikingRuntime network = SpikingRuntime.load(Path.of(args[0]));
    float[] image = new float[network.inputShape().size()]; // [H, W, C], pixels in 0..1
    Arrays.fill(image, 0.5f);
    try (Session session = network.session()) { // one per thread
      Inference answer = session.run(image);
      System.out.println("class " + answer.predicted() + " of " + Arrays.toString(answer.logits()));
      System.out.println(answer.spikes() + " spikes, " + answer.operations() + " operations");
    }
  }
}
