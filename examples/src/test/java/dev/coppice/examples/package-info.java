/** Programs that use Coppice as a library. */
@NullMarked
package dev.coppice.examples;

import org.jspecify.annotations.NullMarked;
