package dev.coppice.graph;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.function.ToIntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes files in the safetensors format: the length of the header (8 bytes, little
 * endian), the header (JSON), the tensors' bytes (little endian). Knows nothing of networks.
 */
public final class Safetensors {
  /** The greatest length of a header in bytes. */
  public static final int MAX_HEADER = 100_000_000;

  private static final String METADATA = "__metadata__";
  private static final int ALIGNMENT = 8;
  private static final byte[] EMPTY = {};

  private Safetensors() {}

  /** The type of an element. */
  public enum Type {
    F64(8),
    I64(8),
    F32(4),
    I32(4),
    F16(2),
    BF16(2),
    U16(2),
    U8(1),
    I8(1),
    BOOL(1);

    private final int bytes;

    Type(int bytes) {
      this.bytes = bytes;
    }

    /** Returns the number of bytes of an element. */
    public int bytes() {
      return bytes;
    }
  }

  /**
   * A tensor of a file, the last dimension running fastest. The arrays are not copied.
   *
   * @param data the elements, little endian
   */
  public record Array(Type type, int[] shape, byte[] data) {
    /** Throws {@link IllegalArgumentException} if type and shape do not fit the data. */
    public Array {
      long bytes = byteCount(type, shape);
      if (bytes != data.length) {
        throw new IllegalArgumentException(
            type
                + " of the shape "
                + Arrays.toString(shape)
                + " takes "
                + bytes
                + " bytes, not "
                + data.length);
      }
    }

    /** Returns the elements of {@code tensor} as {@link Type#F32}. */
    public static Array of(Tensor tensor) {
      byte[] data = new byte[Math.multiplyExact(tensor.size(), Type.F32.bytes())];
      buffer(data).asFloatBuffer().put(tensor.data());
      return new Array(Type.F32, tensor.shape().clone(), data);
    }

    /** Returns a vector of {@link Type#I32}. */
    public static Array ofInts(int... values) {
      byte[] data = new byte[Math.multiplyExact(values.length, Type.I32.bytes())];
      buffer(data).asIntBuffer().put(values);
      return new Array(Type.I32, new int[] {values.length}, data);
    }

    /**
     * Returns a vector of {@link Type#U16}.
     *
     * @param values in [0, 65535]
     */
    public static Array ofUnsignedShorts(int... values) {
      byte[] data = new byte[Math.multiplyExact(values.length, Type.U16.bytes())];
      ByteBuffer buffer = buffer(data);
      for (int value : values) {
        if (value < 0 || value > 0xffff) {
          throw new IllegalArgumentException(value + " does not lie in [0, 65535]");
        }
        buffer.putShort((short) value);
      }
      return new Array(Type.U16, new int[] {values.length}, data);
    }

    /** Returns a vector of {@link Type#U8}, whose bytes are not copied. */
    public static Array ofBytes(byte... values) {
      return new Array(Type.U8, new int[] {values.length}, values);
    }

    /**
     * Returns the elements of {@code tensor}, whole numbers in [-128, 127], as {@link Type#I8}.
     *
     * @throws IllegalArgumentException if an element is not such a number
     */
    public static Array ofSignedBytes(Tensor tensor) {
      float[] values = tensor.data();
      byte[] data = new byte[values.length];
      for (int i = 0; i < data.length; i++) {
        data[i] = (byte) values[i];
        if (data[i] != values[i]) {
          throw new IllegalArgumentException(values[i] + " is no whole number in [-128, 127]");
        }
      }
      return new Array(Type.I8, tensor.shape().clone(), data);
    }

    /** Returns the number of elements. */
    public int size() {
      return data.length / type.bytes();
    }

    /** Returns the elements as floats: half precision widened, other types rounded. */
    public float[] floats() {
      float[] values = new float[size()];
      ByteBuffer buffer = buffer(data);
      switch (type) {
        case F32 -> buffer.asFloatBuffer().get(values);
        case F64 -> {
          for (int i = 0; i < values.length; i++) {
            values[i] = (float) buffer.getDouble();
          }
        }
        case F16 -> {
          for (int i = 0; i < values.length; i++) {
            values[i] = Float.float16ToFloat(buffer.getShort());
          }
        }
        case BF16 -> {
          for (int i = 0; i < values.length; i++) {
            values[i] = Float.intBitsToFloat(buffer.getShort() << 16);
          }
        }
        case I64, I32, U16, U8, I8, BOOL -> {
          long[] whole = longs();
          for (int i = 0; i < values.length; i++) {
            values[i] = whole[i];
          }
        }
      }
      return values;
    }

    /**
     * Returns the elements as whole numbers; {@link Type#BOOL} as 0 and 1.
     *
     * @throws IllegalStateException if the type is one of fractions
     */
    public long[] longs() {
      long[] values = new long[size()];
      ByteBuffer buffer = buffer(data);
      for (int i = 0; i < values.length; i++) {
        values[i] =
            switch (type) {
              case I64 -> buffer.getLong();
              case I32 -> buffer.getInt();
              case U16 -> buffer.getShort() & 0xffff;
              case U8 -> buffer.get() & 0xff;
              case I8 -> buffer.get();
              case BOOL -> buffer.get() == 0 ? 0 : 1;
              case F64, F32, F16, BF16 ->
                  throw new IllegalStateException(type + " are not whole numbers");
            };
      }
      return values;
    }

    /** Returns the elements as a tensor; see {@link #floats}. */
    public Tensor tensor() {
      return new Tensor(shape.clone(), floats());
    }

    /** Returns the elements' bytes, little endian, for reading single ones. */
    ByteBuffer buffer() {
      return buffer(data).asReadOnlyBuffer().order(ByteOrder.LITTLE_ENDIAN);
    }

    private static ByteBuffer buffer(byte[] data) {
      return ByteBuffer.wrap(data).order(ByteOrder.LITTLE_ENDIAN);
    }

    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Array array
          && type == array.type
          && Arrays.equals(shape, array.shape)
          && Arrays.equals(data, array.data);
    }

    @Override
    public int hashCode() {
      return 31 * (31 * type.hashCode() + Arrays.hashCode(shape)) + Arrays.hashCode(data);
    }

    @Override
    public String toString() {
      return type + Arrays.toString(shape);
    }
  }

  /** What a file holds, in the order of its header. */
  public record Content(Map<String, String> metadata, SequencedMap<String, Array> arrays) {
    /** Copies the maps. */
    public Content {
      metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
      arrays = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(arrays));
    }

    /**
     * Returns the array of that name.
     *
     * @throws GraphException if there is none
     */
    public Array get(String name) {
      return find(arrays, name);
    }
  }

  /**
   * Reads a file into memory.
   *
   * @throws ModelFormatException if the file is not in the format; nothing that it announces is
   *     allocated before it is known that the file is large enough
   * @throws IOException if the file cannot be read
   */
  public static Content read(Path path) throws IOException {
    try (InputStream in = Files.newInputStream(path)) {
      return read(in, Files.size(path), path.toString());
    }
  }

  /** Reads a file of {@code size} bytes; {@code source} names it in messages. */
  static Content read(InputStream in, long size, String source) throws IOException {
    try {
      byte[] length = bytes(in, Long.BYTES, size);
      long headerLength = ByteBuffer.wrap(length).order(ByteOrder.LITTLE_ENDIAN).getLong();
      long rest = size - Long.BYTES;
      if (headerLength < 0 || headerLength > Math.min(rest, MAX_HEADER)) {
        throw new GraphException(
            "announces a header of "
                + Long.toUnsignedString(headerLength)
                + " bytes, of at most "
                + Math.min(rest, MAX_HEADER));
      }
      String text = decode(bytes(in, (int) headerLength, rest));
      JsonObject header = Json.parseObject(text);
      Map<String, String> metadata = readMetadata(header.remove(METADATA));
      SequencedMap<String, Span> spans = new LinkedHashMap<>();
      for (Map.Entry<String, JsonElement> entry : header.entrySet()) {
        spans.put(entry.getKey(), readSpan(entry.getKey(), entry.getValue()));
      }
      return new Content(metadata, readArrays(in, spans, rest - headerLength));
    } catch (GraphException e) {
      throw new ModelFormatException(source + ": " + e.getMessage(), e);
    }
  }

  /**
   * Writes a file, which appears whole or not at all.
   *
   * @throws IllegalArgumentException if a tensor has the name of the metadata, or the header would
   *     be too long
   * @throws IOException if the file cannot be written
   */
  public static void write(
      Path path, Map<String, String> metadata, SequencedMap<String, Array> arrays)
      throws IOException {
    // The widest elements come first so that all of them are aligned.
    List<String> inOrder = new ArrayList<>(arrays.keySet());
    ToIntFunction<String> width = name -> find(arrays, name).type().bytes();
    inOrder.sort(Comparator.comparingInt(width).reversed());
    byte[] header = header(metadata, arrays, inOrder);
    AtomicFile.write(
        path,
        out -> {
          ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
          out.write(length.putLong(header.length).array());
          out.write(header);
          for (String name : inOrder) {
            out.write(find(arrays, name).data());
          }
        });
  }

  private static byte[] header(
      Map<String, String> metadata, SequencedMap<String, Array> arrays, List<String> inOrder) {
    Map<String, Long> begins = new HashMap<>();
    long begin = 0;
    for (String name : inOrder) {
      begins.put(name, begin);
      begin += find(arrays, name).data().length;
    }
    JsonObject header = new JsonObject();
    if (!metadata.isEmpty()) {
      JsonObject object = new JsonObject();
      metadata.forEach(object::addProperty);
      header.add(METADATA, object);
    }
    arrays.forEach(
        (name, array) -> {
          if (name.equals(METADATA)) {
            throw new IllegalArgumentException("a tensor cannot have the name " + METADATA);
          }
          JsonObject object = new JsonObject();
          object.addProperty("dtype", array.type().name());
          JsonArray shape = new JsonArray();
          for (int dimension : array.shape()) {
            shape.add(dimension);
          }
          object.add("shape", shape);
          JsonArray offsets = new JsonArray();
          long first = find(begins, name);
          offsets.add(first);
          offsets.add(first + array.data().length);
          object.add("data_offsets", offsets);
          header.add(name, object);
        });
    byte[] bytes = header.toString().getBytes(StandardCharsets.UTF_8);
    int padded = Math.ceilDiv(bytes.length, ALIGNMENT) * ALIGNMENT;
    if (padded > MAX_HEADER) {
      throw new IllegalArgumentException("the header of " + padded + " bytes is too long");
    }
    byte[] result = Arrays.copyOf(bytes, padded);
    Arrays.fill(result, bytes.length, padded, (byte) ' ');
    return result;
  }

  /** What the header says of a tensor. */
  private record Span(Type type, int[] shape, long begin, long end) {}

  private static Map<String, String> readMetadata(@Nullable JsonElement element) {
    if (element == null) {
      return Map.of();
    }
    if (!(element instanceof JsonObject object)) {
      throw new GraphException(METADATA + ": expected a JSON object");
    }
    Map<String, String> metadata = new LinkedHashMap<>();
    object
        .asMap()
        .forEach(
            (key, value) -> {
              if (!(value instanceof JsonPrimitive text && text.isString())) {
                throw new GraphException(METADATA + ": " + Quote.of(key) + " must be a string");
              }
              metadata.put(key, text.getAsString());
            });
    return metadata;
  }

  private static Span readSpan(String name, JsonElement element) {
    JsonFields fields = new JsonFields("tensor " + Quote.of(name), element);
    String typeName = fields.text("dtype");
    Type type =
        Arrays.stream(Type.values())
            .filter(candidate -> candidate.name().equals(typeName))
            .findFirst()
            .orElseThrow(() -> fields.error("unknown dtype " + Quote.of(typeName)));
    int[] shape = fields.integers("shape");
    long[] offsets = fields.longs("data_offsets");
    fields.end();
    if (offsets.length != 2 || offsets[0] < 0 || offsets[1] < offsets[0]) {
      throw fields.error("its data_offsets must be a begin and an end");
    }
    long bytes;
    try {
      bytes = byteCount(type, shape);
    } catch (GraphException e) {
      throw fields.error(e.getMessage());
    }
    if (offsets[1] - offsets[0] != bytes) {
      throw fields.error(
          "needs " + bytes + " bytes, its data_offsets span " + (offsets[1] - offsets[0]));
    }
    if (bytes > Integer.MAX_VALUE - 8) {
      throw fields.error("is larger than 2 GiB");
    }
    return new Span(type, shape, offsets[0], offsets[1]);
  }

  private static SequencedMap<String, Array> readArrays(
      InputStream in, SequencedMap<String, Span> spans, long size) throws IOException {
    List<Map.Entry<String, Span>> inOrder = new ArrayList<>(spans.entrySet());
    inOrder.sort(
        Comparator.comparingLong((Map.Entry<String, Span> entry) -> entry.getValue().begin())
            .thenComparingLong(entry -> entry.getValue().end()));
    long position = 0;
    for (Map.Entry<String, Span> entry : inOrder) {
      Span span = entry.getValue();
      if (span.begin() != position) {
        throw new GraphException(
            "tensor "
                + Quote.of(entry.getKey())
                + ": begins at "
                + span.begin()
                + " where the data before it end at "
                + position);
      }
      position = span.end();
    }
    if (position != size) {
      throw new GraphException(
          "its tensors take " + position + " bytes, but " + size + " follow the header");
    }
    Map<String, byte[]> data = new HashMap<>();
    for (Map.Entry<String, Span> entry : inOrder) {
      Span span = entry.getValue();
      data.put(entry.getKey(), bytes(in, (int) (span.end() - span.begin()), size));
    }
    SequencedMap<String, Array> arrays = new LinkedHashMap<>();
    spans.forEach(
        (name, span) -> arrays.put(name, new Array(span.type(), span.shape(), find(data, name))));
    return arrays;
  }

  /** Reads {@code count} bytes of a stream that should have {@code available} more. */
  private static byte[] bytes(InputStream in, int count, long available) throws IOException {
    byte[] bytes = count <= available ? in.readNBytes(count) : EMPTY;
    if (bytes.length < count) {
      throw new GraphException("ends early: it has no " + count + " bytes to read");
    }
    return bytes;
  }

  private static <T> T find(Map<String, T> map, String name) {
    T found = map.get(name);
    if (found == null) {
      throw new GraphException("there is no tensor " + Quote.of(name));
    }
    return found;
  }

  private static long byteCount(Type type, int[] shape) {
    long bytes = type.bytes();
    for (int dimension : shape) {
      if (dimension < 0 || bytes > Long.MAX_VALUE / Math.max(1, dimension)) {
        throw new GraphException("no tensor has the shape " + Arrays.toString(shape));
      }
      bytes *= dimension;
    }
    return bytes;
  }

  private static String decode(byte[] header) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(header)).toString();
    } catch (CharacterCodingException e) {
      throw new GraphException("its header is not valid UTF-8", e);
    }
  }
}
