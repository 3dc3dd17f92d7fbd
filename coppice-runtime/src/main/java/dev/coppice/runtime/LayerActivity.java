package dev.coppice.runtime;

/**
 * What a layer did in a run, over all time steps and images of it.
 *
 * @param node the node of the network
 * @param spikes spikes that the neurons of the layer gave; 0 for other layers
 * @param operations synaptic operations that the kernel of the layer performed: accumulates where
 *     its input is spikes, multiply-accumulates else; 0 for neurons. Pruned weights count where the
 *     kernel does not skip them
 */
public record LayerActivity(String node, long spikes, long operations) {}
