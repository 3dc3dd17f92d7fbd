package dev.coppice.kernels;

import static dev.coppice.kernels.KernelsTwinTest.SCALAR;
import static dev.coppice.kernels.KernelsTwinTest.VECTOR;
import static dev.coppice.kernels.KernelsTwinTest.assertEqual;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Neurons between planes against those that give packed spikes. */
class PlaneNeuronTest {
  /** A layer of neurons on so many images; {@code planes} are those of the spikes. */
  record Layer(Planes planes, int images, boolean repeated, PlaneNumbers spikes) {
    Layer(Planes planes, int images, boolean repeated) {
      this(planes, images, repeated, PlaneNumbers.FLOATS);
    }

    Layer writing(PlaneNumbers numbers) {
      return new Layer(planes, images, repeated, numbers);
    }

    Planes in() {
      return repeated ? planes.stacked(1) : planes;
    }

    PlaneNeurons neurons(NeuronConstants c) {
      return new PlaneNeurons(c, in(), planes, scale(), shift(), spikes);
    }

    float[] scale() {
      return Floats.random(1, planes.channels(), 1);
    }

    float[] shift() {
      return Floats.random(2, planes.channels(), 0.5);
    }

    float[] maps() {
      int stack = in().stack();
      return Floats.random(
          3, stack * images * planes.height() * planes.width() * planes.channels(), 1);
    }

    /** Runs it in two ranges, into memory that held something else. */
    MemorySegment run(
        Kernels kernels, NeuronConstants c, float[] maps, @Nullable MemorySegment state) {
      int groups = planes.groups(images);
      MemorySegment x = in().allocate(Arena.ofAuto(), images);
      in().fromMaps(Floats.of(maps), x, images);
      MemorySegment s = planes.allocate(Arena.ofAuto(), images);
      for (long at = 0; at < s.byteSize() / Float.BYTES; at++) {
        s.setAtIndex(ValueLayout.JAVA_FLOAT, at, 7);
      }
      int all = groups * planes.planes();
      kernels.planeNeuronForward(neurons(c), x, s, groups, all / 3, all, state);
      kernels.planeNeuronForward(neurons(c), x, s, groups, 0, all / 3, state);
      return s;
    }
  }

  static List<Layer> layers() {
    return List.of(
        new Layer(new Planes(5, 32, 31, 1, 1, 1, 4), 1, false),
        new Layer(new Planes(5, 8, 8, 1, 1, 1, 4), 3, true),
        new Layer(new Planes(3, 2, 2, 1, 1, 1, 3), 2, false),
        new Layer(new Planes(3, 1, 1, 1, 0, 1, 5), 2, false),
        new Layer(new Planes(5, 13, 12, 1, 0, 1, 3), 2, false),
        new Layer(new Planes(5, 8, 8, 1, 0, 1, 4), 2, true),
        new Layer(new Planes(5, 5, 5, 1, 0, 1, 4), 2, false),
        new Layer(new Planes(5, 2, 2, 1, 0, 1, 4), 3, false),
        new Layer(new Planes(70, 4, 5, 16, 1, 1, 2), 19, false),
        new Layer(new Planes(4, 3, 3, 5, 2, 1, 2), 7, true));
  }

  @ParameterizedTest
  @MethodSource("layers")
  void spikesAreThoseOfPackedNeurons(Layer layer) {
    for (NeuronConstants c : Cases.forwardNeurons()) {
      Planes planes = layer.planes();
      float[] maps = layer.maps();
      int rows = layer.images() * planes.height() * planes.width();
      int words = Math.ceilDiv(planes.channels(), Long.SIZE);
      long[] expected = new long[planes.stack() * rows * words];
      VECTOR.packedNeuronForward(
          c,
          Floats.of(maps),
          layer.repeated(),
          layer.scale(),
          layer.shift(),
          expected,
          planes.stack(),
          rows,
          0,
          rows,
          null);
      MemorySegment spikes = layer.run(VECTOR, c, maps, null);
      long[] packed = new long[expected.length];
      planes.toSpikes(spikes, packed, layer.images());
      assertThat(packed).containsExactly(expected);
      float[] floats = Floats.array(spikes);
      MemorySegment clean = planes.allocate(Arena.ofAuto(), layer.images());
      planes.fromSpikes(packed, 1, PlaneNumbers.FLOATS, clean, layer.images());
      if (layer.images() % planes.group() == 0) {
        assertThat(floats).containsExactly(Floats.array(clean));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("layers")
  void countsAreTheSameSpikes(Layer layer) {
    int groups = layer.planes().groups(layer.images());
    for (NeuronConstants c : Cases.forwardNeurons()) {
      float[] floats = Floats.array(layer.run(VECTOR, c, layer.maps(), null));
      for (PlaneNumbers numbers : List.of(PlaneNumbers.COUNTS, PlaneNumbers.BYTES)) {
        MemorySegment counts = layer.writing(numbers).run(VECTOR, c, layer.maps(), null);
        for (int at = 0; at < groups * layer.planes().groupFloats(); at++) {
          assertThat(numbers.get(counts, at)).isEqualTo(floats[at]);
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("layers")
  void aSequenceMayComeInParts(Layer layer) {
    Planes one = layer.planes().stacked(1);
    Layer step = new Layer(one, layer.images(), false);
    int groups = one.groups(layer.images());
    int n = layer.maps().length / layer.in().stack();
    for (NeuronConstants c : Cases.forwardNeurons()) {
      float[] whole = Floats.array(layer.run(VECTOR, c, layer.maps(), null));
      MemorySegment state = step.neurons(c).allocateState(Arena.ofAuto(), groups);
      for (int t = 0; t < layer.planes().stack(); t++) {
        int from = layer.repeated() ? 0 : t * n;
        float[] maps = Arrays.copyOfRange(layer.maps(), from, from + n);
        float[] spikes = Floats.array(step.run(VECTOR, c, maps, state));
        for (int image = 0; image < layer.images(); image++) {
          for (int channel = 0; channel < one.channels(); channel++) {
            assertThat(spikes[(int) one.at(image, channel, 0, one.width() - 1)])
                .isEqualTo(whole[(int) layer.planes().at(t, image, channel, 0, one.width() - 1)]);
          }
        }
      }
    }
  }

  static void twins() {
    for (Layer layer : layers()) {
      for (PlaneNumbers numbers : PlaneNumbers.values()) {
        twins(layer.writing(numbers));
      }
    }
  }

  private static void twins(Layer layer) {
    for (NeuronConstants c : Cases.forwardNeurons()) {
      PlaneNeurons neurons = layer.neurons(c);
      int groups = layer.planes().groups(layer.images());
      MemorySegment first = neurons.allocateState(Arena.ofAuto(), groups);
      MemorySegment second = neurons.allocateState(Arena.ofAuto(), groups);
      assertEqual(
          List.of(
              Floats.bits(Floats.array(layer.run(VECTOR, c, layer.maps(), first))),
              Floats.bits(Floats.array(first))),
          List.of(
              Floats.bits(Floats.array(layer.run(SCALAR, c, layer.maps(), second))),
              Floats.bits(Floats.array(second))),
          layer);
    }
  }

  @Test
  void wrongArgumentsAreNamed() {
    NeuronConstants c = Cases.forwardNeurons().getFirst();
    Planes planes = new Planes(2, 4, 4, 1, 1, 1, 4);
    float[] two = new float[2];
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> new PlaneNeurons(c, planes.stacked(2), planes, two, two, PlaneNumbers.FLOATS))
        .withMessageStartingWith("neurons give planes like those they read");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> new PlaneNeurons(c, planes, planes, two, new float[3], PlaneNumbers.FLOATS))
        .withMessage("2 channels need as many factors and terms, not 2 and 3");
    Planes halves = new Planes(2, 4, 4, 1, 1, 2, 4);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new PlaneNeurons(c, halves, halves, two, two, PlaneNumbers.FLOATS))
        .withMessage("neurons give planes of step 1, not 2");
    PlaneNeurons neurons = new PlaneNeurons(c, planes, planes, two, two, PlaneNumbers.FLOATS);
    MemorySegment x = planes.allocate(Arena.ofAuto(), 1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> VECTOR.planeNeuronForward(neurons, x, x, 1, 0, 2, null))
        .withMessage("x and s overlap");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> VECTOR.planeNeuronForward(neurons, x, Floats.zeros(3), 1, 0, 2, null))
        .withMessageStartingWith("s must have at least");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> VECTOR.planeNeuronForward(neurons, x, x, 1, 0, 3, null))
        .withMessage("planes 0 to 3 do not lie in 2");
  }
}
