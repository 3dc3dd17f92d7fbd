/**
 * Networks as data: a {@link dev.coppice.graph.Graph} of nodes describes a network, {@link
 * dev.coppice.graph.Weights} hold its named tensors, and a {@link dev.coppice.graph.Model} is both
 * with metadata.
 */
@NullMarked
package dev.coppice.graph;

import org.jspecify.annotations.NullMarked;
