package dev.coppice.prune;

import dev.coppice.graph.Op;
import dev.coppice.kernels.Kernels;
import dev.coppice.train.CriticalityProbe;
import dev.coppice.train.NeuronMapping;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A neuron run forward and backward by the kernels, on arrays {@code [T, n]}. */
record NeuronRun(float[] spikes, float[] potentials, float[] gradient) {
  static NeuronRun of(
      Op.Neuron neuron, Kernels kernels, float[] x, float[] upstream, int steps, int n) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment input = arena.allocateFrom(ValueLayout.JAVA_FLOAT, x);
      MemorySegment h = arena.allocate(ValueLayout.JAVA_FLOAT, x.length);
      MemorySegment s = arena.allocate(ValueLayout.JAVA_FLOAT, x.length);
      MemorySegment g = arena.allocateFrom(ValueLayout.JAVA_FLOAT, upstream);
      MemorySegment gx = arena.allocate(ValueLayout.JAVA_FLOAT, x.length);
      var constants = NeuronMapping.constants(neuron);
      kernels.neuronForward(constants, input, false, h, s, steps, n, 0, n, null, null);
      kernels.neuronBackward(constants, h, g, gx, steps, n, 0, n, false);
      return new NeuronRun(
          s.toArray(ValueLayout.JAVA_FLOAT),
          h.toArray(ValueLayout.JAVA_FLOAT),
          gx.toArray(ValueLayout.JAVA_FLOAT));
    }
  }

  /** Returns the criticality {@code [C]} of given potentials {@code [T, B, H, W, C]}. */
  static float[] score(
      CriticalityProbe probe,
      Kernels kernels,
      float[] potentials,
      int steps,
      int batch,
      int channels) {
    // A neuron that neither leaks nor fires nor remembers has its input for a potential.
    var identity =
        NeuronMapping.constants(
            new Op.Neuron(
                new dev.coppice.graph.Charge.Decay(0),
                Float.MAX_VALUE,
                false,
                new dev.coppice.graph.Reset.Hard(0),
                true,
                probe.surrogate()));
    int n = potentials.length / steps;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment x = arena.allocateFrom(ValueLayout.JAVA_FLOAT, potentials);
      MemorySegment s = arena.allocate(ValueLayout.JAVA_FLOAT, potentials.length);
      var kernelProbe = NeuronMapping.probe(probe, batch, n / batch, channels);
      kernels.neuronForward(identity, x, false, x, s, steps, n, 0, n, null, kernelProbe);
      return NeuronMapping.batchMean(kernelProbe.scores(), channels);
    }
  }
}
