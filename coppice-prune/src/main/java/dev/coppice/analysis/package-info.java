/**
 * Why a pruned network works: how critical its channels are, what its neurons emit, and the
 * diagnostics by which neuroscience measures criticality, on the spikes of a trained network.
 *
 * <p>The analyses are functions of plain arrays; {@link dev.coppice.analysis.NetworkMeasurement}
 * and {@link dev.coppice.analysis.ActivityRecording} run a network and gather what they need.
 */
@NullMarked
package dev.coppice.analysis;

import org.jspecify.annotations.NullMarked;
