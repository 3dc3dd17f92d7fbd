/** Networks of the literature, each with a width multiplier for smaller versions. */
@NullMarked
package dev.coppice.graph.zoo;

import org.jspecify.annotations.NullMarked;
