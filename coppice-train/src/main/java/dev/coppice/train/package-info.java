/**
 * The training engine: layer-level reverse mode over activations {@code [T·B, H, W, C]}, on DJL's
 * PyTorch engine for library operations and Coppice's own kernels for neurons.
 */
@NullMarked
package dev.coppice.train;

import org.jspecify.annotations.NullMarked;
