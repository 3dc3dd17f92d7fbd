package dev.coppice.runtime;

/**
 * Some channels of packed spikes.
 *
 * @param channels indices among those of the input
 */
record SpikeSelect(String node, int[] channels, Value.Spikes in, Value.Spikes out) implements Step {

  @Override
  public void run(Frame frame) {
    work(frame, 0, (long) frame.samples(false) * in.pixels() * in.levels());
  }

  @Override
  public void work(Frame frame, long from, long to) {
    long[] source = frame.words[in.buffer()];
    long[] target = frame.words[out.buffer()];
    for (int plane = (int) from; plane < to; plane++) {
      int at = plane * in.words();
      int first = plane * out.words();
      for (int word = 0; word < out.words(); word++) {
        target[first + word] = 0;
      }
      for (int i = 0; i < channels.length; i++) {
        long bit = source[at + channels[i] / Long.SIZE] >>> channels[i] & 1;
        target[first + i / Long.SIZE] |= bit << i;
      }
    }
  }

  @Override
  public String explain() {
    return "selection of bits";
  }
}
