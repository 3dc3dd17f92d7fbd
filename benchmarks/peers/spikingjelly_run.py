#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure how fast SpikingJelly answers images on the CPU, with a model that Coppice saved.

The model is a safetensors file with all tensors in full and the network as JSON in its metadata. Every
setting runs in a process of its own, so that its memory is its own; the fastest one is the result.
"""

import argparse
import io
import json
import math
import pathlib
import sys
import time

import peer

SETTINGS = peer.SETTINGS | peer.by_name(
    # Sparse tensors of PyTorch's have no convolution and no channels-last format.
    peer.Setting(channels_last, True, False, csr=True) for channels_last in (False, True)
)

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


def build(args, setting, graph, arrays):
    """Build the network in SpikingJelly's usual form: multi-step layers, one node after the other."""
    import torch
    from spikingjelly.activation_based import functional

    nodes = graph["nodes"]
    vectors = vectors_of(nodes)
    # What no neuron precedes is the same at every time step.
    constant = set()
    for node in nodes:
        if setting.encode_once and node["op"] != "neuron" and constant.issuperset(node["inputs"]):
            constant.add(node["name"])
    last_read = {name: i for i, node in enumerate(nodes) for name in node["inputs"]}

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.ModuleList(
                module_of(node, not vectors.isdisjoint(node["inputs"])) for node in nodes
            )

        def forward(self, image):
            over_time = (args.T, *image.shape)
            values = {}
            for i, (node, module) in enumerate(zip(nodes, self.layers)):
                name = node["name"]
                if node["op"] == "input":
                    values[name] = image if name in constant else image.unsqueeze(0).repeat(
                        args.T, *(1 for _ in image.shape))
                    continue
                inputs = [
                    values[read] if name in constant or read not in constant
                    else values[read].unsqueeze(0).expand(args.T, *values[read].shape)
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
    return net.eval()


def checkpoint_bytes(net):
    """Return the size of the file that torch.save makes of the weights."""
    import torch

    buffer = io.BytesIO()
    torch.save(net.state_dict(), buffer)
    return buffer.getbuffer().nbytes


def use_csr(net):
    """Let the linear layers multiply by sparse matrices."""
    import torch

    class CsrLinear(torch.nn.Module):
        def __init__(self, linear):
            super().__init__()
            self.weight = linear.weight.detach().to_sparse_csr()
            self.bias = linear.bias

        def forward(self, x):
            y = (self.weight @ x.flatten(0, -2).t()).t().unflatten(0, x.shape[:-1])
            return y if self.bias is None else y + self.bias

    for i, module in enumerate(net.layers):
        if isinstance(module, torch.nn.Linear):
            net.layers[i] = CsrLinear(module)


def percentile(values, share):
    """Return the smallest value that at least this share of the values does not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def resident_megabytes():
    """Return the resident set of this process now, in 10^6 bytes; where unknown its peak."""
    try:
        for line in pathlib.Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    return peer.peak_megabytes()


def measure(args, setting):
    """Answer images in this process; return the figures of one setting."""
    import torch
    from spikingjelly.activation_based import functional

    torch.set_num_threads(args.threads)
    metadata, arrays = read_safetensors(args.model)
    net = build(args, setting, json.loads(metadata["coppice.graph"]), arrays)
    del arrays
    size = checkpoint_bytes(net)
    images = torch.from_numpy(read_safetensors(args.images)[1]["normalized"])
    if images.dim() == 4:
        images = images.permute(0, 3, 1, 2).contiguous()
    if setting.csr:
        use_csr(net)
    if setting.channels_last:
        net = net.to(memory_format=torch.channels_last)
    count = len(images)
    batches = []
    for first in range(0, max(count, args.batch), args.batch):
        batch = images[torch.arange(first, first + args.batch) % count]
        if setting.channels_last and batch.dim() == 4:
            batch = batch.contiguous(memory_format=torch.channels_last)
        batches.append(batch)
    call = torch.compile(net) if setting.compiled else net

    def step(index):
        start = time.perf_counter()
        logits = call(batches[index % len(batches)])
        functional.reset_net(net)
        return time.perf_counter() - start, logits

    with torch.inference_mode():
        first_seconds = step(0)[0]
        for i in range(1, args.warmup):
            step(i)
        wall, cpu = time.perf_counter(), time.process_time()
        seconds = [step(i)[0] for i in range(args.runs)]
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        resident = resident_megabytes()
        logits = torch.cat([step(i)[1] for i in range(len(batches))])[:count]
    median = percentile(seconds, 0.5)
    return {
        "setting": setting.name,
        "millisP50": round(1000 * median, 4),
        "millisP99": round(1000 * percentile(seconds, 0.99), 4),
        "millisFirst": round(1000 * first_seconds, 1),
        "imagesPerSecond": round(args.batch / median, 3),
        "cpusUsed": round(cpu / wall, 2),
        "residentMegabytes": round(resident, 1),
        "peakMegabytes": round(peer.peak_megabytes(), 1),
        "checkpointBytes": size,
        "logits": logits.tolist(),
    }


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=pathlib.Path, required=True, help="a dense model file of Coppice")
    parser.add_argument("--images", type=pathlib.Path, required=True,
                        help="a safetensors file whose tensor 'normalized' are the images [N, H, W, C]")
    parser.add_argument("--T", type=int, default=4, help="time steps (default 4)")
    parser.add_argument("--batch", type=int, default=1, help="images in a run (default 1)")
    parser.add_argument("--threads", type=int, default=2, help="threads of an operator (default 2)")
    parser.add_argument("--warmup", type=int, default=10, help="runs not counted (default 10)")
    parser.add_argument("--runs", type=int, default=50, help="runs counted (default 50)")
    peer.add_settings(parser, SETTINGS)
    args = parser.parse_args()
    peer.check_positive(parser, args, ("T", "batch", "threads", "warmup", "runs"))
    for path in (args.model, args.images):
        if not path.is_file():
            parser.error(f"{path}: does not exist")
    return args


def main():
    def described(best):
        return {name: best.get(name) for name in ("millisP50", "millisP99")}

    return peer.run(__file__, arguments(), SETTINGS, measure, described)


if __name__ == "__main__":
    sys.exit(main())
