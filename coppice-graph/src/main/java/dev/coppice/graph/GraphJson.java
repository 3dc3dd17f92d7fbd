package dev.coppice.graph;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** A graph as JSON. Every field is written, and every field is required. */
final class GraphJson {
  private static final String FORMAT = "coppice-graph/1";

  private GraphJson() {}

  static String write(Graph graph) {
    JsonArray nodes = new JsonArray();
    for (Node node : graph.nodes()) {
      JsonObject object = new JsonObject();
      object.addProperty("name", node.name());
      writeOp(object, node.op());
      JsonArray inputs = new JsonArray();
      node.inputs().forEach(inputs::add);
      object.add("inputs", inputs);
      nodes.add(object);
    }
    JsonObject root = new JsonObject();
    root.addProperty("format", FORMAT);
    root.addProperty("output", graph.output());
    root.add("nodes", nodes);
    return root.toString();
  }

  static Graph read(String json) {
    JsonFields root = new JsonFields("network", Json.parseObject(json));
    String format = root.text("format");
    if (!format.equals(FORMAT)) {
      throw root.error("expected the format " + FORMAT + ", found " + Quote.of(format));
    }
    String output = root.text("output");
    JsonArray array = root.array("nodes");
    root.end();
    if (array.size() > Graph.MAX_NODES) {
      throw root.error("has " + array.size() + " nodes, at most " + Graph.MAX_NODES + " are read");
    }
    List<Node> nodes = new ArrayList<>(array.size());
    for (int i = 0; i < array.size(); i++) {
      nodes.add(readNode(i, array.get(i)));
    }
    return Graph.of(nodes, output);
  }

  private static Node readNode(int index, JsonElement element) {
    String name = new JsonFields("node " + index, element).text("name");
    try {
      JsonFields fields = new JsonFields("", element);
      List<String> inputs = new ArrayList<>();
      for (JsonElement input : fields.array("inputs")) {
        if (!(input instanceof JsonPrimitive primitive && primitive.isString())) {
          throw fields.error("its inputs must be names of nodes");
        }
        inputs.add(primitive.getAsString());
      }
      Node node = new Node(fields.text("name"), readOp(fields), inputs);
      fields.end();
      return node;
    } catch (GraphException e) {
      throw new GraphException("node " + Quote.of(name) + ": " + e.getMessage(), e);
    }
  }

  private static void writeOp(JsonObject object, Op op) {
    switch (op) {
      case Op.Input(Shape shape) -> {
        object.addProperty("op", "input");
        JsonArray dimensions = new JsonArray();
        switch (shape) {
          case Shape.Map(int height, int width, int channels) -> {
            dimensions.add(height);
            dimensions.add(width);
            dimensions.add(channels);
          }
          case Shape.Vector(int channels) -> dimensions.add(channels);
        }
        object.add("shape", dimensions);
      }
      case Op.Conv2d conv -> {
        object.addProperty("op", "conv2d");
        object.addProperty("in_channels", conv.inChannels());
        object.addProperty("out_channels", conv.outChannels());
        object.addProperty("kernel", conv.kernel());
        object.addProperty("stride", conv.stride());
        object.addProperty("padding", conv.padding());
        object.addProperty("groups", conv.groups());
        object.addProperty("bias", conv.bias());
      }
      case Op.Linear linear -> {
        object.addProperty("op", "linear");
        object.addProperty("in_features", linear.inFeatures());
        object.addProperty("out_features", linear.outFeatures());
        object.addProperty("bias", linear.bias());
      }
      case Op.BatchNorm norm -> {
        object.addProperty("op", "batch_norm");
        object.addProperty("channels", norm.channels());
        object.addProperty("eps", norm.eps());
        object.addProperty("momentum", norm.momentum());
        object.addProperty("initial_scale", norm.initialScale());
      }
      case Op.Neuron neuron -> {
        object.addProperty("op", "neuron");
        object.add("charge", writeCharge(neuron.charge()));
        object.addProperty("threshold", neuron.threshold());
        object.addProperty("strict", neuron.strict());
        object.add("reset", writeReset(neuron.reset()));
        object.addProperty("detach_reset", neuron.detachReset());
        object.add("surrogate", writeSurrogate(neuron.surrogate()));
      }
      case Op.AvgPool(int kernel, int stride) -> {
        object.addProperty("op", "avg_pool");
        object.addProperty("kernel", kernel);
        object.addProperty("stride", stride);
      }
      case Op.MaxPool(int kernel, int stride) -> {
        object.addProperty("op", "max_pool");
        object.addProperty("kernel", kernel);
        object.addProperty("stride", stride);
      }
      case Op.GlobalAvgPool _ -> object.addProperty("op", "global_avg_pool");
      case Op.Flatten _ -> object.addProperty("op", "flatten");
      case Op.Add _ -> object.addProperty("op", "add");
      case Op.Gate _ -> object.addProperty("op", "gate");
      case Op.Dropout(float rate) -> {
        object.addProperty("op", "dropout");
        object.addProperty("rate", rate);
      }
      case Op.Select(List<Integer> selected) -> {
        object.addProperty("op", "select");
        JsonArray channels = new JsonArray();
        selected.forEach(channels::add);
        object.add("channels", channels);
      }
    }
  }

  private static Op readOp(JsonFields fields) {
    String op = fields.text("op");
    return switch (op) {
      case "input" -> {
        int[] shape = fields.integers("shape");
        yield switch (shape.length) {
          case 1 -> new Op.Input(new Shape.Vector(shape[0]));
          case 3 -> new Op.Input(new Shape.Map(shape[0], shape[1], shape[2]));
          default -> throw fields.error("its shape has 1 or 3 dimensions, not " + shape.length);
        };
      }
      case "conv2d" ->
          new Op.Conv2d(
              fields.integer("in_channels"),
              fields.integer("out_channels"),
              fields.integer("kernel"),
              fields.integer("stride"),
              fields.integer("padding"),
              fields.integer("groups"),
              fields.flag("bias"));
      case "linear" ->
          new Op.Linear(
              fields.integer("in_features"), fields.integer("out_features"), fields.flag("bias"));
      case "batch_norm" ->
          new Op.BatchNorm(
              fields.integer("channels"),
              fields.real("eps"),
              fields.real("momentum"),
              fields.real("initial_scale"));
      case "neuron" ->
          new Op.Neuron(
              readCharge(fields.object("charge")),
              fields.real("threshold"),
              fields.flag("strict"),
              readReset(fields.object("reset")),
              fields.flag("detach_reset"),
              readSurrogate(fields.object("surrogate")));
      case "avg_pool" -> new Op.AvgPool(fields.integer("kernel"), fields.integer("stride"));
      case "max_pool" -> new Op.MaxPool(fields.integer("kernel"), fields.integer("stride"));
      case "global_avg_pool" -> new Op.GlobalAvgPool();
      case "flatten" -> new Op.Flatten();
      case "add" -> new Op.Add();
      case "gate" -> new Op.Gate();
      case "dropout" -> new Op.Dropout(fields.real("rate"));
      case "select" -> new Op.Select(Arrays.stream(fields.integers("channels")).boxed().toList());
      default -> throw fields.error("unknown op " + Quote.of(op));
    };
  }

  private static JsonObject writeCharge(Charge charge) {
    JsonObject object = new JsonObject();
    switch (charge) {
      case Charge.Decay(float lambda) -> {
        object.addProperty("type", "decay");
        object.addProperty("lambda", lambda);
      }
      case Charge.TimeConstant(float tau, boolean decayInput) -> {
        object.addProperty("type", "time_constant");
        object.addProperty("tau", tau);
        object.addProperty("decay_input", decayInput);
      }
      case Charge.Integrate _ -> object.addProperty("type", "integrate");
    }
    return object;
  }

  private static Charge readCharge(JsonFields fields) {
    String type = fields.text("type");
    Charge charge =
        switch (type) {
          case "decay" -> new Charge.Decay(fields.real("lambda"));
          case "time_constant" ->
              new Charge.TimeConstant(fields.real("tau"), fields.flag("decay_input"));
          case "integrate" -> new Charge.Integrate();
          default -> throw fields.error("unknown type " + Quote.of(type));
        };
    fields.end();
    return charge;
  }

  private static JsonObject writeReset(Reset reset) {
    JsonObject object = new JsonObject();
    switch (reset) {
      case Reset.Hard(float potential) -> {
        object.addProperty("type", "hard");
        object.addProperty("potential", potential);
      }
      case Reset.Soft _ -> object.addProperty("type", "soft");
    }
    return object;
  }

  private static Reset readReset(JsonFields fields) {
    String type = fields.text("type");
    Reset reset =
        switch (type) {
          case "hard" -> new Reset.Hard(fields.real("potential"));
          case "soft" -> new Reset.Soft();
          default -> throw fields.error("unknown type " + Quote.of(type));
        };
    fields.end();
    return reset;
  }

  private static JsonObject writeSurrogate(Surrogate surrogate) {
    JsonObject object = new JsonObject();
    switch (surrogate) {
      case Surrogate.ATan(float alpha) -> {
        object.addProperty("type", "atan");
        object.addProperty("alpha", alpha);
      }
      case Surrogate.Sigmoid(float alpha) -> {
        object.addProperty("type", "sigmoid");
        object.addProperty("alpha", alpha);
      }
      case Surrogate.Tanh(float temperature) -> {
        object.addProperty("type", "tanh");
        object.addProperty("temperature", temperature);
      }
      case Surrogate.Triangle(float gamma) -> {
        object.addProperty("type", "triangle");
        object.addProperty("gamma", gamma);
      }
      case Surrogate.Rectangle(float width) -> {
        object.addProperty("type", "rectangle");
        object.addProperty("width", width);
      }
    }
    return object;
  }

  private static Surrogate readSurrogate(JsonFields fields) {
    String type = fields.text("type");
    Surrogate surrogate =
        switch (type) {
          case "atan" -> new Surrogate.ATan(fields.real("alpha"));
          case "sigmoid" -> new Surrogate.Sigmoid(fields.real("alpha"));
          case "tanh" -> new Surrogate.Tanh(fields.real("temperature"));
          case "triangle" -> new Surrogate.Triangle(fields.real("gamma"));
          case "rectangle" -> new Surrogate.Rectangle(fields.real("width"));
          default -> throw fields.error("unknown type " + Quote.of(type));
        };
    fields.end();
    return surrogate;
  }
}
