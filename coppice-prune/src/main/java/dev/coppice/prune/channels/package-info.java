/**
 * Structured pruning: whole channels are scored, removed and regrown, and a smaller dense network
 * is built from those that are left (procedure S of arXiv 2311.16141).
 */
@NullMarked
package dev.coppice.prune.channels;

import org.jspecify.annotations.NullMarked;
