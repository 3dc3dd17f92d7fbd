package dev.coppice.graph;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The compact notation for chains of layers, such as {@code 16C3-32C3-P2-64C3-P2-FC10}.
 *
 * <pre>{@code
 * network  = part, { "-", part } ;
 * part     = conv | average | maximum | dropout | global | linear ;
 * conv     = number, "C", number, [ "s", number ] ;
 * average  = "P", number ;
 * maximum  = "MP", number ;
 * dropout  = "D", digit, { digit }, [ ".", digit, { digit } ] ;
 * global   = "GAP" ;
 * linear   = "FC", number ;
 * number   = digit, { digit } ;     (* 1 to 999999 *)
 * }</pre>
 *
 * <ul>
 *   <li>{@code nCk} is a convolution to {@code n} channels with an odd kernel {@code k}, without
 *       bias, that keeps the size of the map ({@code nCksm}: with stride {@code m}), then batch
 *       norm, then the neuron.
 *   <li>{@code Pk} and {@code MPk} pool by average and by maximum over windows of {@code k} by
 *       {@code k}, side by side.
 *   <li>{@code Dp} is dropout at the rate {@code p}.
 *   <li>{@code GAP} is the mean over the map.
 *   <li>{@code FCn} is a linear layer to {@code n} features with bias, then the neuron; the last
 *       part of a network is one without neuron, the classifier. A map is flattened before it.
 * </ul>
 *
 * Nodes are named {@code conv1}, {@code bn1}, {@code neuron1}, {@code pool1}, {@code dropout1},
 * {@code gap}, {@code flatten}, {@code fc1} and so on.
 */
public final class Notation {
  private static final int MAX_LENGTH = 10_000;
  private static final Pattern CONV = Pattern.compile("(\\d{1,6})C(\\d{1,6})(?:s(\\d{1,6}))?");
  private static final Pattern POOL = Pattern.compile("(M?P)(\\d{1,6})");
  private static final Pattern DROPOUT = Pattern.compile("D(\\d{1,6}(?:\\.\\d{1,20})?)");
  private static final Pattern LINEAR = Pattern.compile("FC(\\d{1,6})");

  private final String text;
  private final Op.Neuron neuron;
  private final Graph.Builder builder;
  private Shape shape;
  private int convolutions;
  private int neurons;
  private int pools;
  private int dropouts;
  private int linears;

  private Notation(String text, Shape.Map input, Op.Neuron neuron) {
    this.text = text;
    this.neuron = neuron;
    this.builder = Graph.builder(input);
    this.shape = input;
  }

  /**
   * Returns the network that {@code text} describes.
   *
   * @param input the shape of a sample at one time step
   * @param neuron every neuron of the network
   * @throws GraphException if the text is not in the notation or does not make a network
   */
  public static Graph parse(String text, Shape.Map input, Op.Neuron neuron) {
    if (text.length() > MAX_LENGTH) {
      throw new GraphException(
          "a network in notation has at most " + MAX_LENGTH + " characters, not " + text.length());
    }
    return new Notation(text, input, neuron).parse();
  }

  private Graph parse() {
    int start = 0;
    int number = 0;
    boolean last = false;
    while (!last) {
      int end = text.indexOf('-', start);
      last = end < 0;
      String part = text.substring(start, last ? text.length() : end);
      number++;
      try {
        addPart(part, last);
      } catch (GraphException e) {
        throw new GraphException(
            "network "
                + Quote.of(text)
                + ": part "
                + number
                + " "
                + Quote.of(part)
                + " at character "
                + (start + 1)
                + ": "
                + e.getMessage(),
            e);
      }
      start = end + 1;
    }
    return builder.build();
  }

  private void addPart(String part, boolean last) {
    Matcher conv = CONV.matcher(part);
    Matcher pool = POOL.matcher(part);
    Matcher dropout = DROPOUT.matcher(part);
    Matcher linear = LINEAR.matcher(part);
    if (linear.matches()) {
      addLinear(Integer.parseInt(linear.group(1)), last);
      return;
    }
    if (conv.matches()) {
      String stride = conv.group(3);
      addConv(
          map(),
          Integer.parseInt(conv.group(1)),
          Integer.parseInt(conv.group(2)),
          stride == null ? 1 : Integer.parseInt(stride));
    } else if (pool.matches()) {
      map();
      int kernel = Integer.parseInt(pool.group(2));
      boolean maximum = pool.group(1).equals("MP");
      Op op = maximum ? new Op.MaxPool(kernel, kernel) : new Op.AvgPool(kernel, kernel);
      add("pool" + ++pools, op);
    } else if (dropout.matches()) {
      add("dropout" + ++dropouts, new Op.Dropout(Float.parseFloat(dropout.group(1))));
    } else if (part.equals("GAP")) {
      map();
      add("gap", new Op.GlobalAvgPool());
    } else {
      throw new GraphException("expected nCk, Pk, MPk, Dp, GAP or FCn");
    }
    if (last) {
      throw new GraphException("the last part must be FCn, the classifier");
    }
  }

  private void addConv(Shape.Map map, int channels, int kernel, int stride) {
    if (kernel % 2 == 0) {
      throw new GraphException("the kernel of a convolution must be odd");
    }
    convolutions++;
    add("conv" + convolutions, Op.Conv2d.same(map.channels(), channels, kernel, stride));
    add("bn" + convolutions, Op.BatchNorm.of(channels));
    add("neuron" + ++neurons, neuron);
  }

  private void addLinear(int features, boolean last) {
    if (shape instanceof Shape.Map) {
      add("flatten", new Op.Flatten());
    }
    add("fc" + ++linears, new Op.Linear(shape.size(), features, true));
    if (!last) {
      add("neuron" + ++neurons, neuron);
    }
  }

  private void add(String name, Op op) {
    shape = ShapeInference.infer(new Node(name, op, List.of(builder.last())), List.of(shape));
    builder.add(name, op);
  }

  private Shape.Map map() {
    if (shape instanceof Shape.Map map) {
      return map;
    }
    throw new GraphException("needs a feature map, but stands after GAP or FCn");
  }
}
