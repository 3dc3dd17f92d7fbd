package dev.coppice.kernels;

/** Numeric kernels. */
public sealed interface Kernels permits ScalarKernels {}
