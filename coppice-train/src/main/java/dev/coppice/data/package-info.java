/**
 * Data sets of labelled images: readers of the published formats, normalisation, augmentation, a
 * deterministic stream of batches, and the encoders that turn pixels into input over time. Plain
 * Java arrays throughout; images are channels last.
 */
@NullMarked
package dev.coppice.data;

import org.jspecify.annotations.NullMarked;
