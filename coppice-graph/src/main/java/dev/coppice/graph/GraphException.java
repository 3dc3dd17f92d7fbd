package dev.coppice.graph;

import java.util.Objects;

/** Something is wrong with a network, its description or its weights; the message is one line. */
public class GraphException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  /** Creates the exception. */
  public GraphException(String message) {
    super(message);
  }

  /** Creates the exception with its cause. */
  public GraphException(String message, Throwable cause) {
    super(message, cause);
  }

  /** Returns the line that says what is wrong. */
  @Override
  public String getMessage() {
    return Objects.requireNonNull(super.getMessage());
  }
}
