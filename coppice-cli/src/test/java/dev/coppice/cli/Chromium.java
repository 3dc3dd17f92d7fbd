package dev.coppice.cli;

import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.PlaywrightException;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.opentest4j.TestAbortedException;

/**
 * Headless Chromium, driven by Playwright. The system property {@code coppice.chromium} may name
 * the program; else it is one on the path, or that of the npm package whose version and checksum
 * {@code src/test/browser/package-lock.json} fixes. Where there is none, tests are skipped and say
 * why.
 */
record Chromium(Playwright playwright, Browser browser) implements AutoCloseable {
  private static final List<String> NAMES =
      List.of("chromium", "chromium-browser", "google-chrome", "google-chrome-stable");

  /** Where the packages to install are listed, from the folder of the module. */
  private static final Path PACKAGES = Path.of("src", "test", "browser");

  private static final Path CACHE =
      Path.of(System.getProperty("user.home", "."), ".cache", "coppice", "chromium-153.0.0");

  private static final long INSTALLING_MINUTES = 3;

  /**
   * Starts the browser.
   *
   * @throws TestAbortedException if there is none
   */
  static Chromium launch() {
    String node =
        onPath(List.of("node")).orElseThrow(() -> missing("there is no Node.js")).toString();
    Path program = program();
    Playwright playwright =
        Playwright.create(
            new Playwright.CreateOptions()
                .setEnv(
                    Map.of(
                        "PLAYWRIGHT_NODEJS_PATH", node, "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")));
    try {
      Browser browser =
          playwright
              .chromium()
              .launch(
                  new BrowserType.LaunchOptions()
                      .setExecutablePath(program)
                      .setArgs(List.of("--no-sandbox", "--no-zygote", "--headless=shell")));
      return new Chromium(playwright, browser);
    } catch (PlaywrightException e) {
      playwright.close();
      throw missing(program + " does not start: " + e.getMessage());
    }
  }

  private static TestAbortedException missing(String problem) {
    return new TestAbortedException(
        "reports are looked at in a browser only with a Chromium, which -Dcoppice.chromium=PATH may"
            + " name: "
            + problem);
  }

  private static Path program() {
    String named = System.getProperty("coppice.chromium");
    if (named != null) {
      return Path.of(named);
    }
    Path cached = CACHE.resolve("chromium");
    return onPath(NAMES)
        .or(() -> Optional.of(cached).filter(Files::isExecutable))
        .orElseGet(() -> install(cached));
  }

  private static Optional<Path> onPath(List<String> names) {
    return Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
        .flatMap(folder -> names.stream().map(name -> Path.of(folder, name)))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /** Has npm fetch the package and the package unpack its browser. */
  private static Path install(Path program) {
    System.err.println("fetching Chromium from the npm registry into " + CACHE);
    try {
      Path draft = Files.createDirectories(CACHE.resolveSibling(CACHE.getFileName() + ".draft"));
      for (String file : List.of("package.json", "package-lock.json")) {
        Files.copy(
            PACKAGES.resolve(file), draft.resolve(file), StandardCopyOption.REPLACE_EXISTING);
      }
      run(draft, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund");
      run(
          draft,
          "node",
          "--input-type=module",
          "--eval",
          "import chromium from '@sparticuz/chromium'; await chromium.executablePath();");
      Files.createDirectories(CACHE);
      Files.move(draft.resolve("chromium"), program, StandardCopyOption.REPLACE_EXISTING);
      return program;
    } catch (IOException e) {
      throw missing("there is no Chromium, and none could be fetched: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw missing("the test was interrupted");
    }
  }

  /** Runs a program in a folder, which it takes for that of temporary files. */
  private static void run(Path folder, String... command) throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
    builder.environment().put("TMPDIR", folder.toString());
    File log = folder.resolve("log.txt").toFile();
    Process process = builder.redirectErrorStream(true).redirectOutput(log).start();
    if (!process.waitFor(INSTALLING_MINUTES, TimeUnit.MINUTES)) {
      process.destroyForcibly();
      throw new IOException(command[0] + " takes too long");
    }
    if (process.exitValue() != 0) {
      throw new IOException(command[0] + " failed, see " + log);
    }
  }

  @Override
  public void close() {
    playwright.close();
  }
}
