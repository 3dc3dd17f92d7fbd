package dev.coppice.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What came of running the command line in this process. */
record Invocation(int status, String out, String err) {
  static Invocation of(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int status = Main.run(args, new PrintWriter(out), new PrintWriter(err));
    return new Invocation(status, out.toString(), err.toString());
  }

  /** Runs with arguments that are not all texts. */
  static Invocation of(Object... args) {
    return of(Stream.of(args).map(Object::toString).toArray(String[]::new));
  }

  /** Checks the exit status, and that a failure is told in one line. */
  Invocation exits(int expected, String... messageParts) {
    assertThat(status).as("exit status; standard error: %s", err).isEqualTo(expected);
    if (expected != 0) {
      assertThat(err.lines().filter(line -> line.startsWith("coppice: ")))
          .singleElement()
          .asString()
          .contains(messageParts);
      assertThat(err).doesNotContain("\tat ", "internal error");
    }
    return this;
  }

  /** Returns the lines of standard error. */
  List<String> errorLines() {
    return err.lines().toList();
  }

  static JsonObject json(Path file) throws IOException {
    return JsonParser.parseString(Files.readString(file)).getAsJsonObject();
  }
}
