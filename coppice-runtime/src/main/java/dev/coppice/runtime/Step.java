package dev.coppice.runtime;

/**
 * A step of a plan: immutable and shared by all sessions, whose buffers are in the frame. Running
 * one allocates nothing.
 */
sealed interface Step extends Work
    permits NeuronStep,
        DenseLayer,
        SpikeDrivenLayer,
        SpikeColumnsLayer,
        PlaneChain,
        IntoPlanes,
        SpikesIntoPlanes,
        PlanesToPlanes,
        FromPlanes,
        SpikesFromPlanes,
        SpikePool,
        AnalogPool,
        SpikeMean,
        CountMean,
        AnalogMean,
        AddStep,
        SpikeGate,
        AnalogGate,
        SpikeSelect,
        AnalogSelect,
        Unpack,
        Rescale {

  /** Returns the node of the network that it computes, or helps to. */
  String node();

  /** Runs it for all samples of the frame. */
  void run(Frame frame);

  /** Returns, for people, how it is computed and why so. */
  String explain();
}
