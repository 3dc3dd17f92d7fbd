/**
 * Inference: {@link dev.coppice.runtime.SpikingRuntime} compiles a model into a plan that threads
 * share, a {@link dev.coppice.runtime.Session} runs it.
 */
@NullMarked
package dev.coppice.runtime;

import org.jspecify.annotations.NullMarked;
