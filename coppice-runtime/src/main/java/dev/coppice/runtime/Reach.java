package dev.coppice.runtime;

import dev.coppice.graph.Op;
import dev.coppice.kernels.Kernels;
import dev.coppice.kernels.Planes;
import dev.coppice.kernels.WeightRows;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How many surviving weights of a layer read an input: what a spike there costs. That depends on
 * its channel and, at the border of a map and with strides, on its place: rows that the same rows
 * of the kernel meet are of one class, and so are columns.
 */
final class Reach {
  private final int[] rowClass;
  private final int[] columnClass;
  private final int columnClasses;
  private final int channels;

  /** Weights by class of the row, class of the column and channel. */
  private final int[] weights;

  private final long all;

  /** The class of most rows, and where the weights of it and of most columns begin. */
  private final int commonRow;

  private final int commonFirst;

  /** The columns that are not of the class that most are of. */
  private final int[] otherColumns;

  /**
   * Counts weights.
   *
   * @param dense {@code [k, k, I/groups]} of every output channel
   * @param kernel rows of the kernel, which differ from the convolution's own where it stands for a
   *     linear layer behind a map
   */
  Reach(int height, int width, int channels, Op.Conv2d conv, int kernel, WeightRows dense) {
    this.channels = channels;
    List<List<Integer>> rows = new ArrayList<>();
    List<List<Integer>> columns = new ArrayList<>();
    rowClass = classes(height, kernel, conv, rows);
    columnClass = classes(width, kernel, conv, columns);
    columnClasses = columns.size();
    int taps = kernel * kernel;
    int own = channels / conv.groups();
    int outputs = conv.outChannels() / conv.groups();
    int[][] perTap = new int[taps][channels];
    dense.forEach(
        (out, row) -> {
          for (int k = 0; k < row.length; k++) {
            if (row[k] != 0) {
              perTap[k / own][out / outputs * own + k % own]++;
            }
          }
        });
    weights = new int[rows.size() * columnClasses * channels];
    for (int r = 0; r < rows.size(); r++) {
      for (int c = 0; c < columnClasses; c++) {
        for (int row : rows.get(r)) {
          for (int column : columns.get(c)) {
            int[] perChannel = perTap[row * kernel + column];
            for (int channel = 0; channel < channels; channel++) {
              weights[(r * columnClasses + c) * channels + channel] += perChannel[channel];
            }
          }
        }
      }
    }
    long sum = 0;
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        for (int channel = 0; channel < channels; channel++) {
          sum += weights[first(y, x) + channel];
        }
      }
    }
    all = sum;
    commonRow = most(rowClass, rows.size());
    int commonColumn = most(columnClass, columnClasses);
    commonFirst = (commonRow * columnClasses + commonColumn) * channels;
    otherColumns = IntStream.range(0, width).filter(x -> columnClass[x] != commonColumn).toArray();
  }

  private static int most(int[] classes, int count) {
    int[] members = new int[count];
    int most = 0;
    for (int one : classes) {
      members[one]++;
      most = members[one] > members[most] ? one : most;
    }
    return most;
  }

  /** Returns the class of every row, and adds for each class which rows of the kernel meet it. */
  private static int[] classes(int size, int kernel, Op.Conv2d conv, List<List<Integer>> met) {
    int positions = (size + 2 * conv.padding() - kernel) / conv.stride() + 1;
    int[] classes = new int[size];
    for (int at = 0; at < size; at++) {
      List<Integer> taps = new ArrayList<>();
      for (int tap = 0; tap < kernel; tap++) {
        int from = at + conv.padding() - tap;
        if (from >= 0 && from % conv.stride() == 0 && from / conv.stride() < positions) {
          taps.add(tap);
        }
      }
      classes[at] = met.indexOf(taps);
      if (classes[at] < 0) {
        classes[at] = met.size();
        met.add(taps);
      }
    }
    return classes;
  }

  private int first(int y, int x) {
    return (rowClass[y] * columnClasses + columnClass[x]) * channels;
  }

  /** Returns the operations of an input that is not zero anywhere. */
  long all() {
    return all;
  }

  /**
   * Returns the operations of packed spikes.
   *
   * @param packed {@code [samples, H, W, levels, ⌈C/64⌉]}
   */
  long performed(long[] packed, int levels, int samples) {
    int words = Math.ceilDiv(channels, Long.SIZE);
    long sum = 0;
    int at = 0;
    for (int sample = 0; sample < samples; sample++) {
      for (int y = 0; y < rowClass.length; y++) {
        for (int x = 0; x < columnClass.length; x++) {
          int first = first(y, x);
          for (int k = 0; k < levels * words; k++) {
            int base = first + k % words * Long.SIZE;
            for (long bits = packed[at++]; bits != 0; bits &= bits - 1) {
              sum += weights[base + Long.numberOfTrailingZeros(bits)];
            }
          }
        }
      }
    }
    return sum;
  }

  /**
   * Returns the operations of spikes, or averages of them, in a channel of planes: all of its
   * spikes reach what those in the middle of the map do, but for some.
   */
  long performed(
      Kernels kernels,
      Planes planes,
      MemorySegment spikes,
      Value.Planar in,
      int image,
      int channel) {
    int middle = weights[commonFirst + channel];
    long sum = 0;
    for (int plane = 0; plane < planes.step() * planes.step(); plane++) {
      long first = planes.at(image, channel, plane / planes.step(), plane % planes.step());
      int count = planes.planeFloats();
      sum += middle * Math.round(in.together() * in.sum(kernels, spikes, first, count));
    }
    for (int map = 0; map < planes.stack(); map++) {
      for (int y = 0; y < rowClass.length; y++) {
        if (rowClass[y] == commonRow) {
          for (int x : otherColumns) {
            sum += apart(planes, spikes, in, map, image, channel, y, x, middle);
          }
        } else {
          for (int x = 0; x < columnClass.length; x++) {
            sum += apart(planes, spikes, in, map, image, channel, y, x, middle);
          }
        }
      }
    }
    return sum;
  }

  private long apart(
      Planes planes,
      MemorySegment spikes,
      Value.Planar in,
      int map,
      int image,
      int channel,
      int y,
      int x,
      int middle) {
    float value = in.numbers().get(spikes, planes.at(map, image, channel, y, x));
    return value == 0
        ? 0
        : (long) Math.round(value * in.together()) * (weights[first(y, x) + channel] - middle);
  }
}
