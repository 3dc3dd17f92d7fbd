package dev.coppice.runtime;

import dev.coppice.kernels.Planes;
import java.lang.foreign.MemorySegment;

/** The mean over the positions of spikes counted in planes. */
record CountMean(String node, Value.Planar in, Value.Analog out) implements Step {

  @Override
  public void run(Frame frame) {
    frame.share(this, frame.samples(false), 1);
  }

  @Override
  public void work(Frame frame, long from, long to) {
    Planes planes = frame.placement.layouts().get(in.layout());
    MemorySegment counts = frame.planes[in.buffer()];
    int spikes = planes.height() * planes.width() * in.levels();
    for (int sample = (int) from; sample < to; sample++) {
      long first = planes.at(sample / frame.images, sample % frame.images, 0, 0, 0);
      long mean = (long) sample * planes.channels();
      for (int c = 0; c < planes.channels(); c++) {
        float sum = 0;
        for (int y = 0; y < planes.height(); y++) {
          long row = first + (long) y * planes.pitch();
          for (int x = 0; x < planes.width(); x++) {
            sum += in.numbers().get(counts, row + x);
          }
        }
        Frame.store(frame.floats[out.buffer()], mean + c, sum / spikes);
        first += planes.planeFloats();
      }
    }
  }

  @Override
  public String explain() {
    return "counts spikes";
  }
}
