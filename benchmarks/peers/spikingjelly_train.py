#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure how fast SpikingJelly trains, on the CPU, a network that Coppice saved.

A step is forward, backward and one SGD update on random images. Every setting runs in a process of
its own, so that its peak memory is its own; the fastest one is the result.
"""

import argparse
import pathlib
import statistics
import sys
import time

import network
import peer


def measure(args, setting):
    """Train in this process; return the figures of one setting."""
    import torch
    from spikingjelly.activation_based import functional

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    net = network.read(args.model, args.T, setting.encode_once)
    channels, height, width, classes = network.sizes(net)
    images = torch.rand(args.batch, channels, height, width)
    if setting.channels_last:
        net = net.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.randint(classes, (args.batch,))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    net.train()
    run = torch.compile(net) if setting.compiled else net

    def step():
        start = time.perf_counter()
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(run(images), labels)
        loss.backward()
        optimizer.step()
        functional.reset_net(net)
        return time.perf_counter() - start, loss.item()

    start = time.perf_counter()
    first_loss = step()[1]
    first_seconds = time.perf_counter() - start
    for _ in range(args.warmup - 1):
        step()
    wall, cpu = time.perf_counter(), time.process_time()
    results = [step() for _ in range(args.steps)]
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    seconds = statistics.median(result[0] for result in results)
    return {
        "setting": setting.name,
        "imagesPerSecond": round(args.batch / seconds, 3),
        "secondsPerStep": round(seconds, 6),
        "secondsFastestStep": round(min(result[0] for result in results), 6),
        "secondsFirstStep": round(first_seconds, 3),
        "cpusUsed": round(cpu / wall, 2),
        "peakMegabytes": round(peer.peak_megabytes(), 1),
        "firstLoss": first_loss,
        "lastLoss": results[-1][1],
    }


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=pathlib.Path, required=True, help="a dense model file of Coppice")
    parser.add_argument("--T", type=int, default=4, help="time steps (default 4)")
    parser.add_argument("--batch", type=int, default=16, help="images in a step (default 16)")
    parser.add_argument("--threads", type=int, default=2, help="threads of an operator (default 2)")
    parser.add_argument("--warmup", type=int, default=5, help="steps not counted (default 5)")
    parser.add_argument("--steps", type=int, default=15, help="steps counted (default 15)")
    parser.add_argument("--seed", type=int, default=1, help="seed of images (default 1)")
    peer.add_settings(parser, peer.SETTINGS)
    args = parser.parse_args()
    peer.check_positive(parser, args, ("T", "batch", "threads", "warmup", "steps"))
    peer.check_files(parser, args.model)
    return args


def main():
    return peer.run(__file__, arguments(), peer.SETTINGS, measure, lambda _: {})


if __name__ == "__main__":
    sys.exit(main())
