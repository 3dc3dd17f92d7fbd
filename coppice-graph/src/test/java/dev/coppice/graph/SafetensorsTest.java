package dev.coppice.graph;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.SequencedMap;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsTest {
  private static final String HEADER =
      "{'__metadata__':{'k':'v'},'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},"
          + "'b':{'dtype':'U8','shape':[2,2],'data_offsets':[8,12]}}";

  @TempDir Path folder;

  private static byte[] file(String header, int dataLength) {
    byte[] json = header.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    return file(json.length, json, dataLength);
  }

  private static byte[] file(long announced, byte[] header, int dataLength) {
    return ByteBuffer.allocate(8 + header.length + dataLength)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(announced)
        .put(header)
        .array();
  }

  private static Safetensors.Content read(byte[] bytes) throws IOException {
    return Safetensors.read(new ByteArrayInputStream(bytes), bytes.length, "x.safetensors");
  }

  @Test
  void readsHeaderAndData() throws IOException {
    byte[] bytes = file(HEADER, 12);
    bytes[bytes.length - 1] = -1;

    Safetensors.Content content = read(bytes);

    assertThat(content.metadata()).isEqualTo(Map.of("k", "v"));
    assertThat(content.arrays().keySet()).containsExactly("a", "b");
    assertThat(content.get("a").floats()).containsExactly(0, 0);
    assertThat(content.get("b").shape()).containsExactly(2, 2);
    assertThat(content.get("b").longs()).containsExactly(0, 0, 0, 255);
    assertThatThrownBy(() -> content.get("c")).isInstanceOf(GraphException.class);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          [8,12]      | [4,8]       | tensor "b": begins at 4 where the data before it end at 8
          [8,12]      | [9,13]      | tensor "b": begins at 9 where the data before it end at 8
          [8,12]      | [8,11]      | tensor "b": needs 4 bytes, its data_offsets span 3
          [8,12]      | [12,8]      | tensor "b": its data_offsets must be a begin and an end
          [8,12]      | [-8,-4]     | tensor "b": its data_offsets must be a begin and an end
          [8,12]      | [8]         | tensor "b": its data_offsets must be a begin and an end
          [8,12]      | [8,1e1]     | tensor "b": field "data_offsets" must hold whole numbers of 64 bits
          [2,2]       | [2,-2]      | tensor "b": no tensor has the shape [2, -2]
          [2,2]       | [2147483647,2147483647,2147483647] | tensor "b": no tensor has the shape [2147483647, 2147483647, 2147483647]
          [2,2]       | [3000000000] | tensor "b": field "shape" must be a whole number of 32 bits
          'U8'        | 'U9'        | tensor "b": unknown dtype "U9"
          'U8'        | 8           | tensor "b": field "dtype" must be a string
          'dtype':'U8', | ``        | tensor "b": field "dtype" is missing
          'dtype':'U8' | 'dtype':'U8','x':0 | tensor "b": unknown field "x"
          'b':        | 'a':        | the JSON has the key "a" twice
          'v'         | 7           | __metadata__: "k" must be a string
          {'k':'v'}   | []          | __metadata__: expected a JSON object
          """)
  void saysWhatIsWrong(String part, String replacement, String message) {
    assertThat(HEADER).contains(part);
    byte[] bytes = file(HEADER.replace(part, replacement), 12);
    assertThatThrownBy(() -> read(bytes))
        .isInstanceOf(ModelFormatException.class)
        .hasMessageEndingWith(message)
        .hasMessageStartingWith("x.safetensors: ")
        .hasMessageNotContaining("\n");
  }

  @Test
  void refusesDataThatNoTensorHas() {
    assertThatThrownBy(() -> read(file(HEADER, 13)))
        .isInstanceOf(ModelFormatException.class)
        .hasMessage("x.safetensors: its tensors take 12 bytes, but 13 follow the header");
  }

  @Test
  void refusesEveryTruncation() {
    byte[] bytes = file(HEADER, 12);
    for (int length = 0; length < bytes.length; length++) {
      byte[] prefix = Arrays.copyOf(bytes, length);
      assertThatThrownBy(() -> read(prefix)).isInstanceOf(ModelFormatException.class);
    }
  }

  @Test
  void refusesAFileThatEndsBeforeItsSize() {
    byte[] bytes = file(HEADER, 12);
    for (int length = 0; length < bytes.length; length++) {
      ByteArrayInputStream in = new ByteArrayInputStream(bytes, 0, length);
      assertThatThrownBy(() -> Safetensors.read(in, bytes.length, "x"))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("ends early");
    }
  }

  @Test
  void refusesAbsurdHeaderLengths() {
    for (long length : new long[] {-1, Long.MIN_VALUE, Long.MAX_VALUE, 100_000_001, 3}) {
      assertThatThrownBy(() -> read(file(length, new byte[] {'{', '}'}, 0)))
          .isInstanceOf(ModelFormatException.class)
          .hasMessageContaining("announces a header of");
    }
  }

  @Test
  void refusesHeadersThatAreNotText() {
    assertThatThrownBy(() -> read(file(2, new byte[] {(byte) 0xc3, 0x28}, 0)))
        .hasMessage("x.safetensors: its header is not valid UTF-8");
    assertThatThrownBy(() -> read(file("[]", 0)))
        .hasMessage("x.safetensors: expected a JSON object");
    assertThatThrownBy(() -> read(file("{'a':[]}", 0)))
        .hasMessage("x.safetensors: tensor \"a\": expected a JSON object");
  }

  @Property(tries = 100)
  void roundTrips(@ForAll long seed) throws IOException {
    Random random = new Random(seed);
    SequencedMap<String, Safetensors.Array> arrays = new LinkedHashMap<>();
    int count = random.nextInt(6);
    for (int i = 0; i < count; i++) {
      Safetensors.Type[] types = Safetensors.Type.values();
      Safetensors.Type type = types[random.nextInt(types.length)];
      int[] shape = random.ints(random.nextInt(4), 0, 4).toArray();
      byte[] data = new byte[type.bytes() * Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
      random.nextBytes(data);
      arrays.put("tensor \"ü\" " + i, new Safetensors.Array(type, shape, data));
    }
    Map<String, String> metadata =
        random.nextBoolean() ? Map.of() : Map.of("key\n", "{\"ünï\": \"\\\"}", "", "");
    Path file = Files.createTempFile("coppice", ".safetensors");
    try {
      Safetensors.write(file, metadata, arrays);
      Safetensors.Content content = Safetensors.read(file);
      assertThat(content.metadata()).isEqualTo(metadata);
      assertThat(content.arrays()).containsExactlyEntriesOf(arrays);
    } finally {
      Files.delete(file);
    }
  }

  @Test
  void writesTheSameArrayTwice() throws IOException {
    SequencedMap<String, Safetensors.Array> arrays = new LinkedHashMap<>();
    Safetensors.Array array = Safetensors.Array.ofInts(1, 2);
    arrays.put("a", array);
    arrays.put("b", array);
    Path file = folder.resolve("x.safetensors");

    Safetensors.write(file, Map.of(), arrays);

    assertThat(Safetensors.read(file).arrays()).isEqualTo(arrays);
  }

  @Test
  void widensAndNarrows() {
    assertThat(array(Safetensors.Type.F16, 0x00, 0x3c, 0x00, 0xc0).floats()).containsExactly(1, -2);
    assertThat(array(Safetensors.Type.BF16, 0x80, 0x3f, 0x20, 0xc0).floats())
        .containsExactly(1, -2.5f);
    assertThat(array(Safetensors.Type.F64, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f).floats())
        .containsExactly(0.5f);
    assertThat(array(Safetensors.Type.U16, 0xff, 0xff).longs()).containsExactly(65535);
    assertThat(array(Safetensors.Type.I8, 0xff, 0x01).longs()).containsExactly(-1, 1);
    assertThat(array(Safetensors.Type.I8, 0xff, 0x01).floats()).containsExactly(-1, 1);
    assertThat(array(Safetensors.Type.BOOL, 0, 1, 2).longs()).containsExactly(0, 1, 1);
    assertThat(array(Safetensors.Type.I64, -2, 255, 255, 255, 255, 255, 255, 255).longs())
        .containsExactly(-2);
    assertThat(Safetensors.Array.ofInts(-5, 7).longs()).containsExactly(-5, 7);
    assertThat(Safetensors.Array.ofUnsignedShorts(65535, 7).longs()).containsExactly(65535, 7);
    assertThatThrownBy(() -> Safetensors.Array.ofUnsignedShorts(65536))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> array(Safetensors.Type.F16, 0, 0).longs())
        .isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> new Safetensors.Array(Safetensors.Type.U8, new int[] {2}, new byte[1]))
        .hasMessage("U8 of the shape [2] takes 2 bytes, not 1");
  }

  private static Safetensors.Array array(Safetensors.Type type, int... bytes) {
    byte[] data = new byte[bytes.length];
    for (int i = 0; i < data.length; i++) {
      data[i] = (byte) bytes[i];
    }
    return new Safetensors.Array(type, new int[] {data.length / type.bytes()}, data);
  }

  @Test
  void readsTheReferencesFile() throws IOException {
    Safetensors.Content content = Safetensors.read(Golden.NETWORK);
    assertThat(content.metadata()).containsEntry("kind", "network").containsEntry("T", "4");
    assertThat(content.get("label").type()).isEqualTo(Safetensors.Type.I64);
    assertThat(content.get("label").longs()).hasSize(3);
    assertThat(content.get("input").shape()).containsExactly(3, 2, 6, 6);
    assertThat(content.get("step0.bn1.weight").floats()).containsExactly(1, 1, 1, 1, 1, 1);
  }

  @Test
  void leavesTheOldFileWhenWritingFails() throws IOException {
    Path file = folder.resolve("x.bin");
    Files.writeString(file, "old");

    assertThatThrownBy(
            () ->
                AtomicFile.write(
                    file,
                    out -> {
                      out.write(1);
                      throw new UncheckedIOException(new IOException("full"));
                    }))
        .isInstanceOf(UncheckedIOException.class);

    assertThat(file).hasContent("old");
    try (Stream<Path> files = Files.list(folder)) {
      assertThat(files).containsExactly(file);
    }
    AtomicFile.write(file, out -> out.write('n'));
    assertThat(file).hasContent("n");
    assertThatThrownBy(() -> AtomicFile.write(folder.resolve("no/x"), out -> out.write(1)))
        .isInstanceOf(NoSuchFileException.class);
  }
}
