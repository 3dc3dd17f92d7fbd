package dev.coppice.kernels;

final class ScalarKernels implements Kernels {}
