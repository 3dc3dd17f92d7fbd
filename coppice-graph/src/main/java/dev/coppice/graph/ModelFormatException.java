package dev.coppice.graph;

import java.io.IOException;

/** A file is not what it should be; the message is one line that names the file and the defect. */
public class ModelFormatException extends IOException {
  private static final long serialVersionUID = 1;

  /** Creates the exception. */
  public ModelFormatException(String message) {
    super(message);
  }

  /** Creates the exception with its cause. */
  public ModelFormatException(String message, Throwable cause) {
    super(message, cause);
  }
}
