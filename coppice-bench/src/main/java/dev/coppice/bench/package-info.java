/** Microbenchmarks of the kernels. */
@NullMarked
package dev.coppice.bench;

import org.jspecify.annotations.NullMarked;
