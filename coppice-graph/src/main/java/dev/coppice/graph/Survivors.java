package dev.coppice.graph;

/** The values of a compressed tensor that a file stores, in the order of their positions. */
interface Survivors {
  /** Returns a way through them that stands before the first. */
  Cursor cursor();

  /** A way through them. */
  interface Cursor {
    /**
     * Goes on to the next, if there is one.
     *
     * @throws GraphException if what is stored does not tell where it lies; never on a second way
     */
    boolean next();

    /** Returns the index of the element in the tensor. */
    int position();

    /** Returns the element as it is stored. */
    float value();
  }
}
