package dev.coppice.runtime;

import dev.coppice.graph.GraphException;
import dev.coppice.graph.Model;
import dev.coppice.graph.ModelInput;
import dev.coppice.graph.Shape;
import dev.coppice.kernels.Kernels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * A model compiled for inference. It is immutable and shared by threads; each runs a {@link
 * Session} of its own.
 *
 * {@snippet :
 * SpikingRuntime network = SpikingRuntime.load(Path.of("model.safetensors"));
 * try (Session session = network.session()) {
 *   System.out.println(session.run(image).predicted());
 * }
 * }
 */
public final class SpikingRuntime {
  private final Plan plan;
  private final Options options;
  private final ModelInput input;
  private final Shape inputShape;
  private final int outputs;
  private final Kernels kernels;

  private SpikingRuntime(Model model, Options options, Kernels kernels) {
    this.input = ModelInput.of(model.metadata());
    this.options = options;
    this.inputShape = model.graph().shape(model.graph().input().name());
    this.outputs = model.graph().shape(model.graph().output()).size();
    this.kernels = kernels;
    int means = input.mean().length;
    if (means > 1 && means != inputShape.channels()) {
      throw new GraphException(
          "the model's input is normalised by "
              + means
              + " channels, but the network reads "
              + inputShape.channels());
    }
    this.plan = Compiler.compile(model, timeSteps(), kernels);
  }

  /**
   * How to run.
   *
   * @param timeSteps T of images, or 0 for what the model was trained with
   * @param threads threads of a session, the caller's included
   * @param batch the most images that a session runs at a time; larger batches are cut, and those
   *     of large images too, where they would not stay in the cache. Memory grows with it
   */
  public record Options(int timeSteps, int threads, int batch) {
    /** One thread, one image at a time, the model's own time steps. */
    public static final Options DEFAULT = new Options(0, 1, 1);

    /** Throws {@link IllegalArgumentException} if a number is out of its range. */
    public Options {
      if (timeSteps < 0) {
        throw new IllegalArgumentException("time steps must not be negative: " + timeSteps);
      }
      if (threads < 1) {
        throw new IllegalArgumentException("threads must be positive, not " + threads);
      }
      if (batch < 1) {
        throw new IllegalArgumentException("the batch must be positive, not " + batch);
      }
    }

    /** Returns these with other time steps. */
    public Options withTimeSteps(int timeSteps) {
      return new Options(timeSteps, threads, batch);
    }

    /** Returns these with another number of threads. */
    public Options withThreads(int threads) {
      return new Options(timeSteps, threads, batch);
    }

    /** Returns these with another batch. */
    public Options withBatch(int batch) {
      return new Options(timeSteps, threads, batch);
    }
  }

  /**
   * Loads and compiles a model with {@link Options#DEFAULT}.
   *
   * @throws dev.coppice.graph.ModelFormatException if the file does not hold a model
   * @throws IOException if the file cannot be read
   * @throws GraphException if the model cannot be run
   */
  public static SpikingRuntime load(Path path) throws IOException {
    return load(path, Options.DEFAULT);
  }

  /**
   * Loads and compiles a model. Of a file with compressed weights, those that were pruned away are
   * never in memory, but for a layer at a time that is computed with them.
   *
   * @throws dev.coppice.graph.ModelFormatException if the file does not hold a model
   * @throws IOException if the file cannot be read
   * @throws GraphException if the model cannot be run
   */
  public static SpikingRuntime load(Path path, Options options) throws IOException {
    return of(Model.loadPacked(path), options);
  }

  /**
   * Compiles a model with {@link Options#DEFAULT}.
   *
   * @throws GraphException if a layer is too large, or the metadata on its input are damaged
   */
  public static SpikingRuntime of(Model model) {
    return of(model, Options.DEFAULT);
  }

  /**
   * Compiles a model. Its weights are copied.
   *
   * @throws GraphException if a layer is too large, or the metadata on its input are damaged
   */
  public static SpikingRuntime of(Model model, Options options) {
    return of(model, options, Kernels.best());
  }

  static SpikingRuntime of(Model model, Options options, Kernels kernels) {
    return new SpikingRuntime(model, options, kernels);
  }

  /**
   * Returns a new session. It is cheap: buffers, and threads if more than one are asked for.
   *
   * @throws IllegalArgumentException if the buffers would be too large
   */
  public Session session() {
    return new Session(this);
  }

  /** Returns the shape of an image, or of a time step of a stream. */
  public Shape inputShape() {
    return inputShape;
  }

  /** Returns K, the number of outputs. */
  public int outputs() {
    return outputs;
  }

  /** Returns T of images: that of the options, else the model's, else 0. */
  public int timeSteps() {
    Integer stored = input.timeSteps();
    return options.timeSteps() > 0 || stored == null ? options.timeSteps() : stored;
  }

  /** Returns the threads of a session, the caller's included. */
  public int threads() {
    return options.threads();
  }

  /** Returns the most images that a session runs at a time. */
  public int batch() {
    return options.batch();
  }

  /** Returns the names of the K classes, or an empty list if the model does not tell them. */
  public List<String> classes() {
    return input.classes().size() == outputs ? input.classes() : List.of();
  }

  /** Returns one line on the kernels that run it, and why these. */
  public String describeKernels() {
    return kernels.describe();
  }

  Plan plan() {
    return plan;
  }

  Options options() {
    return options;
  }

  ModelInput input() {
    return input;
  }

  Kernels kernels() {
    return kernels;
  }
}
