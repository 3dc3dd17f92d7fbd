package dev.coppice.kernels;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * How the kernels of sparse convolutions lay out maps: a plane per channel, so that what one weight
 * is multiplied with lies in one piece.
 *
 * <p>Images are taken in groups of {@code G} that lie side by side in every pixel: {@code [⌈N/G⌉,
 * C, H, W, G]} floats. Around every plane are zeros, shared by neighbours: those at the right of a
 * row are those at the left of the next, those below a plane are those above the next. With {@code
 * step} s above 1, as convolutions of stride s want it, every channel has s² planes, one for every
 * pair of remainders of a pixel's row and column: {@code [⌈N/G⌉, C, s, s, ⌈H/s⌉, ⌈W/s⌉, G]}.
 *
 * <p>With a {@code stack} S above 1 a plane holds S maps of the same image, such as its time steps,
 * one below the other with zeros between them, so that one weight serves all of them in one piece:
 * {@code [⌈N/G⌉, C, s, s, S, ⌈H/s⌉, ⌈W/s⌉, G]}. Outside of planes they come in the order {@code [S,
 * N, …]}, and "images" always counts N.
 *
 * <p>Borders, the pixels that a plane has beyond the map and the images that the last group has
 * beyond N are zero in memory that {@link #allocate} returns, and no method here or kernel but the
 * gradient of an input of odd size with a step above 1 writes anything else there.
 *
 * @param channels C
 * @param height H
 * @param width W
 * @param group G: any number; {@link #LANES} fills vectors and is the fastest
 * @param border rows and columns of zeros around a plane
 * @param step rows and columns from a pixel of a plane to its next
 * @param stack S
 */
public record Planes(
    int channels, int height, int width, int group, int border, int step, int stack) {
  /** Images side by side that fill every vector. */
  public static final int LANES = 16;

  private static final int ALIGNMENT = 64;

  /** Throws {@link IllegalArgumentException} when the kernels cannot address such planes. */
  public Planes {
    if (channels < 1
        || height < 1
        || width < 1
        || group < 1
        || border < 0
        || step < 1
        || stack < 1) {
      throw new IllegalArgumentException("sizes of planes must be positive");
    }
    double rows = Math.ceil((double) height / step) + border;
    double pitch = (Math.ceil((double) width / step) + border) * group;
    double planes = (double) channels * step * step * stack;
    if ((planes * rows + border + 2) * pitch + 2.0 * LANES > Integer.MAX_VALUE / 4.0) {
      throw new IllegalArgumentException(
          "planes of %d x %d x %d, %d images side by side, are too large"
              .formatted(height, width, channels, group));
    }
  }

  /** Planes with one map an image. */
  public Planes(int channels, int height, int width, int group, int border, int step) {
    this(channels, height, width, group, border, step, 1);
  }

  /** Returns these with so many maps an image. */
  public Planes stacked(int stack) {
    return new Planes(channels, height, width, group, border, step, stack);
  }

  /** Returns how many images had better lie side by side when there are so many. */
  public static int group(int images) {
    return Math.clamp(images, 1, LANES);
  }

  /** Returns the groups that so many images make. */
  public int groups(int images) {
    return Math.ceilDiv(images, group);
  }

  /** Returns the floats of a group of images, borders included. */
  public int groupFloats() {
    int used = planes() * planeFloats() + border * (pitch() + group) + LANES;
    return Math.ceilDiv(used, LANES) * LANES;
  }

  /**
   * Returns memory for so many images, zero.
   *
   * @throws IllegalArgumentException when {@code images} is negative
   */
  public MemorySegment allocate(Arena arena, int images) {
    requireImages(images);
    return arena.allocate(bytes(groups(images)), ALIGNMENT);
  }

  /**
   * Zeroes what lies around the maps of some channels, as in memory that {@link #allocate} returns;
   * of planes with a step above 1 or a last group that is not full, the maps, too.
   *
   * @param planes memory of so many images with any contents
   */
  public void clearAround(MemorySegment planes, int images, int fromChannel, int toChannel) {
    requireImages(images);
    NeuronArguments.requireFloats("planes", planes, bytes(groups(images)));
    clearAround(planes, images, fromChannel, toChannel, Float.BYTES);
  }

  /** {@link #clearAround(MemorySegment, int, int, int)} where a number has so many bytes. */
  void clearAround(MemorySegment planes, int images, int fromChannel, int toChannel, int size) {
    SpikeArguments.checkRange("channels", fromChannel, toChannel, channels);
    boolean all = step > 1 || images % group != 0;
    long bytes = (long) groupFloats() * size;
    long plane = (long) step * step * planeFloats() * size;
    long above = (long) origin() * size;
    for (int n = 0; n < groups(images); n++) {
      MemorySegment own = planes.asSlice(n * bytes, bytes);
      long start = above + fromChannel * plane;
      long end = above + toChannel * plane;
      clear(own, start - above, start);
      if (all) {
        own.asSlice(start, end - start).fill((byte) 0);
      } else {
        clearBetween(own, start, (toChannel - fromChannel) * stack, size);
      }
      if (toChannel == channels) {
        clear(own, end, bytes);
      }
    }
  }

  /** Clears at the right of the rows of some maps, and below them. */
  private void clearBetween(MemorySegment planes, long start, int maps, int size) {
    long pixels = (long) columns() * group * size;
    long row = (long) pitch() * size;
    long at = start;
    for (int map = 0; map < maps; map++) {
      for (int y = 0; y < height; y++) {
        clear(planes, at + pixels, at + row);
        at += row;
      }
      clear(planes, at, at + border * row);
      at += border * row;
    }
  }

  private static void clear(MemorySegment memory, long from, long to) {
    long at = from;
    for (; at <= to - Long.BYTES; at += Long.BYTES) {
      memory.set(ValueLayout.JAVA_LONG_UNALIGNED, at, 0);
    }
    for (; at < to; at++) {
      memory.set(ValueLayout.JAVA_BYTE, at, (byte) 0);
    }
  }

  /** Returns the memory of so many groups of images. */
  public long bytes(int groups) {
    return (long) groups * groupFloats() * Float.BYTES;
  }

  /** Returns the planes of a group. */
  public int planes() {
    return channels * step * step;
  }

  /** Returns the rows of a plane, without its border. */
  public int rows() {
    return step == 1 ? height : Math.ceilDiv(height, step);
  }

  /** Returns the pixels of a row of a plane, without its border. */
  public int columns() {
    return step == 1 ? width : Math.ceilDiv(width, step);
  }

  /** Returns the floats from a row to the next. */
  public int pitch() {
    return (columns() + border) * group;
  }

  /** Returns the floats from a map of a plane to the next. */
  public int mapFloats() {
    return (rows() + border) * pitch();
  }

  /** Returns the floats from a plane to the next. */
  public int planeFloats() {
    return stack * mapFloats();
  }

  /** Returns where the first pixel of the first plane of a group begins. */
  public int origin() {
    return border * (pitch() + group);
  }

  /** Returns where a pixel of an image's first map lies, in floats from the beginning. */
  public long at(int image, int channel, int y, int x) {
    return at(0, image, channel, y, x);
  }

  /** Returns where a pixel of a map of an image lies, in floats from the beginning. */
  public long at(int map, int image, int channel, int y, int x) {
    int plane = (channel * step + y % step) * step + x % step;
    return (long) (image / group) * groupFloats()
        + origin()
        + (long) plane * planeFloats()
        + (long) map * mapFloats()
        + (long) (y / step) * pitch()
        + (long) (x / step) * group
        + image % group;
  }

  /** Returns the parts that copies are made in: some channels of the maps of every group. */
  public int parts(int images) {
    return maps(images) * tiles();
  }

  /** Returns the maps of groups, {@code S·⌈N/G⌉}. */
  public int maps(int images) {
    return stack * groups(images);
  }

  /** In tiles of channels, so that the pages of a tile's planes are all at hand. */
  private int tiles() {
    return Math.ceilDiv(channels, LANES);
  }

  /**
   * Copies maps into planes.
   *
   * @param maps {@code [S, N, H, W, C]}
   * @param planes written, but for what lies outside of the maps
   * @param images N
   */
  public void fromMaps(MemorySegment maps, MemorySegment planes, int images) {
    fromMaps(maps, planes, images, 0, parts(images));
  }

  /** {@link #fromMaps(MemorySegment, MemorySegment, int)} for some of the {@link #parts}. */
  public void fromMaps(
      MemorySegment maps, MemorySegment planes, int images, int fromPart, int toPart) {
    checkMaps(maps, planes, images);
    transfer(maps, planes, images, true, fromPart, toPart);
  }

  /**
   * Copies planes into maps.
   *
   * @param maps {@code [S, N, H, W, C]}, written
   * @param images N
   */
  public void toMaps(MemorySegment planes, MemorySegment maps, int images) {
    toMaps(planes, maps, images, 0, parts(images));
  }

  /** {@link #toMaps(MemorySegment, MemorySegment, int)} for some of the {@link #parts}. */
  public void toMaps(
      MemorySegment planes, MemorySegment maps, int images, int fromPart, int toPart) {
    checkMaps(maps, planes, images);
    transfer(maps, planes, images, false, fromPart, toPart);
  }

  private void checkMaps(MemorySegment maps, MemorySegment planes, int images) {
    requireImages(images);
    long bytes = (long) stack * images * height * width * channels * Float.BYTES;
    NeuronArguments.requireFloats("maps", maps, bytes);
    NeuronArguments.requireFloats("planes", planes, bytes(groups(images)));
    NeuronArguments.requireApart("maps", maps, bytes, "planes", planes, bytes(groups(images)));
  }

  private void transfer(
      MemorySegment maps,
      MemorySegment planes,
      int images,
      boolean into,
      int fromPart,
      int toPart) {
    long image = (long) height * width * channels * Float.BYTES;
    long channelStep = (long) step * step * planeFloats() * Float.BYTES;
    for (int part = fromPart; part < toPart; part++) {
      int map = part / tiles() % stack;
      int first = part / tiles() / stack * group;
      int side = Math.min(group, images - first);
      long start = ((long) map * images + first) * image;
      int c = part % tiles() * LANES;
      int tile = Math.min(LANES, channels - c);
      for (int y = 0; y < height; y++) {
        long row = start + ((long) y * width * channels + c) * Float.BYTES;
        for (int remainder = 0; remainder < Math.min(step, width); remainder++) {
          int pixels = Math.ceilDiv(width - remainder, step);
          long mapsStep = (long) step * channels * Float.BYTES;
          long planesStep = (long) group * Float.BYTES;
          long pixel = row + (long) remainder * channels * Float.BYTES;
          long place = at(map, first, c, y, remainder) * Float.BYTES;
          for (int k = 0; k < side * tile; k++) {
            int n = k / tile;
            int inTile = k % tile;
            long inMaps = pixel + n * image + (long) inTile * Float.BYTES;
            long inPlanes = place + (long) n * Float.BYTES + inTile * channelStep;
            if (into) {
              copy(maps, inMaps, mapsStep, planes, inPlanes, planesStep, pixels);
            } else {
              copy(planes, inPlanes, planesStep, maps, inMaps, mapsStep, pixels);
            }
          }
        }
      }
    }
  }

  /** Copies floats that lie so many bytes apart. */
  private static void copy(
      MemorySegment source,
      long from,
      long fromStep,
      MemorySegment target,
      long to,
      long toStep,
      int count) {
    for (int k = 0; k < count; k++) {
      target.set(
          ValueLayout.JAVA_FLOAT,
          to + k * toStep,
          source.get(ValueLayout.JAVA_FLOAT, from + k * fromStep));
    }
  }

  /**
   * Writes packed spikes into planes.
   *
   * @param packed {@code [S, N, H, W, levels, ⌈C/64⌉]}, as {@link SpikeConvolution} lays them out
   * @param numbers how they are written: as multiples of {@code 1/levels}, or counted
   * @param planes written, but for what lies outside of the maps
   * @param images N
   */
  public void fromSpikes(
      long[] packed, int levels, PlaneNumbers numbers, MemorySegment planes, int images) {
    fromSpikes(packed, levels, numbers, planes, images, 0, parts(images));
  }

  /**
   * {@link #fromSpikes(long[], int, PlaneNumbers, MemorySegment, int)} for some of the {@link
   * #parts}.
   */
  public void fromSpikes(
      long[] packed,
      int levels,
      PlaneNumbers numbers,
      MemorySegment planes,
      int images,
      int fromPart,
      int toPart) {
    requireImages(images);
    if (levels < 1) {
      throw new IllegalArgumentException("levels must be positive, not " + levels);
    }
    int words = Math.ceilDiv(channels, Long.SIZE);
    requireWords(packed, images, Math.multiplyExact(words, levels));
    NeuronArguments.requireFloats("planes", planes, bytes(groups(images)));
    int image = height * width * levels * words;
    long channelStep = (long) step * step * planeFloats();
    for (int part = fromPart; part < toPart; part++) {
      int map = part / tiles() % stack;
      int first = part / tiles() / stack * group;
      int side = Math.min(group, images - first);
      int c = part % tiles() * LANES;
      int tile = Math.min(LANES, channels - c);
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
          int word =
              (map * images + first) * image + (y * width + x) * levels * words + c / Long.SIZE;
          long place = at(map, first, c, y, x);
          for (int n = 0; n < side; n++) {
            spread(packed, word, words, levels, c, tile, numbers, planes, place + n, channelStep);
            word += image;
          }
        }
      }
    }
  }

  private void requireWords(long[] packed, int images, int pixelWords) {
    SpikeArguments.requireWords(
        packed,
        Math.multiplyExact(Math.multiplyExact((long) stack * images, height * width), pixelWords));
  }

  /** Writes what a tile of the channels of a pixel has on all levels. */
  private static void spread(
      long[] packed,
      int word,
      int words,
      int levels,
      int channel,
      int tile,
      PlaneNumbers numbers,
      MemorySegment planes,
      long place,
      long channelStep) {
    long bits = packed[word] >>> channel;
    for (int c = 0; c < tile; c++) {
      long spikes = bits >>> c & 1;
      for (int level = 1; level < levels; level++) {
        spikes += packed[word + level * words] >>> (channel + c) & 1;
      }
      float all = numbers == PlaneNumbers.FLOATS ? levels : 1;
      numbers.set(planes, place, spikes / all);
      place += channelStep;
    }
  }

  /**
   * Packs the spikes of planes.
   *
   * @param packed {@code [S, N, H, W, ⌈C/64⌉]}, written: bit {@code c mod 64} of word {@code c/64}
   *     tells whether channel {@code c} is above ½
   * @param images N
   */
  public void toSpikes(MemorySegment planes, long[] packed, int images) {
    toSpikes(planes, packed, 1, images, 0, maps(images));
  }

  /**
   * Packs averages of {@code levels} spikes for some of the {@code S·⌈N/G⌉} maps of groups.
   *
   * @param packed {@code [S, N, H, W, levels, ⌈C/64⌉]}, written: a bit of level {@code l} tells
   *     whether its channel is above {@code (l + ½)/levels}
   */
  public void toSpikes(
      MemorySegment planes, long[] packed, int levels, int images, int fromMap, int toMap) {
    requireImages(images);
    int words = Math.ceilDiv(channels, Long.SIZE);
    requireWords(packed, images, Math.multiplyExact(words, levels));
    NeuronArguments.requireFloats("planes", planes, bytes(groups(images)));
    int channelStep = step * step * planeFloats();
    for (int part = fromMap; part < toMap; part++) {
      int map = part % stack;
      int first = part / stack * group;
      for (int image = first; image < Math.min(first + group, images); image++) {
        int word = (map * images + image) * height * width * levels * words;
        for (int y = 0; y < height; y++) {
          for (int x = 0; x < width; x++) {
            for (int level = 0; level < levels; level++) {
              float above = (level + 0.5f) / levels;
              long place = at(map, image, 0, y, x);
              for (int c = 0; c < channels; c += Long.SIZE) {
                long bits = 0;
                for (int k = 0; k < Math.min(Long.SIZE, channels - c); k++) {
                  if (planes.getAtIndex(ValueLayout.JAVA_FLOAT, place) > above) {
                    bits |= 1L << k;
                  }
                  place += channelStep;
                }
                packed[word++] = bits;
              }
            }
          }
        }
      }
    }
  }

  static void requireImages(int images) {
    if (images < 0) {
      throw new IllegalArgumentException("images must not be negative: " + images);
    }
  }
}
