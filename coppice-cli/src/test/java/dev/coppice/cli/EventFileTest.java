package dev.coppice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.DoubleStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EventFileTest {
  @TempDir Path folder;

  /** What an event says; fields that are absent keep what proto3 gives them. */
  private record Event(
      double wallTime,
      long step,
      @Nullable String version,
      @Nullable String tag,
      float value,
      Map<Integer, double[]> histogram) {}

  @Test
  void valuesComeBackAsTheyWereWritten() throws IOException {
    double before = Math.floor(System.currentTimeMillis() / 1000.0);
    try (EventFile file = EventFile.open(folder.resolve("run/events"))) {
      file.scalar("loss/train", 1, 2.25);
      file.scalar("genauigkeit/prüfung", 300, 0.875);
      file.scalar("loss/train", 5_000_000_000L, Double.NaN);
    }

    List<Event> events = read(onlyFile(folder.resolve("run/events")));

    assertThat(events).hasSize(4);
    assertThat(events.get(0).version()).isEqualTo("brain.Event:2");
    assertThat(events).allMatch(event -> event.wallTime() >= before);
    assertThat(events.get(1)).extracting(Event::tag, Event::step).contains("loss/train", 1L);
    assertThat(events.get(1).value()).isEqualTo(2.25f);
    assertThat(events.get(2).tag()).isEqualTo("genauigkeit/prüfung");
    assertThat(events.get(2).step()).isEqualTo(300);
    assertThat(events.get(2).value()).isEqualTo(0.875f);
    assertThat(events.get(3).step()).isEqualTo(5_000_000_000L);
    assertThat(events.get(3).value()).isNaN();
  }

  @Test
  void aHistogramCountsEveryValueInItsBin() throws IOException {
    float[] values = new float[1000];
    for (int i = 0; i < values.length; i++) {
      values[i] = i - 200;
    }
    try (EventFile file = EventFile.open(folder)) {
      file.histogram("weights/conv1", 7, values);
      file.histogram("weights/same", 8, new float[] {2, 2, 2});
      file.histogram("weights/none", 9, new float[0]);
    }

    List<Event> events = read(onlyFile(folder));

    assertThat(events).hasSize(3);
    Map<Integer, double[]> spread = events.get(1).histogram();
    assertThat(spread.get(1)).containsExactly(-200);
    assertThat(spread.get(2)).containsExactly(799);
    assertThat(spread.get(3)).containsExactly(1000);
    assertThat(spread.get(4)).containsExactly(299_500);
    assertThat(spread.get(6)).hasSize(50).isSorted().endsWith(799);
    assertThat(spread.get(7)).hasSize(50).containsOnly(20);
    assertThat(DoubleStream.of(spread.get(7)).sum()).isEqualTo(1000);
    assertThat(events.get(2).histogram().get(6)).containsExactly(2);
    assertThat(events.get(2).histogram().get(7)).containsExactly(3);
  }

  @Test
  void recordsAreThereBeforeTheFileIsClosed() throws IOException {
    try (EventFile file = EventFile.open(folder)) {
      file.scalar("a", 1, 1);

      assertThat(read(onlyFile(folder))).hasSize(2);
    }
  }

  @Test
  void filesOpenedTogetherDoNotOverwriteEachOther() throws IOException {
    try (EventFile first = EventFile.open(folder);
        EventFile second = EventFile.open(folder)) {
      first.scalar("a", 1, 1);
      second.scalar("a", 2, 1);
    }

    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).hasSize(2).allMatch(file -> file.toString().contains("tfevents"));
    }
  }

  private static Path onlyFile(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      List<Path> all = files.toList();
      assertThat(all).hasSize(1);
      return all.getFirst();
    }
  }

  private static List<Event> read(Path file) throws IOException {
    ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    List<Event> events = new ArrayList<>();
    while (in.hasRemaining()) {
      byte[] header = new byte[8];
      in.get(in.position(), header);
      int length = Math.toIntExact(in.getLong());
      assertThat(in.getInt()).isEqualTo(masked(header));
      byte[] record = new byte[length];
      in.get(record);
      assertThat(in.getInt()).isEqualTo(masked(record));
      events.add(event(ByteBuffer.wrap(record).order(ByteOrder.LITTLE_ENDIAN)));
    }
    return events;
  }

  private static Event event(ByteBuffer in) {
    double time = 0;
    long step = 0;
    String version = null;
    String tag = null;
    float value = 0;
    Map<Integer, double[]> histogram = Map.of();
    while (in.hasRemaining()) {
      int key = (int) varint(in);
      switch (key) {
        case 0x09 -> time = in.getDouble();
        case 0x10 -> step = varint(in);
        case 0x1a -> version = text(in);
        case 0x2a -> {
          ByteBuffer summary = part(in);
          assertThat(varint(summary)).isEqualTo(0x0a);
          ByteBuffer point = part(summary);
          assertThat(summary.hasRemaining()).isFalse();
          assertThat(varint(point)).isEqualTo(0x0a);
          tag = text(point);
          switch ((int) varint(point)) {
            case 0x15 -> value = point.getFloat();
            case 0x2a -> histogram = histogram(part(point));
            default -> throw new AssertionError("neither a scalar nor a histogram");
          }
          assertThat(point.hasRemaining()).isFalse();
        }
        default -> throw new AssertionError("field " + key);
      }
    }
    return new Event(time, step, version, tag, value, histogram);
  }

  /** Returns the numbers of each field. */
  private static Map<Integer, double[]> histogram(ByteBuffer in) {
    Map<Integer, double[]> fields = new TreeMap<>();
    while (in.hasRemaining()) {
      int key = (int) varint(in);
      double[] numbers;
      if ((key & 7) == 1) {
        numbers = new double[] {in.getDouble()};
      } else {
        ByteBuffer packed = part(in);
        numbers = new double[packed.remaining() / Double.BYTES];
        packed.asDoubleBuffer().get(numbers);
      }
      fields.put(key >>> 3, numbers);
    }
    return fields;
  }

  private static long varint(ByteBuffer in) {
    long value = 0;
    for (int shift = 0; ; shift += 7) {
      byte next = in.get();
      value |= (next & 0x7fL) << shift;
      if (next >= 0) {
        return value;
      }
    }
  }

  private static ByteBuffer part(ByteBuffer in) {
    byte[] bytes = new byte[(int) varint(in)];
    in.get(bytes);
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static String text(ByteBuffer in) {
    return new String(part(in).array(), StandardCharsets.UTF_8);
  }

  /** The checksum bit by bit, from the polynomial of Castagnoli. */
  private static int masked(byte[] bytes) {
    int crc = -1;
    for (byte b : bytes) {
      crc ^= b & 0xff;
      for (int bit = 0; bit < 8; bit++) {
        crc = (crc & 1) == 0 ? crc >>> 1 : (crc >>> 1) ^ 0x82f63b78;
      }
    }
    int checksum = ~crc;
    return ((checksum >>> 15) | (checksum << 17)) + 0xa282ead8;
  }
}
