package dev.coppice.data;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * The bytes of one file as they lie on the disk, compressed or not, so that what is hashed is what
 * is parsed.
 *
 * @param name what the file is called in messages
 * @param content its bytes
 */
public record SourceFile(String name, byte[] content) {
  /** Deflate cannot shrink data below one part in 1,032. */
  private static final long MAX_DEFLATE_RATIO = 1032;

  /**
   * Reads a file.
   *
   * @throws DataFormatException if it is not a regular file or larger than 2 GiB
   * @throws IOException if it cannot be read
   */
  public static SourceFile read(Path path) throws IOException {
    return read(path, Images.MAX_PIXELS);
  }

  static SourceFile read(Path path, int limit) throws IOException {
    if (!Files.exists(path)) {
      throw new FileNotFoundException(path + ": does not exist");
    }
    // A device would have no size to check and no end.
    if (!Files.isRegularFile(path)) {
      throw new DataFormatException(path.toString(), "is not a regular file");
    }
    long size = Files.size(path);
    if (size > limit) {
      throw new DataFormatException(
          path.toString(), "has " + size + " bytes where at most " + limit + " are accepted");
    }
    try (InputStream in = Files.newInputStream(path)) {
      return read(path.toString(), in, limit);
    }
  }

  /**
   * Reads a stream to its end.
   *
   * @throws DataFormatException if it holds more than {@code limit} bytes
   * @throws IOException if it cannot be read
   */
  public static SourceFile read(String name, InputStream in, int limit) throws IOException {
    byte[] content = in.readNBytes(limit);
    if (content.length == limit && in.read() >= 0) {
      throw new DataFormatException(name, "has more than the accepted " + limit + " bytes");
    }
    return new SourceFile(name, content);
  }

  /** Returns the SHA-256 of the bytes, in lower-case hexadecimal. */
  public String sha256() {
    return HexFormat.of().formatHex(newSha256().digest(content));
  }

  static MessageDigest newSha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JDK has SHA-256", e);
    }
  }

  private boolean isGzip() {
    return content.length >= 2 && content[0] == 0x1f && content[1] == (byte) 0x8b;
  }

  /** Returns a bound on the number of bytes that {@link #decode} can see, without decompressing. */
  long maxDecodedBytes() {
    return isGzip() ? content.length * MAX_DEFLATE_RATIO : content.length;
  }

  /** What reads the decompressed bytes. */
  interface Decoder<T> {
    T decode(InputStream in) throws IOException;
  }

  /** Applies the decoder to the bytes, decompressed if they begin with the magic of gzip. */
  <T> T decode(Decoder<T> decoder) throws IOException {
    try (InputStream raw = new ByteArrayInputStream(content);
        InputStream in = isGzip() ? new GZIPInputStream(raw, 1 << 16) : raw) {
      return decoder.decode(in);
    } catch (EOFException e) {
      throw new DataFormatException(name, "the compressed data are truncated", e);
    } catch (ZipException e) {
      throw new DataFormatException(
          name, "the compressed data are damaged (" + e.getMessage() + ")", e);
    }
  }
}
