package dev.coppice.runtime;

/**
 * Pooling of packed spikes by operations on whole words. Level {@code l} of a word says where there
 * are more than {@code l} spikes: a maximum is the union of every level, and a sum is made by
 * raising, for each level that comes in, the level of its channels.
 *
 * @param average whether to average, which gives {@code kernel²} times the levels
 */
record SpikePool(
    String node, boolean average, int kernel, int stride, Value.Spikes in, Value.Spikes out)
    implements Step {

  @Override
  public void run(Frame frame) {
    frame.share(this, (long) frame.samples(false) * out.height(), out.height());
  }

  @Override
  public void work(Frame frame, long from, long to) {
    long[] source = frame.words[in.buffer()];
    long[] target = frame.words[out.buffer()];
    int words = in.words();
    for (int row = (int) from; row < to; row++) {
      int top = row / out.height() * in.height() + row % out.height() * stride;
      for (int x = 0; x < out.width(); x++) {
        int to0 = (row * out.width() + x) * out.levels() * words;
        for (int i = to0; i < to0 + out.levels() * words; i++) {
          target[i] = 0;
        }
        int filled = 0;
        for (int ky = 0; ky < kernel; ky++) {
          for (int kx = 0; kx < kernel; kx++) {
            int pixel = (top + ky) * in.width() + x * stride + kx;
            for (int level = 0; level < in.levels(); level++) {
              int at = (pixel * in.levels() + level) * words;
              if (average) {
                raise(source, at, target, to0, words, filled++);
              } else {
                unite(source, at, target, to0 + level * words, words);
              }
            }
          }
        }
      }
    }
  }

  private static void unite(long[] source, int from, long[] target, int to, int words) {
    for (int word = 0; word < words; word++) {
      target[to + word] |= source[from + word];
    }
  }

  /** Adds at most one spike a channel to sums of at most {@code filled}. */
  private static void raise(long[] source, int from, long[] target, int to, int words, int filled) {
    for (int word = 0; word < words; word++) {
      long more = source[from + word];
      for (int level = filled; level > 0; level--) {
        target[to + level * words + word] |= target[to + (level - 1) * words + word] & more;
      }
      target[to + word] |= more;
    }
  }

  @Override
  public String explain() {
    return (average ? "average" : "maximum") + " of bits";
  }
}
