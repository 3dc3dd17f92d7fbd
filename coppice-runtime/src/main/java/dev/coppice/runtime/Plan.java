package dev.coppice.runtime;

import java.util.List;

/**
 * A compiled network.
 *
 * @param steps in the order to run
 * @param floats the sizes of the buffers of floats
 * @param words the sizes of the buffers of packed spikes
 * @param planes the layouts of the values in each buffer of planes
 * @param placements what the steps between planes need
 * @param neurons the layers of neurons, by their number
 * @param synapses the nodes of convolutions and linear layers, by their number
 * @param layers the nodes of both, in the order of the network
 * @param input where images go, constant in time
 * @param output where logits come from, with nothing left to be done to them
 */
record Plan(
    List<Step> steps,
    List<Buffers.Size> floats,
    List<Buffers.Size> words,
    List<List<Integer>> planes,
    Placements placements,
    List<NeuronLayer> neurons,
    List<String> synapses,
    List<String> layers,
    Value.Analog input,
    Value.Analog output) {}
