package dev.coppice.runtime;

import java.util.List;

/**
 * A compiled network.
 *
 * @param steps in the order to run
 * @param floats the sizes of the buffers of floats
 * @param words the sizes of the buffers of packed spikes
 * @param neurons the layers of neurons, by their number
 * @param synapses the convolutions and linear layers, by their number
 * @param input where images go, constant in time
 * @param output where logits come from, with nothing left to be done to them
 */
record Plan(
    List<Step> steps,
    List<Buffers.Size> floats,
    List<Buffers.Size> words,
    List<NeuronStep> neurons,
    List<SynapseStep> synapses,
    Value.Analog input,
    Value.Analog output) {}
