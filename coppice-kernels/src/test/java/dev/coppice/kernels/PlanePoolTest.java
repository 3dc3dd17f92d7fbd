package dev.coppice.kernels;

import static dev.coppice.kernels.KernelsTwinTest.SCALAR;
import static dev.coppice.kernels.KernelsTwinTest.VECTOR;
import static dev.coppice.kernels.KernelsTwinTest.assertEqual;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Pooling of planes against plain loops over maps. */
class PlanePoolTest {
  record Case(PlanePool pool, int images) {
    float[] maps() {
      Planes in = pool.in();
      return Floats.random(9, in.stack() * images * in.height() * in.width() * in.channels(), 1);
    }

    MemorySegment run(Kernels kernels) {
      MemorySegment from = pool.in().allocate(Arena.ofAuto(), images);
      pool.in().fromMaps(Floats.of(maps()), from, images);
      MemorySegment to = pool.out().allocate(Arena.ofAuto(), images);
      for (long at = 0; at < to.byteSize() / Float.BYTES; at++) {
        to.setAtIndex(ValueLayout.JAVA_FLOAT, at, 7);
      }
      int groups = pool.out().groups(images);
      int all = groups * pool.out().planes();
      kernels.planePoolForward(pool, from, to, groups, all / 2, all);
      kernels.planePoolForward(pool, from, to, groups, 0, all / 2);
      return to;
    }
  }

  static List<Case> cases() {
    List<Case> cases = new ArrayList<>();
    for (boolean average : new boolean[] {true, false}) {
      for (int size : new int[] {2, 4, 8, 15, 16, 32, 64, 67}) {
        cases.add(pool(average, 2, 2, new Planes(3, size, size, 1, 1, 1, 3), 2));
        cases.add(pool(average, 2, 2, new Planes(3, size, size, 1, 0, 1, 3), 1));
      }
      cases.add(pool(average, 3, 1, new Planes(3, 7, 9, 1, 1, 1, 2), 2));
      cases.add(pool(average, 3, 2, new Planes(3, 7, 9, 16, 1, 1, 2), 16));
      cases.add(pool(average, 2, 2, new Planes(3, 8, 8, 16, 1, 1, 2), 32));
      cases.add(pool(average, 2, 2, new Planes(3, 8, 8, 5, 2, 1, 2), 5));
    }
    return cases;
  }

  private static Case pool(boolean average, int kernel, int stride, Planes in, int images) {
    Planes out =
        new Planes(
            in.channels(),
            (in.height() - kernel) / stride + 1,
            (in.width() - kernel) / stride + 1,
            in.group(),
            in.border(),
            1,
            in.stack());
    return new Case(new PlanePool(average, kernel, stride, in, out, PlaneNumbers.FLOATS), images);
  }

  @ParameterizedTest
  @MethodSource("cases")
  void poolsAndClearsWhatIsAround(Case test) {
    PlanePool pool = test.pool();
    Planes in = pool.in();
    Planes out = pool.out();
    float[] maps = test.maps();
    MemorySegment expected = out.allocate(Arena.ofAuto(), test.images());
    for (int map = 0; map < in.stack(); map++) {
      for (int image = 0; image < test.images(); image++) {
        for (int channel = 0; channel < in.channels(); channel++) {
          for (int y = 0; y < out.height(); y++) {
            for (int x = 0; x < out.width(); x++) {
              double sum = 0;
              double most = Double.NEGATIVE_INFINITY;
              for (int k = 0; k < pool.kernel() * pool.kernel(); k++) {
                int row = y * pool.stride() + k / pool.kernel();
                int column = x * pool.stride() + k % pool.kernel();
                int place = ((map * test.images() + image) * in.height() + row) * in.width();
                double value = maps[(place + column) * in.channels() + channel];
                sum += value;
                most = Math.max(most, value);
              }
              double result = pool.average() ? sum / (pool.kernel() * pool.kernel()) : most;
              expected.setAtIndex(
                  ValueLayout.JAVA_FLOAT, out.at(map, image, channel, y, x), (float) result);
            }
          }
        }
      }
    }
    assertThat(Floats.array(test.run(VECTOR)))
        .usingComparatorWithPrecision(1e-6f)
        .containsExactly(Floats.array(expected));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void countsAreAddedUp(Case test) {
    PlanePool pool = test.pool();
    int windows = pool.average() ? pool.kernel() * pool.kernel() : 1;
    MemorySegment spikes = pool.in().allocate(Arena.ofAuto(), test.images());
    float[] maps = test.maps();
    for (int k = 0; k < maps.length; k++) {
      maps[k] = maps[k] > 0 ? 1 : 0;
    }
    pool.in().fromMaps(Floats.of(maps), spikes, test.images());
    MemorySegment averages = pool.out().allocate(Arena.ofAuto(), test.images());
    int groups = pool.out().groups(test.images());
    int all = groups * pool.out().planes();
    VECTOR.planePoolForward(pool, spikes, averages, groups, 0, all);
    for (PlaneNumbers numbers : List.of(PlaneNumbers.COUNTS, PlaneNumbers.BYTES)) {
      MemorySegment counts = pool.in().allocate(Arena.ofAuto(), test.images());
      for (long at = 0; at < (long) groups * pool.in().groupFloats(); at++) {
        numbers.set(counts, at, spikes.getAtIndex(ValueLayout.JAVA_FLOAT, at));
      }
      var counting =
          new PlanePool(
              pool.average(), pool.kernel(), pool.stride(), pool.in(), pool.out(), numbers);
      for (Kernels kernels : List.of(VECTOR, SCALAR)) {
        MemorySegment sums = pool.out().allocate(Arena.ofAuto(), test.images());
        sums.fill((byte) 7);
        kernels.planePoolForward(counting, counts, sums, groups, all / 2, all);
        kernels.planePoolForward(counting, counts, sums, groups, 0, all / 2);
        for (int at = 0; at < groups * pool.out().groupFloats(); at++) {
          assertThat(numbers.get(sums, at))
              .isCloseTo(windows * averages.getAtIndex(ValueLayout.JAVA_FLOAT, at), within(1e-4f));
        }
      }
    }
  }

  static void twins() {
    for (Case test : cases()) {
      assertEqual(
          List.of(Floats.bits(Floats.array(test.run(VECTOR)))),
          List.of(Floats.bits(Floats.array(test.run(SCALAR)))),
          test);
    }
  }

  /** Sums of spikes are whole numbers: no order of them rounds. */
  static void sumTwins() {
    float[] spikes = Floats.random(4, 1000, 1);
    for (int k = 0; k < spikes.length; k++) {
      spikes[k] = spikes[k] > 0.5 ? 1 : 0;
    }
    MemorySegment planes = Floats.of(spikes);
    for (int count : new int[] {0, 1, 15, 31, 32, 33, 64, 500, 993}) {
      float expected = 0;
      for (int k = 7; k < 7 + count; k++) {
        expected += spikes[k];
      }
      assertThat(SCALAR.planeSum(planes, 7, count)).isEqualTo(expected);
      assertThat(VECTOR.planeSum(planes, 7, count)).isEqualTo(expected);
    }
  }

  @Test
  void wrongArgumentsAreNamed() {
    Planes in = new Planes(2, 4, 4, 1, 1, 1, 4);
    Planes out = new Planes(2, 2, 2, 1, 1, 1, 4);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new PlanePool(true, 2, 1, in, out, PlaneNumbers.FLOATS))
        .withMessageStartingWith("windows of 2, 1 apart, do not take");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new PlanePool(true, 0, 1, in, out, PlaneNumbers.FLOATS))
        .withMessage("windows and their steps must be positive");
    var pool = new PlanePool(true, 2, 2, in, out, PlaneNumbers.FLOATS);
    MemorySegment from = in.allocate(Arena.ofAuto(), 1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> VECTOR.planePoolForward(pool, from, from, 1, 0, 2))
        .withMessage("input and output overlap");
  }
}
