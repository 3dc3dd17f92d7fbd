package dev.coppice.data;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Downloads the published files of a data set, checks them, and unpacks those that come as an
 * archive. What was interrupted is taken up again where it stopped; a file appears under its name
 * only once it is complete and its checksum is right.
 */
public final class DataFetcher {
  /** Is told how far a file has come, from the thread that fetches. */
  @FunctionalInterface
  public interface Progress {
    /** Takes the name of the file, the bytes that are there, and the bytes that there will be. */
    void update(String file, long done, long total);
  }

  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Progress progress;
  private final Duration patience;

  /** Creates a fetcher that gives a silent server up after a minute. */
  public DataFetcher(Progress progress) {
    this(progress, PATIENCE);
  }

  DataFetcher(Progress progress, Duration patience) {
    this.progress = progress;
    this.patience = patience;
  }

  /**
   * Fetches what is missing of a data set of the catalogue.
   *
   * @param dataDir the folder in which the data set gets a subfolder; null for the default, see
   *     {@link DataSets#root}
   * @param base the address of a mirror that has the files under their own names; null for the
   *     addresses of the catalogue
   * @return the folder that now holds the data set
   * @throws IllegalArgumentException if the name is unknown or the data set is bundled
   * @throws DataFormatException if what the server sends is not the published file
   * @throws IOException if the server cannot be reached, refuses or stops halfway, or the disk
   *     fails
   */
  public Path fetch(String name, @Nullable Path dataDir, @Nullable URI base) throws IOException {
    return fetch(DataCatalog.entry(name), DataSets.root(dataDir), base);
  }

  Path fetch(DataCatalog.Entry entry, Path dataDir, @Nullable URI base) throws IOException {
    if (entry.files().isEmpty()) {
      throw new IllegalArgumentException(entry.name() + " is bundled: there is nothing to fetch");
    }
    Path folder = dataDir.resolve(entry.folders().getFirst());
    Files.createDirectories(folder);
    if (!entry.members().isEmpty() && hasMembers(folder, entry.members())) {
      return folder;
    }
    HttpClient client =
        HttpClient.newBuilder()
            .followRedirects(HttpClient.Redirect.NORMAL)
            .connectTimeout(patience)
            .build();
    try {
      for (DataCatalog.RemoteFile file : entry.files()) {
        Path target = folder.resolve(file.fileName());
        if (!Files.exists(target) || !isPublished(target, file)) {
          download(client, base == null ? file.uri() : mirrored(base, file), file, target);
        }
        progress.update(file.fileName(), file.bytes(), file.bytes());
        if (!entry.members().isEmpty()) {
          TarGz.extract(target, folder, entry.members());
          Files.delete(target);
        }
      }
    } finally {
      // close() would wait for the rest of a body that nobody reads any more.
      client.shutdownNow();
    }
    return folder;
  }

  private static boolean hasMembers(Path folder, List<DataCatalog.Member> members)
      throws IOException {
    for (DataCatalog.Member member : members) {
      Path file = folder.resolve(member.fileName());
      if (!Files.exists(file) || Files.size(file) != member.bytes()) {
        return false;
      }
    }
    return true;
  }

  private static URI mirrored(URI base, DataCatalog.RemoteFile file) {
    String prefix = base.toString();
    return URI.create(prefix.endsWith("/") ? prefix : prefix + "/").resolve(file.fileName());
  }

  private static boolean isPublished(Path path, DataCatalog.RemoteFile file) throws IOException {
    return Files.size(path) == file.bytes() && sha256(path).equals(file.sha256());
  }

  private static String sha256(Path path) throws IOException {
    MessageDigest digest = SourceFile.newSha256();
    try (InputStream in = new DigestInputStream(Files.newInputStream(path), digest)) {
      in.transferTo(OutputStream.nullOutputStream());
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private void download(HttpClient client, URI uri, DataCatalog.RemoteFile file, Path target)
      throws IOException {
    Path part = target.resolveSibling(file.fileName() + ".part");
    boolean resumed = Files.exists(part) && Files.size(part) > 0;
    receive(client, uri, file, part);
    String found = sha256(part);
    if (!found.equals(file.sha256()) && resumed) {
      // The part may have been another file's; only a whole download shows what the server has.
      Files.delete(part);
      receive(client, uri, file, part);
      found = sha256(part);
    }
    if (!found.equals(file.sha256())) {
      Files.delete(part);
      throw new DataFormatException(
          uri.toString(), "expected the SHA-256 " + file.sha256() + ", found " + found);
    }
    publish(part, target);
  }

  /** Makes a complete file durable and gives it its name. */
  static void publish(Path temporary, Path target) throws IOException {
    try (FileChannel channel = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
      channel.force(true);
    }
    Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
  }

  private void receive(HttpClient client, URI uri, DataCatalog.RemoteFile file, Path part)
      throws IOException {
    long have = Files.exists(part) ? Files.size(part) : 0;
    if (have > file.bytes()) {
      Files.delete(part);
      have = 0;
    }
    if (have == file.bytes()) {
      return;
    }
    HttpResponse<InputStream> response = get(client, uri, have);
    if (response.statusCode() == 416 && have > 0) {
      response.body().close();
      have = 0;
      response = get(client, uri, have);
    }
    try (InputStream body = response.body()) {
      if (response.statusCode() == 200) {
        have = 0;
      } else if (response.statusCode() != 206 || !startsAt(response, have)) {
        throw new IOException(
            uri + ": expected the file, found the status " + response.statusCode());
      }
      long announced = response.headers().firstValueAsLong("Content-Length").orElse(-1);
      if (announced >= 0 && announced != file.bytes() - have) {
        throw new DataFormatException(
            uri.toString(),
            "expected " + (file.bytes() - have) + " bytes, but the server announces " + announced);
      }
      append(body, uri, file, part, have);
    }
  }

  private static boolean startsAt(HttpResponse<?> response, long position) {
    return response
        .headers()
        .firstValue("Content-Range")
        .filter(range -> range.startsWith("bytes " + position + "-"))
        .isPresent();
  }

  private HttpResponse<InputStream> get(HttpClient client, URI uri, long from) throws IOException {
    HttpRequest.Builder request = HttpRequest.newBuilder(uri).timeout(patience);
    if (from > 0) {
      request.header("Range", "bytes=" + from + "-");
    }
    try {
      return client.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw interrupted(uri);
    } catch (IOException e) {
      String reason = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
      throw new IOException(uri + ": the server cannot be reached (" + reason + ")", e);
    }
  }

  private static InterruptedIOException interrupted(URI uri) {
    return new InterruptedIOException(uri + ": interrupted");
  }

  private void append(InputStream body, URI uri, DataCatalog.RemoteFile file, Path part, long have)
      throws IOException {
    AtomicLong done = new AtomicLong(have);
    Thread watchdog = closeWhenSilent(body, done);
    try (FileChannel out =
        FileChannel.open(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      out.truncate(have);
      out.position(have);
      byte[] buffer = new byte[1 << 16];
      int read;
      while ((read = readSome(body, buffer, uri, file, done.get())) > 0) {
        if (done.get() + read > file.bytes()) {
          throw new DataFormatException(
              uri.toString(), "the server sends more than the expected " + file.bytes() + " bytes");
        }
        ByteBuffer chunk = ByteBuffer.wrap(buffer, 0, read);
        while (chunk.hasRemaining()) {
          out.write(chunk);
        }
        progress.update(file.fileName(), done.addAndGet(read), file.bytes());
      }
      if (done.get() < file.bytes()) {
        throw new IOException(stopped(uri, file, done.get()));
      }
    } finally {
      watchdog.interrupt();
    }
  }

  private static int readSome(
      InputStream body, byte[] buffer, URI uri, DataCatalog.RemoteFile file, long done)
      throws IOException {
    try {
      return body.read(buffer);
    } catch (IOException e) {
      if (Thread.currentThread().isInterrupted()) {
        throw interrupted(uri);
      }
      throw new IOException(stopped(uri, file, done), e);
    }
  }

  private static String stopped(URI uri, DataCatalog.RemoteFile file, long done) {
    return uri
        + ": the connection ended after "
        + done
        + " of "
        + file.bytes()
        + " bytes; fetch again to go on from there";
  }

  /** The client has no limit of its own for a body that does not come. */
  private Thread closeWhenSilent(InputStream body, AtomicLong done) {
    return Thread.ofVirtual()
        .start(
            () -> {
              try {
                long before;
                do {
                  before = done.get();
                  Thread.sleep(patience);
                } while (done.get() > before);
                body.close();
              } catch (InterruptedException | IOException e) {
                // The body has ended, or is closed already.
              }
            });
  }
}
