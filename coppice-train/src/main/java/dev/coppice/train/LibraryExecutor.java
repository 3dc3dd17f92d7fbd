package dev.coppice.train;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import dev.coppice.graph.Op;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A stateless operation of libtorch with its trained tensors, time folded into the batch. */
final class LibraryExecutor implements Executor {
  private static final Shape NO_PADDING = new Shape(0, 0);

  private final List<String> tensors;
  private final Parameters parameters;
  private final boolean inputGradient;

  /** Whether outputs are views of inputs, and gradients of gradients, which then must stay. */
  private final boolean views;

  private final ArrayStore store;
  private final Operation operation;

  /** The operation on the input and then the trained tensors. */
  interface Operation {
    NDArray apply(List<NDArray> arrays, boolean constant, Pass pass);
  }

  private LibraryExecutor(
      List<String> tensors,
      Parameters parameters,
      boolean inputGradient,
      boolean views,
      ArrayStore store,
      Operation operation) {
    this.tensors = tensors;
    this.parameters = parameters;
    this.inputGradient = inputGradient;
    this.views = views;
    this.store = store;
    this.operation = operation;
  }

  /**
   * Returns the executor of a node.
   *
   * @param inputGradient whether anything before this node is trained
   * @param store of the arrays that it may be given
   * @throws IllegalArgumentException for an operation that libtorch does not compute
   */
  static LibraryExecutor of(
      String node, Op op, Parameters parameters, boolean inputGradient, ArrayStore store) {
    List<String> tensors =
        switch (op) {
          case Op.Conv2d conv -> weightAndBias(node, conv.bias());
          case Op.Linear linear -> weightAndBias(node, linear.bias());
          case Op.BatchNorm _ -> weightAndBias(node, true);
          case Op.Gate _ -> List.of(node + ".gate");
          default -> List.of();
        };
    Operation operation =
        switch (op) {
          case Op.Conv2d conv -> (arrays, constant, pass) -> convolution(conv, arrays);
          case Op.Linear _ -> (arrays, constant, pass) -> linear(arrays);
          case Op.BatchNorm norm -> new BatchNormalization(node, norm, parameters);
          case Op.AvgPool(int kernel, int stride) ->
              (arrays, constant, pass) ->
                  channelsLast(
                      JniUtils.avgPool(
                          channelsFirst(arrays.getFirst()),
                          square(kernel),
                          square(stride),
                          NO_PADDING,
                          false,
                          true));
          case Op.MaxPool(int kernel, int stride) ->
              (arrays, constant, pass) ->
                  channelsLast(
                      JniUtils.maxPool(
                          channelsFirst(arrays.getFirst()),
                          square(kernel),
                          square(stride),
                          NO_PADDING,
                          false));
          case Op.GlobalAvgPool() ->
              (arrays, constant, pass) -> positions(arrays.getFirst()).mean(new int[] {1});
          case Op.Flatten() ->
              (arrays, constant, pass) -> {
                NDArray x = arrays.getFirst();
                return x.reshape(x.getShape().get(0), -1);
              };
          case Op.Gate() -> (arrays, constant, pass) -> gate(arrays.getFirst(), arrays.get(1));
          case Op.Select(List<Integer> channels) -> {
            long[] indices = channels.stream().mapToLong(Integer::longValue).toArray();
            yield (arrays, constant, pass) -> select(arrays.getFirst(), indices, pass);
          }
          case Op.Input _, Op.Neuron _, Op.Add _, Op.Dropout _ ->
              throw new IllegalArgumentException("not a library operation: " + op);
        };
    boolean views = op instanceof Op.Flatten;
    return new LibraryExecutor(tensors, parameters, inputGradient, views, store, operation);
  }

  private static NDArray gate(NDArray x, NDArray gate) {
    return x.mul(gate.reshape(x.getShape().slice(1)));
  }

  private static List<String> weightAndBias(String node, boolean bias) {
    return bias ? List.of(node + ".weight", node + ".bias") : List.of(node + ".weight");
  }

  @Override
  public Result forward(List<Activation> inputs, Pass pass) {
    Activation input = inputs.getFirst();
    List<NDArray> arrays = new ArrayList<>();
    arrays.add(views ? input.array() : input.peek());
    if (!pass.training()) {
      // Whatever is made from a tensor joins its manager: that of an alias is closed with the pass.
      tensors.forEach(name -> arrays.add(alias(parameters.view(name), pass)));
      NDArray output = operation.apply(arrays, input.constant(), pass);
      return new Result(new Activation(output, input.constant()), null);
    }
    tensors.forEach(name -> arrays.add(parameters.view(name)));
    Autograd segment =
        Autograd.record(
            pass.manager(),
            arrays,
            inputGradient,
            leaves -> operation.apply(leaves, input.constant(), pass));
    Maps kept = input.maps().keep();
    return new Result(
        new Activation(segment.output(), input.constant()),
        gradient -> {
          List<@Nullable NDArray> gradients = segment.backward(gradient);
          if (views) {
            gradient.close();
          } else {
            store.giveBack(gradient);
          }
          kept.close();
          for (int i = 0; i < tensors.size(); i++) {
            NDArray tensorGradient = gradients.get(i + 1);
            if (tensorGradient != null) {
              pass.gradients().put(tensors.get(i), tensorGradient);
            }
          }
          return Collections.singletonList(gradients.getFirst());
        });
  }

  private static NDArray alias(NDArray tensor, Pass pass) {
    NDArray alias = JniUtils.detachGradient((PtNDArray) tensor);
    alias.attach(pass.manager());
    return alias;
  }

  /**
   * Weights {@code [O, k, k, I]} and activations {@code [N, H, W, C]} are seen through transposed
   * views, which libtorch takes as its channels-last format: no copy on either side.
   *
   * <p>A kernel of one pixel with a stride goes over a copy of the pixels that it meets: the
   * gradient of its weights, when libtorch takes it with a stride, writes beyond its memory where
   * there are less than eight channels, vectors of 256 bit and one thread (2.7.1 and 2.15.0).
   */
  private static NDArray convolution(Op.Conv2d conv, List<NDArray> arrays) {
    boolean copies = conv.kernel() == 1 && conv.padding() == 0 && conv.stride() > 1;
    NDArray x = copies ? everyNth(arrays.get(0), conv.stride()) : arrays.get(0);
    return channelsLast(
        JniUtils.convolution(
            channelsFirst(x),
            channelsFirst(arrays.get(1)),
            conv.bias() ? (PtNDArray) arrays.get(2) : null,
            square(copies ? 1 : conv.stride()),
            square(conv.padding()),
            square(1),
            conv.groups()));
  }

  /** Returns the pixels of maps {@code [N, H, W, C]} that are so many apart. */
  private static NDArray everyNth(NDArray x, int stride) {
    Shape shape = x.getShape();
    return x.get(
        new NDIndex()
            .addAllDim()
            .addSliceDim(0, shape.get(1), stride)
            .addSliceDim(0, shape.get(2), stride));
  }

  private static NDArray linear(List<NDArray> arrays) {
    PtNDArray bias = arrays.size() > 2 ? (PtNDArray) arrays.get(2) : null;
    return JniUtils.linear((PtNDArray) arrays.get(0), (PtNDArray) arrays.get(1), bias);
  }

  /**
   * One index per channel stands for all positions: it is expanded, not copied. libtorch gets a
   * copy of its own, for the backward pass reads the indices again when nobody here holds them.
   */
  private static NDArray select(NDArray x, long[] channels, Pass pass) {
    Shape shape = x.getShape();
    int last = shape.dimension() - 1;
    long[] ones = new long[shape.dimension()];
    Arrays.fill(ones, 1);
    ones[last] = channels.length;
    Shape selected = shape.slice(0, last).add(channels.length);
    try (NDArray lent = pass.manager().create(channels, new Shape(ones));
        NDArray indices = lent.duplicate()) {
      return x.gather(indices.broadcast(selected), last);
    }
  }

  static PtNDArray channelsFirst(NDArray array) {
    return (PtNDArray) array.transpose(0, 3, 1, 2);
  }

  static NDArray channelsLast(NDArray array) {
    return array.transpose(0, 2, 3, 1);
  }

  /** A map {@code [N, H, W, C]} as {@code [N, H·W, C]}. */
  static NDArray positions(NDArray map) {
    Shape shape = map.getShape();
    return map.reshape(shape.get(0), shape.get(1) * shape.get(2), shape.get(3));
  }

  private static Shape square(int size) {
    return new Shape(size, size);
  }
}
