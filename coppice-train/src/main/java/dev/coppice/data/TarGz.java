package dev.coppice.data;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPInputStream;
import java.util.zip.ZipException;

/**
 * Takes known files out of a gzip-compressed tar archive (POSIX ustar). Only the members that are
 * asked for are written, each under its own last name, so that nothing in the archive decides where
 * anything goes.
 */
final class TarGz {
  private static final int BLOCK = 512;

  /** What the members that nobody asked for may take up together. */
  private static final long MAX_SKIPPED = 64L << 20;

  private TarGz() {}

  /**
   * Extracts the members into the folder.
   *
   * @throws DataFormatException if the archive is damaged, lacks a member, holds one in another
   *     size, or expands to much more than the members
   */
  static void extract(Path archive, Path folder, List<DataCatalog.Member> members)
      throws IOException {
    Map<String, DataCatalog.Member> wanted = new HashMap<>();
    members.forEach(member -> wanted.put(member.path(), member));
    long skipped = 0;
    try (InputStream in = new GZIPInputStream(Files.newInputStream(archive), 1 << 16)) {
      byte[] header = new byte[BLOCK];
      while (!wanted.isEmpty()) {
        if (in.readNBytes(header, 0, BLOCK) < BLOCK || isZero(header)) {
          throw new DataFormatException(archive.toString(), "lacks " + wanted.keySet());
        }
        checkSum(archive, header);
        long size = octal(archive, header, 124, 12);
        long padding = Math.floorMod(-size, (long) BLOCK);
        boolean regular = header[156] == '0' || header[156] == 0;
        DataCatalog.Member member = regular ? wanted.remove(path(header)) : null;
        if (member == null) {
          skipped += BLOCK + size + padding;
          if (skipped > MAX_SKIPPED) {
            throw new DataFormatException(
                archive.toString(), "holds far more than the expected files");
          }
          in.skipNBytes(size);
        } else {
          if (size != member.bytes()) {
            throw new DataFormatException(
                archive.toString(),
                "expected " + member.path() + " of " + member.bytes() + " bytes, found " + size);
          }
          copy(in, size, folder.resolve(member.fileName()));
        }
        in.skipNBytes(padding);
      }
    } catch (EOFException e) {
      throw new DataFormatException(archive.toString(), "the archive is truncated", e);
    } catch (ZipException e) {
      throw new DataFormatException(
          archive.toString(), "the compressed data are damaged (" + e.getMessage() + ")", e);
    }
  }

  private static void copy(InputStream in, long size, Path target) throws IOException {
    Path temporary = target.resolveSibling(target.getFileName() + ".tmp");
    try {
      try (OutputStream out = Files.newOutputStream(temporary)) {
        byte[] buffer = new byte[1 << 16];
        long left = size;
        while (left > 0) {
          int read = in.read(buffer, 0, (int) Math.min(buffer.length, left));
          if (read < 0) {
            throw new EOFException();
          }
          out.write(buffer, 0, read);
          left -= read;
        }
      }
      DataFetcher.publish(temporary, target);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static boolean isZero(byte[] header) {
    for (byte b : header) {
      if (b != 0) {
        return false;
      }
    }
    return true;
  }

  private static void checkSum(Path archive, byte[] header) throws IOException {
    long sum = 0;
    for (int i = 0; i < BLOCK; i++) {
      // The field of the sum itself counts as spaces.
      sum += i >= 148 && i < 156 ? ' ' : header[i] & 0xff;
    }
    if (sum != octal(archive, header, 148, 8)) {
      throw new DataFormatException(archive.toString(), "a header of the archive is damaged");
    }
  }

  private static long octal(Path archive, byte[] header, int from, int length)
      throws DataFormatException {
    String digits = text(header, from, length).strip();
    if (!digits.matches("[0-7]{1,11}")) {
      throw new DataFormatException(archive.toString(), "a header of the archive is damaged");
    }
    return Long.parseLong(digits, 8);
  }

  private static String path(byte[] header) {
    String name = text(header, 0, 100);
    boolean ustar = text(header, 257, 6).startsWith("ustar");
    String prefix = ustar ? text(header, 345, 155) : "";
    String path = prefix.isEmpty() ? name : prefix + "/" + name;
    return path.startsWith("./") ? path.substring(2) : path;
  }

  private static String text(byte[] header, int from, int length) {
    int end = from;
    while (end < from + length && header[end] != 0) {
      end++;
    }
    return new String(header, from, end - from, StandardCharsets.ISO_8859_1);
  }
}
