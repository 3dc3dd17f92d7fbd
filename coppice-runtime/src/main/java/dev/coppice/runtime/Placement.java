package dev.coppice.runtime;

import dev.coppice.kernels.ByteConvolution;
import dev.coppice.kernels.IntegerConvolution;
import dev.coppice.kernels.PlaneNeurons;
import dev.coppice.kernels.PlanePool;
import dev.coppice.kernels.Planes;
import dev.coppice.kernels.SparseConvolution;
import java.util.List;

/**
 * What the steps between planes need for one number of time steps, which says where things lie.
 *
 * @param layouts the planes of values, by number of the layout
 * @param sparse the surviving weights of layers, by number of the sparse layer
 * @param integer the surviving weights in whole numbers, by number of the integer layer
 * @param bytes the surviving weights between counts in bytes, by number of the layer of bytes
 * @param neurons the layers of neurons between planes, by their number among these
 * @param pools the pools between planes, by their number
 */
record Placement(
    int steps,
    List<Planes> layouts,
    List<SparseConvolution> sparse,
    List<IntegerConvolution> integer,
    List<ByteConvolution> bytes,
    List<PlaneNeurons> neurons,
    List<PlanePool> pools) {}
