/**
 * Pruning and regrowth during training. A method is composed of parts: a {@link
 * dev.coppice.prune.SparsitySchedule} says how much to remove when, a {@link
 * dev.coppice.prune.Scope} over which layers, and a {@link dev.coppice.prune.Regrowth} what to
 * bring back; {@link dev.coppice.prune.Pruning} runs them as a {@link
 * dev.coppice.train.TrainingMethod}.
 */
@NullMarked
package dev.coppice.prune;

import org.jspecify.annotations.NullMarked;
