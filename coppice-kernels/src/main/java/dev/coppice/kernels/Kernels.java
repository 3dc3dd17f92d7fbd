package dev.coppice.kernels;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Numeric kernels over native memory of 32-bit floats in native byte order. Every implementation
 * gives the same bits.
 *
 * <p>Arrays are {@code [T, n]}: {@code T} time steps of {@code n} elements, {@code n} being the
 * batch times the elements of a sample ({@code [B, H, W, C]} or {@code [B, N]}, channels last). A
 * call works on the elements {@code from} (inclusive) to {@code to} (exclusive) of every step, so
 * that callers may split an array over threads.
 *
 * <p>All methods throw {@link IllegalArgumentException} when a segment is not native memory or too
 * small, when the range does not lie in {@code [0, n]}, or when segments overlap in a way that the
 * method does not allow.
 */
public sealed interface Kernels permits ScalarKernels, VectorKernels {

  /**
   * Returns the fastest kernels that this virtual machine supports, or those that the system
   * property {@code coppice.kernels} ({@code auto}, {@code scalar} or {@code vector}) asks for.
   * They are chosen once.
   *
   * @throws IllegalStateException when the property asks for kernels that do not exist or cannot
   *     run here
   */
  static Kernels best() {
    return KernelsChoice.best();
  }

  /** Returns the plain kernels, which run everywhere. */
  static Kernels scalar() {
    return new ScalarKernels("");
  }

  /** Returns one line for people, such as {@code "vector, 512 bit"}. */
  String describe();

  /**
   * Runs a layer of neurons over all steps: charge, fire and reset as {@link NeuronConstants} says.
   *
   * @param x input current {@code [T, n]}, or {@code [n]} when {@code repeated}
   * @param repeated whether the same {@code x} is the input of every step
   * @param h potential before reset {@code [T, n]}, written; may be the same memory as {@code x}
   *     unless {@code repeated}
   * @param s spikes {@code [T, n]}, 0 or 1, written; overlaps no other array
   * @param steps {@code T}
   * @param n elements per step
   * @param state potential after reset {@code [n]}, read before the first step in place of the rest
   *     potential and written after the last, so that a sequence may come in several calls
   * @param probe asks for the criticality of the layer; {@code from} and {@code to} then lie on
   *     boundaries of samples
   */
  void neuronForward(
      NeuronConstants c,
      MemorySegment x,
      boolean repeated,
      MemorySegment h,
      MemorySegment s,
      int steps,
      long n,
      long from,
      long to,
      @Nullable MemorySegment state,
      @Nullable Probe probe);

  /**
   * Takes the gradient of the spikes back to the input current, through all steps. With {@code φ =
   * g′(h − θ)} and {@code ε} the gradient of the spikes:
   *
   * <pre>
   *   δ[t] = ε[t]·φ[t] + δ[t+1]·leak·∂u[t]/∂h[t],  δ[T+1] = 0
   *   ∂u/∂h = (fired ? keep : 1) + (attached ? φ·((keep − 1)·h + offset) : 0)
   *   ∂x[t] = gain·δ[t]
   * </pre>
   *
   * This is back-propagation through time with a surrogate (Neftci et al., IEEE Signal Processing
   * Magazine 2019). A state carried into or out of the sequence is taken as a constant.
   *
   * @param h potential before reset {@code [T, n]} of the forward pass
   * @param gradS gradient of the spikes {@code [T, n]}
   * @param gradX gradient of the input current {@code [T, n]}, or its sum over the steps {@code
   *     [n]} when {@code repeated}; written; unless {@code repeated} it may be the same memory as
   *     {@code gradS} or {@code h}
   * @param steps {@code T}
   * @param n elements per step
   * @param repeated whether the same input current was the input of every step
   */
  void neuronBackward(
      NeuronConstants c,
      MemorySegment h,
      MemorySegment gradS,
      MemorySegment gradX,
      int steps,
      long n,
      long from,
      long to,
      boolean repeated);

  /**
   * Gathers the mean and the squared distances from it of every channel of {@code x [rows, C]}, of
   * which {@link ChannelSums#moments} makes means and variances.
   *
   * @param sums rows, channels and the result; several threads may write whole chunks of it
   * @param fromRow first row, on the boundary of a chunk
   * @param toRow end of the rows, on the boundary of a chunk or the last
   */
  void channelMoments(MemorySegment x, ChannelSums sums, long fromRow, long toRow);

  /**
   * {@link #neuronForward} of normalised input: the input current is {@code x·scale + shift} with
   * the numbers of the element's channel, and the first step starts from the rest potential. Arrays
   * are {@code [T, rows, C]} and ranges those of rows.
   *
   * @param x what is normalised {@code [T, rows, C]}, or {@code [rows, C]} when {@code repeated}
   * @param scale factor of every channel {@code [C]}
   * @param shift constant term of every channel {@code [C]}
   * @param h potential before reset {@code [T, rows, C]}, written; or null, since the backward pass
   *     makes it again from {@code x}
   * @param s spikes {@code [T, rows, C]}, 0 or 1, written
   * @param rows rows per step, such as B·H·W
   * @param probe asks for the criticality of the layer; the range is then one of whole samples
   */
  void normNeuronForward(
      NeuronConstants c,
      MemorySegment x,
      boolean repeated,
      float[] scale,
      float[] shift,
      @Nullable MemorySegment h,
      MemorySegment s,
      int steps,
      long rows,
      long fromRow,
      long toRow,
      @Nullable Probe probe);

  /**
   * {@link #normNeuronForward} for inference: the spikes are packed as {@link SpikeConvolution}
   * reads them, the potential may be carried from call to call, and nothing is allocated.
   *
   * @param x what is normalised {@code [T, rows, C]}, or {@code [rows, C]} when {@code repeated}
   * @param scale factor of every channel {@code [C]}
   * @param shift constant term of every channel {@code [C]}
   * @param packed packed spikes {@code [T, rows, ⌈C/64⌉]}, written
   * @param rows rows per step, such as B·H·W
   * @param state potential after reset {@code [rows, C]}, read before the first step in place of
   *     the rest potential and written after the last; or null, for a sequence by itself
   */
  void packedNeuronForward(
      NeuronConstants c,
      MemorySegment x,
      boolean repeated,
      float[] scale,
      float[] shift,
      long[] packed,
      int steps,
      long rows,
      long fromRow,
      long toRow,
      @Nullable MemorySegment state);

  /**
   * Takes the gradient of the spikes back to the normalised input {@code y = x·scale + shift} of
   * {@link #normNeuronForward}, by the equations of {@link #neuronBackward}, and gathers what the
   * backward pass of batch normalisation needs. The sums become, per channel and over the rows,
   * {@code Σ ∂y} and {@code Σ ∂y·(x − mean)}; the steps are added up too.
   *
   * @param mean what {@code x} is centred at {@code [C]}
   * @param gradS gradient of the spikes {@code [T, rows, C]}
   * @param gradY gradient of {@code y [T, rows, C]}, or its sum over the steps {@code [rows, C]}
   *     when {@code repeated}; written; unless {@code repeated} it may be the same memory as {@code
   *     gradS}
   * @param rows rows per step, such as B·H·W
   * @param fromRow first row, on the boundary of a chunk of the sums
   * @param toRow end of the rows, on the boundary of a chunk of the sums or the last
   * @param sums made for {@code rows} and {@code C}; several threads may write whole chunks of it
   */
  void normNeuronBackward(
      NeuronConstants c,
      MemorySegment x,
      boolean repeated,
      float[] scale,
      float[] shift,
      float[] mean,
      MemorySegment gradS,
      MemorySegment gradY,
      int steps,
      long rows,
      long fromRow,
      long toRow,
      ChannelSums sums);

  /**
   * {@code ∂x = a·∂y + b·x + c} with the numbers of the element's channel. Batch normalisation
   * {@code y = (x − mean)·invStd·weight + bias} over {@code N} elements a channel, with {@code S₁ =
   * Σ ∂y} and {@code S₂ = Σ ∂y·(x − mean)}, has (Ioffe and Szegedy, ICML 2015)
   *
   * <pre>
   *   a = weight·invStd
   *   b = −a·invStd²·S₂/N
   *   c = −a·S₁/N − b·mean
   *   ∂weight = invStd·S₂,  ∂bias = S₁
   * </pre>
   *
   * @param gradY gradient of y {@code [rows, C]}
   * @param x input {@code [rows, C]}
   * @param gradX gradient of x {@code [rows, C]}, written; may be the same memory as {@code gradY}
   *     or {@code x}
   */
  void affineCombine(
      MemorySegment gradY,
      MemorySegment x,
      float[] a,
      float[] b,
      float[] c,
      MemorySegment gradX,
      long rows,
      long fromRow,
      long toRow);

  /**
   * Packs spikes into bits, as {@link SpikeConvolution} lays them out.
   *
   * @param s {@code [rows, C]}: spikes, or averages of {@code levels} of them; rounded to a
   *     multiple of {@code 1/levels}
   * @param packed {@code [rows, levels, ⌈C/64⌉]}, written
   */
  void packSpikes(
      MemorySegment s,
      int channels,
      int levels,
      long[] packed,
      long rows,
      long fromRow,
      long toRow);

  /**
   * Convolution of spikes: every output is the sum of the weights whose input is a spike.
   *
   * @param packed packed spikes {@code [N, H, W, levels, ⌈I/64⌉]}
   * @param weights packed weights
   * @param out {@code [N, H′, W′, O]}, written for the images of the range
   * @param images {@code N}
   */
  void spikeConvForward(
      SpikeConvolution g,
      long[] packed,
      MemorySegment weights,
      MemorySegment out,
      int images,
      int fromImage,
      int toImage);

  /**
   * Convolution of any numbers. An output is summed with fused multiply-adds in the order of the
   * kernel's rows, columns and input channels.
   *
   * @param in {@code [N, H, W, I]}
   * @param weights packed weights of {@link DenseConvolution}
   * @param out {@code [N, H′, W′, O]}, written for the rows of the range
   * @param images {@code N}
   * @param fromRow first row of the output, counted through all images
   * @param toRow end of the rows, at most {@code N·H′}
   */
  void denseConvForward(
      DenseConvolution g,
      MemorySegment in,
      MemorySegment weights,
      MemorySegment out,
      int images,
      int fromRow,
      int toRow);

  /**
   * Adds the gradient of the weights of a convolution of spikes: for a tap of an input channel, the
   * sum of the output gradients of the positions where its input is a spike. A call does the input
   * channels of its range for all images, so that threads that work on different channels share one
   * result, which does not depend on their number. Ranges of 64 channels are the fastest.
   *
   * @param packed packed spikes {@code [N, H, W, levels, ⌈I/64⌉]}
   * @param gradOut gradient of the output {@code [N, H′, W′, O]}
   * @param gradWeights packed as weights are; added to
   * @param images {@code N}
   */
  void spikeConvWeightGradient(
      SpikeConvolution g,
      long[] packed,
      MemorySegment gradOut,
      MemorySegment gradWeights,
      int images,
      int fromChannel,
      int toChannel);

  /**
   * Transforms weights for {@link #inputGradient}.
   *
   * @param weights {@code [O, 3, 3, I]}
   * @param transformed {@link InputGradient#transformedFloats()} floats; written for the output
   *     channels of the range
   */
  void inputGradientWeights(
      InputGradient g, MemorySegment weights, float[] transformed, int fromOut, int toOut);

  /**
   * The gradient of the input of a convolution, by {@link InputGradient}.
   *
   * @param gradOut gradient of the output {@code [N, H′, W′, O]}
   * @param weights transformed
   * @param gradIn gradient of the input {@code [N, H, W, I]}, written for the tiles of the range
   * @param images {@code N}
   */
  void inputGradient(
      InputGradient g,
      MemorySegment gradOut,
      float[] weights,
      MemorySegment gradIn,
      int images,
      long fromTile,
      long toTile);

  /**
   * Convolution by the surviving weights alone, in the order of sums that {@link SparseConvolution}
   * defines; of a transposed one, the gradient of the input.
   *
   * @param in planes {@link SparseConvolution#in()} of so many groups
   * @param out planes {@link SparseConvolution#out()}, written for the groups and rows of the
   *     ranges
   * @param groups groups of images
   * @param fromRow first plane of the output
   */
  void sparseConvForward(
      SparseConvolution c,
      MemorySegment in,
      MemorySegment out,
      int groups,
      int fromGroup,
      int toGroup,
      int fromRow,
      int toRow);

  /**
   * Adds the gradients of the surviving weights of a convolution that is not transposed: for each,
   * the product of its plane of the input, at its distance, with its plane of the output's
   * gradient.
   *
   * @param in planes {@link SparseConvolution#in()} of the input
   * @param gradOut planes {@link SparseConvolution#out()} of the output's gradient, zero where the
   *     layout says so
   * @param gradient one number for every entry; added to for those of the range's rows
   * @param groups groups of images
   */
  void sparseConvWeightGradient(
      SparseConvolution c,
      MemorySegment in,
      MemorySegment gradOut,
      float[] gradient,
      int groups,
      int fromRow,
      int toRow);

  /**
   * Convolution of spikes by the surviving weights alone: every spike adds the list of its channel.
   *
   * @param packed packed spikes {@code [N, H, W, levels, ⌈I/64⌉]}, as {@link SpikeConvolution} lays
   *     them out, without bits beyond the last channel
   * @param out {@code [N, H′, W′, O]}, written for the images of the range
   * @param images {@code N}
   */
  void spikeColumnsForward(
      SpikeColumns c, long[] packed, MemorySegment out, int images, int fromImage, int toImage);

  /**
   * Runs a layer of neurons between planes, as {@link PlaneNeurons} says. Nothing is allocated by
   * vector kernels.
   *
   * @param x planes of what is normalised
   * @param s planes of the spikes, written for the planes of the range
   * @param groups groups of images
   * @param fromPlane first plane, counted through all groups
   * @param state potentials after reset, read before the first step in place of the rest potential
   *     and written after the last; or null, for a sequence by itself
   */
  void planeNeuronForward(
      PlaneNeurons n,
      MemorySegment x,
      MemorySegment s,
      int groups,
      int fromPlane,
      int toPlane,
      @Nullable MemorySegment state);

  /**
   * Pools planes.
   *
   * @param from planes that are read
   * @param to planes, written for those of the range
   * @param groups groups of images
   * @param fromPlane first plane, counted through all groups
   */
  void planePoolForward(
      PlanePool p, MemorySegment from, MemorySegment to, int groups, int fromPlane, int toPlane);

  /**
   * Convolution by the surviving weights alone, in whole numbers.
   *
   * @param elements what {@link #foldCounts} made
   * @param sums planes {@link IntegerConvolution#out()}, written for the images and rows of the
   *     ranges
   * @param images images
   * @param fromRow first plane of the output
   */
  void integerConvForward(
      IntegerConvolution c,
      MemorySegment elements,
      MemorySegment sums,
      int images,
      int fromImage,
      int toImage,
      int fromRow,
      int toRow);

  /**
   * {@link #integerConvForward} and the neurons that read it, {@link #planeNeuronForward}.
   *
   * @param elements what {@link #foldCounts} made
   * @param sums planes {@link IntegerConvolution#out()}, which may be written or not
   * @param s spikes: planes like these, written for the images and rows of the ranges
   * @param images images
   * @param fromRow first plane of the output
   * @param state potentials of {@link PlaneNeurons#allocateState}, read and written; null if all
   *     begin at rest
   */
  default void integerNeuronForward(
      IntegerConvolution c,
      PlaneNeurons n,
      MemorySegment elements,
      MemorySegment sums,
      MemorySegment s,
      int images,
      int fromImage,
      int toImage,
      int fromRow,
      int toRow,
      @Nullable MemorySegment state) {
    integerConvForward(c, elements, sums, images, fromImage, toImage, fromRow, toRow);
    fireRows(n, sums, s, images, fromImage, toImage, fromRow, toRow, state);
  }

  /**
   * Convolution by the surviving weights alone, in whole numbers, of {@link PlaneNumbers#BYTES}.
   *
   * @param counts planes {@link ByteConvolution#in()}
   * @param sums planes {@link ByteConvolution#out()}, written for the images and rows of the ranges
   * @param images images
   * @param fromRow first plane of the output
   */
  void byteConvForward(
      ByteConvolution c,
      MemorySegment counts,
      MemorySegment sums,
      int images,
      int fromImage,
      int toImage,
      int fromRow,
      int toRow);

  /**
   * {@link #byteConvForward} and the neurons that read it, {@link #planeNeuronForward}.
   *
   * @param counts planes {@link ByteConvolution#in()}
   * @param sums planes {@link ByteConvolution#out()}, which may be written or not
   * @param s spikes: planes like these, written for the images and rows of the ranges
   * @param images images
   * @param fromRow first plane of the output
   * @param state potentials of {@link PlaneNeurons#allocateState}, read and written; null if all
   *     begin at rest
   */
  default void byteNeuronForward(
      ByteConvolution c,
      PlaneNeurons n,
      MemorySegment counts,
      MemorySegment sums,
      MemorySegment s,
      int images,
      int fromImage,
      int toImage,
      int fromRow,
      int toRow,
      @Nullable MemorySegment state) {
    byteConvForward(c, counts, sums, images, fromImage, toImage, fromRow, toRow);
    fireRows(n, sums, s, images, fromImage, toImage, fromRow, toRow, state);
  }

  /** {@link #planeNeuronForward} for some planes of some images. */
  private void fireRows(
      PlaneNeurons n,
      MemorySegment sums,
      MemorySegment s,
      int images,
      int fromImage,
      int toImage,
      int fromRow,
      int toRow,
      @Nullable MemorySegment state) {
    for (int image = fromImage; image < toImage; image++) {
      int plane = image * n.out.planes();
      planeNeuronForward(n, sums, s, images, plane + fromRow, plane + toRow, state);
    }
  }

  /**
   * Returns how spikes had better lie for convolutions of quantised weights: as floats where these
   * are faster than whole numbers.
   */
  default PlaneNumbers quantised() {
    return PlaneNumbers.FLOATS;
  }

  /**
   * Lays counts out as {@link #integerConvForward} reads them, those of single channels or with the
   * spikes of several taken together as patterns.
   *
   * @param counts planes {@link IntegerConvolution#in()}, as {@link PlaneNumbers#COUNTS}; of 0 and
   *     1 for patterns
   * @param elements {@link IntegerConvolution#foldedBytes}, written for the planes of the range
   * @param images images
   * @param fromPlane first of the {@link IntegerConvolution#foldedPlanes}, counted through all
   *     images
   */
  void foldCounts(
      IntegerConvolution c,
      MemorySegment counts,
      MemorySegment elements,
      int images,
      int fromPlane,
      int toPlane);

  /**
   * Returns the sum of counts up to 16, such as those of a plane with what lies around its maps.
   *
   * @param from the first, counted in elements
   * @param count how many
   */
  int countSum(MemorySegment counts, long from, int count);

  /**
   * Returns what {@link PlaneNumbers#BYTES} count, such as those of a plane with what lies around
   * its maps.
   *
   * @param from the first, counted in elements
   * @param count how many
   */
  int byteSum(MemorySegment counts, long from, int count);

  /**
   * Returns the sum of floats such as the spikes of a plane, with what lies around its maps.
   *
   * @param from the first, counted in floats
   * @param count how many
   */
  float planeSum(MemorySegment planes, long from, int count);

  /**
   * The mean and the variance of every channel of maps in planes.
   *
   * @param x the input's planes
   * @param mean {@code [C]}, written for the channels of the range
   * @param variance the mean squared distance from the mean {@code [C]}, likewise
   */
  void planeMoments(
      PlaneSteps p,
      MemorySegment x,
      double[] mean,
      double[] variance,
      int fromChannel,
      int toChannel);

  /**
   * {@link #normNeuronForward} in planes, for the channels of the range.
   *
   * @param x what is normalised
   * @param scale factor of every channel {@code [C]}
   * @param shift constant term of every channel {@code [C]}
   * @param s spikes of all steps, 0 or 1, written
   */
  void planeStepsForward(
      NeuronConstants c,
      PlaneSteps p,
      MemorySegment x,
      float[] scale,
      float[] shift,
      MemorySegment s,
      int fromChannel,
      int toChannel);

  /**
   * {@link #planeStepsForward} with spikes as marks.
   *
   * @param p of groups of {@link Planes#LANES}
   * @param marks {@link PlaneMarks} of all steps, written
   */
  void planeStepsFire(
      NeuronConstants c,
      PlaneSteps p,
      MemorySegment x,
      float[] scale,
      float[] shift,
      MemorySegment marks,
      int fromChannel,
      int toChannel);

  /**
   * {@link #normNeuronBackward} in planes, for the channels of the range.
   *
   * @param mean what {@code x} is centred at {@code [C]}
   * @param gradS gradient of the spikes of all steps
   * @param gradY gradient of {@code x·scale + shift}, as large as {@code x}; written; unless the
   *     input is repeated it may be the same memory as {@code gradS}
   * @param sums {@code Σ ∂y} of every channel {@code [C]}, written
   * @param centredSums {@code Σ ∂y·(x − mean)} of every channel {@code [C]}, written
   */
  void planeStepsBackward(
      NeuronConstants c,
      PlaneSteps p,
      MemorySegment x,
      float[] scale,
      float[] shift,
      float[] mean,
      MemorySegment gradS,
      MemorySegment gradY,
      double[] sums,
      double[] centredSums,
      int fromChannel,
      int toChannel);

  /** {@link #affineCombine} in planes as large as the input's, for the channels of the range. */
  void planeAffineCombine(
      PlaneSteps p,
      MemorySegment gradY,
      MemorySegment x,
      float[] a,
      float[] b,
      float[] c,
      MemorySegment gradX,
      int fromChannel,
      int toChannel);

  /** The averages of windows, summed row by row, for the channels of the range. */
  void planeAverage(
      PlaneAverage p, MemorySegment x, MemorySegment y, int groups, int fromChannel, int toChannel);

  /**
   * {@link #planeAverage} of spikes.
   *
   * @param p between groups of {@link Planes#LANES}
   * @param marks {@link PlaneMarks} of the input
   */
  void planeMarksAverage(
      PlaneAverage p,
      MemorySegment marks,
      MemorySegment y,
      int groups,
      int fromChannel,
      int toChannel);

  /** Takes the gradient of averages back to what they are of, for the channels of the range. */
  void planeAverageBackward(
      PlaneAverage p,
      MemorySegment gradY,
      MemorySegment gradX,
      int groups,
      int fromChannel,
      int toChannel);

  /** Whether sparse convolutions of marks are faster here than those of planes. */
  default boolean prefersPlaneMarks() {
    return false;
  }

  /**
   * Packs planes of spikes into {@link PlaneMarks}: what is above ½ is one.
   *
   * @param planes of groups of {@link Planes#LANES}
   * @param marks written for the planes of the range
   * @param groups groups of images
   */
  void packPlaneMarks(
      Planes planes,
      MemorySegment spikes,
      MemorySegment marks,
      int groups,
      int fromPlane,
      int toPlane);

  /**
   * Turns {@link PlaneMarks} into the numbers 0 and 1.
   *
   * @param planes of groups of {@link Planes#LANES}
   * @param spikes written for the planes of the range
   * @param groups groups of images
   */
  void unpackPlaneMarks(
      Planes planes,
      MemorySegment marks,
      MemorySegment spikes,
      int groups,
      int fromPlane,
      int toPlane);

  /**
   * {@link #sparseConvForward} of marks, with the same sums.
   *
   * @param c a convolution that {@linkplain PlaneMarks#fit fits}
   * @param marks {@link PlaneMarks} of the input
   */
  void planeMarksForward(
      SparseConvolution c,
      MemorySegment marks,
      MemorySegment out,
      int groups,
      int fromGroup,
      int toGroup,
      int fromRow,
      int toRow);

  /**
   * {@link #sparseConvWeightGradient} of marks, with the same sums.
   *
   * @param c a convolution that {@linkplain PlaneMarks#fit fits}
   * @param marks {@link PlaneMarks} of the input
   */
  void planeMarksWeightGradient(
      SparseConvolution c,
      MemorySegment marks,
      MemorySegment gradOut,
      float[] gradient,
      int groups,
      int fromRow,
      int toRow);
}
