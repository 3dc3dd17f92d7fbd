package dev.coppice.runtime;

import static dev.coppice.runtime.Frame.load;
import static dev.coppice.runtime.Frame.store;

import dev.coppice.graph.Shape;
import java.lang.foreign.MemorySegment;

/** Average or maximum pooling of a map of any numbers. */
record AnalogPool(
    String node,
    boolean average,
    int kernel,
    int stride,
    Value.Analog in,
    Shape.Map inShape,
    Value.Analog out,
    Shape.Map outShape)
    implements Step {

  @Override
  public void run(Frame frame) {
    frame.share(this, (long) frame.samples(in.constant()) * outShape.height(), outShape.height());
  }

  @Override
  public void work(Frame frame, long from, long to) {
    MemorySegment source = frame.floats[in.buffer()];
    MemorySegment target = frame.floats[out.buffer()];
    int channels = inShape.channels();
    for (int row = (int) from; row < to; row++) {
      int top = row / outShape.height() * inShape.height() + row % outShape.height() * stride;
      for (int x = 0; x < outShape.width(); x++) {
        long at = ((long) row * outShape.width() + x) * channels;
        for (int c = 0; c < channels; c++) {
          float result = average ? 0 : Float.NEGATIVE_INFINITY;
          for (int ky = 0; ky < kernel; ky++) {
            long first = ((long) (top + ky) * inShape.width() + (long) x * stride) * channels + c;
            for (int kx = 0; kx < kernel; kx++) {
              float value = load(source, first + (long) kx * channels);
              result = average ? result + value : Math.max(result, value);
            }
          }
          store(target, at + c, average ? result / (kernel * kernel) : result);
        }
      }
    }
  }

  @Override
  public String explain() {
    return average ? "average" : "maximum";
  }
}
