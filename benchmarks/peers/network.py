# SPDX-License-Identifier: Apache-2.0
"""Networks that Coppice saved, built from SpikingJelly's layers.

A file is in safetensors format, with all tensors in full and the network as JSON in its metadata.
"""

import json
import math

# A file that announces more than this is not one of Coppice's.
MAX_HEADER = 100_000_000


def read_safetensors(path):
    """Return the metadata and the float32 tensors, by name, of a file."""
    import numpy

    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > MAX_HEADER:
            raise ValueError(f"{path}: no safetensors file")
        header = json.loads(file.read(length))
        data = file.read()
    metadata = header.pop("__metadata__", {})
    arrays = {}
    for name, entry in header.items():
        if entry["dtype"] != "F32":
            raise ValueError(f"{path}: {name} is {entry['dtype']}, expected F32")
        begin, end = entry["data_offsets"]
        arrays[name] = numpy.frombuffer(data[begin:end], dtype="<f4").reshape(entry["shape"]).copy()
    return metadata, arrays


def neuron_of(op):
    """Return the neuron layer that does what a neuron node of Coppice's does."""
    import numpy
    from spikingjelly.activation_based import neuron, surrogate

    threshold = op["threshold"]
    if op["strict"]:
        # A potential exceeds the threshold where it reaches the next number of float32.
        threshold = float(numpy.nextafter(numpy.float32(threshold), numpy.float32(math.inf)))
    reset = op["reset"]
    common = {
        "v_threshold": threshold,
        "v_reset": float(reset["potential"]) if reset["type"] == "hard" else None,
        "surrogate_function": surrogate.ATan(),
        "detach_reset": op["detach_reset"],
    }
    charge = op["charge"]
    match charge["type"]:
        case "integrate":
            return neuron.IFNode(**common)
        case "time_constant":
            tau, decay_input = float(charge["tau"]), charge["decay_input"]
        case "decay":
            if common["v_reset"]:
                raise ValueError("SpikingJelly has no decay to 0 with a reset to another potential")
            if charge["lambda"] == 1:
                return neuron.IFNode(**common)
            tau, decay_input = 1 / (1 - charge["lambda"]), False
    return neuron.LIFNode(tau=tau, decay_input=decay_input, **common)


def vectors_of(nodes):
    """Return the names of the nodes that give vectors, not maps."""
    vectors = set()
    for node in nodes:
        if (node["op"] in ("linear", "flatten", "global_avg_pool") or len(node.get("shape", [])) == 1
                or vectors.intersection(node["inputs"])):
            vectors.add(node["name"])
    return vectors


def module_of(op, vector):
    """Return the layer of a node, without its weights; one that does nothing where none is needed.

    vector says whether it reads vectors rather than maps.
    """
    import torch
    from spikingjelly.activation_based import layer

    class GlobalAvgPool(torch.nn.Module):
        def forward(self, x):
            return x.mean((-2, -1))

    class Select(torch.nn.Module):
        def __init__(self, channels, dimension):
            super().__init__()
            self.dimension = dimension
            self.register_buffer("channels", torch.tensor(channels), persistent=False)

        def forward(self, x):
            return x.index_select(self.dimension, self.channels)

    match op["op"]:
        case "conv2d":
            return layer.Conv2d(op["in_channels"], op["out_channels"], op["kernel"], op["stride"],
                                op["padding"], groups=op["groups"], bias=op["bias"])
        case "linear":
            return layer.Linear(op["in_features"], op["out_features"], bias=op["bias"])
        case "batch_norm":
            norm = layer.BatchNorm1d if vector else layer.BatchNorm2d
            return norm(op["channels"], eps=op["eps"], momentum=op["momentum"])
        case "neuron":
            return neuron_of(op)
        case "avg_pool":
            return layer.AvgPool2d(op["kernel"], op["stride"])
        case "max_pool":
            return layer.MaxPool2d(op["kernel"], op["stride"])
        case "global_avg_pool":
            return GlobalAvgPool()
        case "flatten":
            return layer.Flatten()
        case "select":
            return Select(op["channels"], -1 if vector else -3)
        case "input" | "add" | "dropout":
            return torch.nn.Identity()
    raise ValueError(f"the node {op['name']} is of the unknown kind {op['op']}")


def read(path, steps, encode_once):
    """Build the network of a file in SpikingJelly's usual form: multi-step layers, node by node.

    It takes images [B, C, H, W] and gives the mean of the logits over the time steps. With
    encode_once, what no neuron precedes runs once, and its result is repeated.
    """
    import torch
    from spikingjelly.activation_based import functional

    metadata, arrays = read_safetensors(path)
    graph = json.loads(metadata["coppice.graph"])
    nodes = graph["nodes"]
    vectors = vectors_of(nodes)
    # What no neuron precedes is the same at every time step.
    constant = set()
    for node in nodes:
        if encode_once and node["op"] != "neuron" and constant.issuperset(node["inputs"]):
            constant.add(node["name"])
    last_read = {name: i for i, node in enumerate(nodes) for name in node["inputs"]}

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.graph = graph
            self.layers = torch.nn.ModuleList(
                module_of(node, not vectors.isdisjoint(node["inputs"])) for node in nodes
            )

        def forward(self, image):
            values = {}
            for i, (node, module) in enumerate(zip(nodes, self.layers)):
                name = node["name"]
                if node["op"] == "input":
                    values[name] = image if name in constant else image.unsqueeze(0).repeat(
                        steps, *(1 for _ in image.shape))
                    continue
                inputs = [
                    values[read] if name in constant or read not in constant
                    else values[read].unsqueeze(0).expand(steps, *values[read].shape)
                    for read in node["inputs"]
                ]
                value = sum(inputs[1:], inputs[0]) if node["op"] == "add" else module(inputs[0])
                values[name] = value
                for read in node["inputs"]:
                    if last_read[read] == i:
                        del values[read]
            output = values[graph["output"]]
            return output if graph["output"] in constant else output.mean(0)

    net = Net()
    functional.set_step_mode(net, "m")
    for node, module in zip(nodes, net.layers):
        if node["name"] in constant and hasattr(module, "step_mode"):
            module.step_mode = "s"
        prefix = node["name"] + "."
        state = {
            name[len(prefix):]: torch.from_numpy(array)
            for name, array in arrays.items() if name.rpartition(".")[0] == node["name"]
        }
        missing, unexpected = module.load_state_dict(state, strict=False)
        if unexpected or any(name != "num_batches_tracked" for name in missing):
            raise ValueError(f"{node['name']}: the tensors of the file do not fit")
    return net


def sizes(net):
    """Return the channels, height and width of a network's images, and the number of its classes."""
    nodes = {node["name"]: node for node in net.graph["nodes"]}
    height, width, channels = next(n["shape"] for n in nodes.values() if n["op"] == "input")
    return channels, height, width, nodes[net.graph["output"]]["out_features"]
