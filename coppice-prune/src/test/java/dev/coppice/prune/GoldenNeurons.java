package dev.coppice.prune;

import dev.coppice.graph.Charge;
import dev.coppice.graph.Op;
import dev.coppice.graph.Reset;
import dev.coppice.graph.Surrogate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads the golden files' descriptions of neurons. */
final class GoldenNeurons {
  private GoldenNeurons() {}

  /** Returns the neuron of a case name, or of a network's description in words. */
  static Op.Neuron parse(String text) {
    if (text.contains("decay0.") || text.startsWith("decay ")) {
      return new Op.Neuron(
          new Charge.Decay(number(text, "decay ?([0-9.]+)")),
          0.5f,
          true,
          new Reset.Hard(0),
          false,
          surrogate(text));
    }
    boolean soft = text.contains("soft");
    boolean integrate = text.startsWith("if-");
    Charge charge =
        integrate
            ? new Charge.Integrate()
            : new Charge.TimeConstant(
                text.contains("tau4over3") ? 4f / 3 : number(text, "tau=?([0-9.]+)"),
                text.contains("decayinput") || text.contains("decay-input"));
    // The integrate-and-fire cases detach the soft reset only.
    boolean detached = integrate ? soft : text.contains("detach");
    return new Op.Neuron(
        charge, 1, false, soft ? new Reset.Soft() : new Reset.Hard(0), detached, surrogate(text));
  }

  private static Surrogate surrogate(String text) {
    String lower = text.toLowerCase(java.util.Locale.ROOT);
    if (lower.contains("atan")) {
      return new Surrogate.ATan(number(lower, "atan([0-9.]+)"));
    }
    if (lower.contains("sigmoid")) {
      return new Surrogate.Sigmoid(number(lower, "sigmoid([0-9.]+)"));
    }
    if (lower.contains("tanh")) {
      return new Surrogate.Tanh(number(lower, "tanh([0-9.]+)"));
    }
    throw new IllegalArgumentException("no surrogate in " + text);
  }

  private static float number(String text, String pattern) {
    Matcher matcher = Pattern.compile(pattern).matcher(text);
    if (!matcher.find()) {
      throw new IllegalArgumentException("no " + pattern + " in " + text);
    }
    return Float.parseFloat(matcher.group(1));
  }
}
