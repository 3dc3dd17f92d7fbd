package dev.coppice.cli;

import ai.djl.engine.EngineException;
import dev.coppice.train.NonFiniteException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * What an error comes to for the user.
 *
 * @param status the exit status
 * @param message one line
 */
record Failure(int status, String message) {
  /** A run that failed. */
  static final int FAILED = 1;

  /** Bad usage or bad input. */
  static final int USAGE = 2;

  private static final int MAX_LENGTH = 1000;

  Failure {
    message = oneLine(message);
  }

  /** Returns the failure that an error means. */
  static Failure of(Throwable error) {
    return switch (error) {
      case UnmatchedArgumentException e -> new Failure(USAGE, unmatched(e));
      case ParameterException e -> new Failure(USAGE, lowerFirst(message(e)));
      case UsageException e -> new Failure(USAGE, message(e));
      case RunFailedException e -> new Failure(FAILED, message(e));
      case NonFiniteException e -> new Failure(FAILED, "training diverged: " + message(e));
      case UncheckedIOException e -> of(Objects.requireNonNull(e.getCause()));
      case IOException e -> new Failure(USAGE, describe(e));
      case IllegalArgumentException e -> new Failure(USAGE, message(e));
      case EngineException e -> new Failure(FAILED, "PyTorch failed: " + message(e));
      case OutOfMemoryError e -> new Failure(FAILED, "out of memory: " + message(e));
      default ->
          new Failure(
              FAILED,
              "internal error (please report it; --debug shows more): "
                  + error.getClass().getSimpleName()
                  + ": "
                  + message(error));
    };
  }

  /** Returns what went wrong with a file, which the JDK's own messages often only name. */
  static String describe(IOException error) {
    return switch (error) {
      case NoSuchFileException e -> e.getFile() + ": does not exist";
      case AccessDeniedException e -> e.getFile() + ": permission denied";
      case FileAlreadyExistsException e -> e.getFile() + ": exists, and is not a folder";
      case NotDirectoryException e -> e.getFile() + ": is not a folder";
      case FileSystemException e when e.getReason() != null && e.getFile() != null ->
          e.getFile() + ": " + lowerFirst(e.getReason());
      default -> message(error);
    };
  }

  private static String unmatched(UnmatchedArgumentException error) {
    String argument = error.getUnmatched().isEmpty() ? "" : error.getUnmatched().getFirst();
    String name = argument.replaceFirst("=.*", "");
    boolean option = argument.startsWith("-");
    List<String> known =
        option
            ? error.getCommandLine().getCommandSpec().options().stream()
                .map(spec -> spec.longestName())
                .toList()
            : List.copyOf(error.getCommandLine().getSubcommands().keySet());
    String kind = option ? "unknown option " : known.isEmpty() ? "unexpected " : "unknown command ";
    return kind + name + Suggestion.of(name, known);
  }

  private static String message(Throwable error) {
    String message = error.getMessage();
    return message == null || message.isBlank() ? error.getClass().getSimpleName() : message;
  }

  private static String lowerFirst(String text) {
    boolean sentence = text.length() > 1 && Character.isLowerCase(text.charAt(1));
    return sentence ? Character.toLowerCase(text.charAt(0)) + text.substring(1) : text;
  }

  private static String oneLine(String text) {
    String line =
        text.lines().map(String::strip).filter(part -> !part.isEmpty()).collect(joining());
    String clean = line.replaceAll("\\p{Cntrl}", "?");
    return clean.length() <= MAX_LENGTH ? clean : clean.substring(0, MAX_LENGTH) + "…";
  }

  private static java.util.stream.Collector<CharSequence, ?, String> joining() {
    return Collectors.joining("; ");
  }
}
