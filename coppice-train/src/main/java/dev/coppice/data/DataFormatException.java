package dev.coppice.data;

import java.io.IOException;

/**
 * A file that does not hold what its format promises; the message names the file and the defect.
 */
public final class DataFormatException extends IOException {
  private static final long serialVersionUID = 1;

  /** Creates the exception from the file's name and one clause that tells what is wrong with it. */
  public DataFormatException(String file, String defect) {
    super(file + ": " + defect);
  }

  /** Creates the exception with the failure that revealed the defect. */
  public DataFormatException(String file, String defect, Throwable cause) {
    super(file + ": " + defect, cause);
  }
}
