#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure how fast SpikingJelly answers images on the CPU, with a model that Coppice saved.

The model is a safetensors file with all tensors in full and the network as JSON in its metadata. Every
setting runs in a process of its own, so that its memory is its own; the fastest one is the result.
"""

import argparse
import io
import math
import pathlib
import sys
import time

import network
import peer

SETTINGS = peer.SETTINGS | peer.by_name(
    # Sparse tensors of PyTorch's have no convolution and no channels-last format.
    peer.Setting(channels_last, True, False, csr=True) for channels_last in (False, True)
)

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
    net = network.read(args.model, args.T, setting.encode_once).eval()
    size = checkpoint_bytes(net)
    images = torch.from_numpy(network.read_safetensors(args.images)[1]["normalized"])
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
    peer.check_files(parser, args.model, args.images)
    return args


def main():
    def described(best):
        return {name: best.get(name) for name in ("millisP50", "millisP99")}

    return peer.run(__file__, arguments(), SETTINGS, measure, described)


if __name__ == "__main__":
    sys.exit(main())
