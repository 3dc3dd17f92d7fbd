package dev.coppice.runtime;

/**
 * A step of the plan and how long it took in the last run.
 *
 * @param node the node of the network that it computes or helps to
 * @param kernel how it is computed, and why so
 * @param nanoseconds wall-clock time
 */
public record StepTime(String node, String kernel, long nanoseconds) {}
