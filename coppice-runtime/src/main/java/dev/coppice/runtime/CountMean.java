package dev.coppice.runtime;

import dev.coppice.kernels.Planes;

/** The mean over the positions of spikes counted in planes. */
record CountMean(String node, Value.Planar in, Value.Analog out) implements Step {

  @Override
  public void run(Frame frame) {
    work(frame, 0, frame.samples(false));
  }

  @Override
  public void work(Frame frame, long from, long to) {
    Planes planes = frame.placement.layouts().get(in.layout());
    int spikes = planes.height() * planes.width() * in.levels();
    for (int sample = (int) from; sample < to; sample++) {
      int map = sample / frame.images;
      int image = sample % frame.images;
      for (int c = 0; c < planes.channels(); c++) {
        float sum = 0;
        for (int y = 0; y < planes.height(); y++) {
          long row = planes.at(map, image, c, y, 0);
          for (int x = 0; x < planes.width(); x++) {
            sum += in.numbers().get(frame.planes[in.buffer()], row + x);
          }
        }
        Frame.store(
            frame.floats[out.buffer()], (long) sample * planes.channels() + c, sum / spikes);
      }
    }
  }

  @Override
  public String explain() {
    return "counts spikes";
  }
}
