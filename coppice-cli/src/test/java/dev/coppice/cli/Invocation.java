package dev.coppice.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;

/**
 * The command line run within this process.
 *
 * @param status the exit status
 */
record Invocation(int status, String out, String err) {
  static Invocation of(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    int status = Main.run(args, new PrintWriter(out), new PrintWriter(err));
    return new Invocation(status, out.toString(), err.toString());
  }

  /** Returns the lines of standard error. */
  List<String> errorLines() {
    return err.lines().toList();
  }
}
