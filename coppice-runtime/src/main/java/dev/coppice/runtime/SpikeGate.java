package dev.coppice.runtime;

/**
 * Packed spikes of the neurons whose gates are open.
 *
 * @param open {@code [pixels, words]}: a bit for every channel
 */
record SpikeGate(String node, long[] open, Value.Spikes in, Value.Spikes out) implements Step {
  /** Returns whether every gate is open or shut: 1 or 0. */
  static boolean covers(float[] gates) {
    for (float gate : gates) {
      if (gate != 0 && gate != 1) {
        return false;
      }
    }
    return true;
  }

  /**
   * Makes the step.
   *
   * @param gates {@code [pixels, channels]}, each 0 or 1
   */
  static SpikeGate of(String node, float[] gates, Value.Spikes in, Value.Spikes out) {
    long[] open = new long[in.pixels() * in.words()];
    for (int i = 0; i < gates.length; i++) {
      if (gates[i] != 0) {
        int channel = i % in.channels();
        open[i / in.channels() * in.words() + channel / Long.SIZE] |= 1L << channel;
      }
    }
    return new SpikeGate(node, open, in, out);
  }

  @Override
  public void run(Frame frame) {
    work(frame, 0, (long) frame.samples(false) * in.pixels());
  }

  @Override
  public void work(Frame frame, long from, long to) {
    long[] source = frame.words[in.buffer()];
    long[] target = frame.words[out.buffer()];
    int words = in.words();
    for (int pixel = (int) from; pixel < to; pixel++) {
      int gate = pixel % in.pixels() * words;
      for (int level = 0; level < in.levels(); level++) {
        int at = (pixel * in.levels() + level) * words;
        for (int word = 0; word < words; word++) {
          target[at + word] = source[at + word] & open[gate + word];
        }
      }
    }
  }

  @Override
  public String explain() {
    return "gates of bits";
  }
}
