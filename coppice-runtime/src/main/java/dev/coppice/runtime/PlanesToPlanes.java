package dev.coppice.runtime;

import static dev.coppice.runtime.Frame.load;
import static dev.coppice.runtime.Frame.store;

import dev.coppice.kernels.Planes;
import java.lang.foreign.MemorySegment;

/** Planes of another step, as a convolution with a stride wants them. */
record PlanesToPlanes(String node, Value.Planar in, Value.Planar out) implements Step {

  @Override
  public void run(Frame frame) {
    frame.clearPlanes(out);
    frame.share(this, (long) frame.images * in.shape().channels(), 1);
  }

  @Override
  public void work(Frame frame, long from, long to) {
    MemorySegment source = frame.planes[in.buffer()];
    MemorySegment target = frame.planes[out.buffer()];
    Planes read = frame.placement.layouts().get(in.layout());
    Planes write = frame.placement.layouts().get(out.layout());
    for (int plane = (int) from; plane < to; plane++) {
      int image = plane / read.channels();
      int channel = plane % read.channels();
      for (int map = 0; map < read.stack(); map++) {
        for (int y = 0; y < read.height(); y++) {
          for (int x = 0; x < read.width(); x++) {
            store(
                target,
                write.at(map, image, channel, y, x),
                load(source, read.at(map, image, channel, y, x)));
          }
        }
      }
    }
  }

  @Override
  public String explain() {
    return "planes for a stride";
  }
}
