package dev.coppice.analysis;

/** Hears how far a measurement is. */
public interface MeasurementProgress {
  /** Samples measured, out of so many. */
  void measured(int samples, int of);
}
