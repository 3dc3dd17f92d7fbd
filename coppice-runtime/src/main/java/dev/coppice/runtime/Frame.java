package dev.coppice.runtime;

import dev.coppice.kernels.Crew;
import dev.coppice.kernels.Kernels;
import dev.coppice.kernels.Planes;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** What a session's run of a plan works on: the buffers, and what is counted. */
final class Frame implements Crew.Range {
  private static final int ALIGNMENT = 64;

  final Kernels kernels;
  private final Crew crew;

  /** What the threads share, while they do. */
  private @Nullable Work work;

  /** Activations by number of the buffer. */
  final MemorySegment[] floats;

  /** Packed spikes by number of the buffer. */
  final long[][] words;

  /** Planes by number of the buffer. */
  final MemorySegment[] planes;

  /** What an integer layer reads, and what is made meanwhile for the next one. */
  private final MemorySegment[] folded = {MemorySegment.NULL, MemorySegment.NULL};

  /** Spikes by number of the neuron layer, in the last run that counted. */
  final long[] spikes;

  /** Synaptic operations by number of the layer, in the last run that counted. */
  final long[] operations;

  /** Potentials after reset by number of the neuron layer, while a stream is run; else null. */
  MemorySegment @Nullable [] states;

  /** Whether spikes and operations are counted in this run. */
  boolean counting;

  /** Where things lie in planes in this run. */
  Placement placement;

  /** T of this run. */
  int steps;

  /** B of this run. */
  int images;

  /**
   * Makes buffers for up to so many time steps and images.
   *
   * @throws IllegalArgumentException if they would be larger than the largest array
   */
  Frame(Plan plan, Kernels kernels, Crew crew, int steps, int images) {
    this.kernels = kernels;
    this.crew = crew;
    this.steps = steps;
    this.images = images;
    try {
      floats = new MemorySegment[plan.floats().size()];
      for (int i = 0; i < floats.length; i++) {
        floats[i] = allocate(plan.floats().get(i).elements(steps, images));
      }
      words = new long[plan.words().size()][];
      for (int i = 0; i < words.length; i++) {
        words[i] = new long[plan.words().get(i).elements(steps, images)];
      }
    } catch (ArithmeticException e) {
      throw new IllegalArgumentException(
          "%d images over %d time steps are too many for this network".formatted(images, steps), e);
    }
    placement = plan.placements().at(steps);
    List<Planes> single = plan.placements().planes(1);
    planes = new MemorySegment[plan.planes().size()];
    for (int i = 0; i < planes.length; i++) {
      long bytes = 0;
      for (int layout : plan.planes().get(i)) {
        bytes = Math.max(bytes, placement.layouts().get(layout).bytes(images));
        bytes = Math.max(bytes, single.get(layout).bytes(images));
      }
      planes[i] = Arena.ofAuto().allocate(bytes, ALIGNMENT);
    }
    spikes = new long[plan.neurons().size()];
    operations = new long[plan.synapses().size()];
  }

  /** Returns zeroed memory, which goes with the frame. */
  static MemorySegment allocate(int count) {
    return Arena.ofAuto().allocate((long) count * Float.BYTES, ALIGNMENT);
  }

  /** Shares work on {@code [0, size)}, cut at multiples of {@code grain}, and waits for it. */
  void share(Work shared, long size, long grain) {
    work = shared;
    crew.run(size, grain, this);
  }

  @Override
  public void run(long from, long to) {
    Objects.requireNonNull(work).work(this, from, to);
  }

  /** Returns the samples of a value. */
  int samples(boolean constant) {
    return constant ? images : steps * images;
  }

  /** Makes room for what the integer layer of a number reads. */
  void requireFolded(int number, long bytes) {
    if (folded(number).byteSize() < bytes) {
      folded[number % folded.length] = Arena.ofAuto().allocate(bytes, ALIGNMENT);
    }
  }

  /** Returns what the integer layer of a number reads. */
  MemorySegment folded(int number) {
    return folded[number % folded.length];
  }

  /** Makes planes zero: the memory may have held others, and what surrounds maps must be zero. */
  void clearPlanes(Value.Planar value) {
    long bytes = placement.layouts().get(value.layout()).bytes(images);
    planes[value.buffer()].asSlice(0, bytes).fill((byte) 0);
  }

  static float load(MemorySegment segment, long index) {
    return segment.getAtIndex(ValueLayout.JAVA_FLOAT, index);
  }

  static void store(MemorySegment segment, long index, float value) {
    segment.setAtIndex(ValueLayout.JAVA_FLOAT, index, value);
  }
}
