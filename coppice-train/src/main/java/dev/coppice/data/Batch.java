package dev.coppice.data;

/**
 * Some samples side by side.
 *
 * @param pixels normalised pixels {@code [B, H, W, C]}
 * @param labels the class of each sample, {@code [B]}
 * @param size the number B of samples
 */
public record Batch(float[] pixels, int[] labels, int size) {}
