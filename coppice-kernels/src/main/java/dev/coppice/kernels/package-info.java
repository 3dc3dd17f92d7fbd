/**
 * Spiking kernels over native memory: a scalar implementation and a Vector API one, chosen once at
 * start.
 */
@NullMarked
package dev.coppice.kernels;

import org.jspecify.annotations.NullMarked;
