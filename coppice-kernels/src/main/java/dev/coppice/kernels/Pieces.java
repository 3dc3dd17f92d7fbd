package dev.coppice.kernels;

/**
 * How convolutions go through a plane: in as few pieces as lie alike in the input and the output,
 * zeros between rows and maps included. Places and sizes are counted in elements.
 *
 * @param in planes that are read
 * @param out planes that are written
 */
record Pieces(Planes in, Planes out) {
  /** Whether all rows of a map can be taken in one piece, with the border between them. */
  boolean rowsTogether() {
    return in.pitch() == out.pitch();
  }

  /** Whether all maps of a plane can be taken in one piece. */
  boolean whole() {
    return rowsTogether() && (out.stack() == 1 || in.mapFloats() == out.mapFloats());
  }

  /** Returns the pieces of an output plane, which are computed one by one. */
  int count() {
    return whole() ? 1 : rowsTogether() ? out.stack() : out.stack() * out.rows();
  }

  /** Returns the elements of a piece. */
  int size() {
    int row = out.columns() * out.group();
    int map = (out.rows() - 1) * out.pitch() + row;
    return whole() ? (out.stack() - 1) * out.mapFloats() + map : rowsTogether() ? map : row;
  }

  private long at(Planes planes, int piece) {
    return rowsTogether()
        ? (long) piece * planes.mapFloats()
        : (long) (piece / out.rows()) * planes.mapFloats()
            + (long) (piece % out.rows()) * planes.pitch();
  }

  /** Returns where the inputs of a piece lie, taken as one of the first plane of a group. */
  long input(int group, int piece) {
    return (long) group * in.groupFloats() + in.origin() + at(in, piece);
  }

  /** Returns where a piece of an output plane lies. */
  long output(int group, int row, int piece) {
    return (long) group * out.groupFloats()
        + out.origin()
        + (long) row * out.planeFloats()
        + at(out, piece);
  }
}
