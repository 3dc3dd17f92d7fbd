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
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EventFileTest {
  @TempDir Path folder;

  /** What an event says; fields that are absent keep what proto3 gives them. */
  private record Event(
      double wallTime, long step, @Nullable String version, @Nullable String tag, float value) {}

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
          assertThat(varint(point)).isEqualTo(0x15);
          value = point.getFloat();
          assertThat(point.hasRemaining()).isFalse();
        }
        default -> throw new AssertionError("field " + key);
      }
    }
    return new Event(time, step, version, tag, value);
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
