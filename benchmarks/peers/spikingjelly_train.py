#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Measure how fast SpikingJelly trains a network on the CPU.

A step is forward, backward and one SGD update on random images. Every setting runs in a process of
its own, so that its peak memory is its own; the fastest one is the result.
"""

import argparse
import re
import statistics
import sys
import time

import peer


def parse_net(text):
    """Turn '64C3-P2-FC10' into [('conv', 64, 3), ('pool', 2), ('fc', 10)]."""
    layers = []
    for token in text.split("-"):
        if match := re.fullmatch(r"(\d+)C(\d+)", token):
            channels, kernel = map(int, match.groups())
            if kernel % 2 == 0:
                raise argparse.ArgumentTypeError(f"{token}: same padding needs an odd kernel")
            layers.append(("conv", channels, kernel))
        elif match := re.fullmatch(r"P(\d+)", token):
            layers.append(("pool", int(match[1])))
        elif match := re.fullmatch(r"FC(\d+)", token):
            layers.append(("fc", int(match[1])))
        else:
            raise argparse.ArgumentTypeError(
                f"{token!r} is none of nCk (convolution), Pk (average pool), FCn (linear)"
            )
    kinds = [layer[0] for layer in layers]
    linear = kinds.count("fc")
    if kinds[0] != "conv" or not linear or any(kind != "fc" for kind in kinds[-linear:]):
        raise argparse.ArgumentTypeError("expected a network from nCk to FCn, linear layers last")
    return layers


def parse_input(text):
    """Turn '32x32x3' (height, width, channels) into a tuple."""
    match = re.fullmatch(r"(\d+)x(\d+)x(\d+)", text)
    if not match:
        raise argparse.ArgumentTypeError(f"expected HxWxC such as 32x32x3, found {text!r}")
    return tuple(map(int, match.groups()))


def build(args, setting):
    """Build the network in SpikingJelly's usual form: multi-step layers, ATan, detached reset."""
    import torch
    from spikingjelly.activation_based import functional, layer, neuron, surrogate

    def lif():
        return neuron.LIFNode(
            tau=2.0, surrogate_function=surrogate.ATan(), detach_reset=not args.attach_reset
        )

    height, width, channels = args.input
    modules = []
    flat = None
    for position, spec in enumerate(args.net):
        match spec:
            case ("conv", out, kernel):
                modules += [
                    layer.Conv2d(channels, out, kernel, padding=kernel // 2, bias=False),
                    layer.BatchNorm2d(out),
                    lif(),
                ]
                channels = out
            case ("pool", size):
                modules.append(layer.AvgPool2d(size))
                height, width = height // size, width // size
            case ("fc", out):
                if flat is None:
                    modules.append(layer.Flatten())
                    flat = channels * height * width
                modules.append(layer.Linear(flat, out))
                if position < len(args.net) - 1:
                    modules.append(lif())
                flat = out

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            # The first convolution and its batch norm see the same image at every step.
            self.encoder = torch.nn.Sequential(*modules[:2])
            self.body = torch.nn.Sequential(*modules[2:])

        def forward(self, x):
            if setting.encode_once:
                x = self.encoder(x)
                x = x.unsqueeze(0).expand(args.T, *x.shape)
            else:
                x = x.unsqueeze(0).repeat(args.T, 1, 1, 1, 1)
                x = self.encoder(x)
            return self.body(x).mean(0)

    net = Net()
    functional.set_step_mode(net, "m")
    if setting.encode_once:
        functional.set_step_mode(net.encoder, "s")
    if setting.channels_last:
        net = net.to(memory_format=torch.channels_last)
    return net


def measure(args, setting):
    """Train in this process; return the figures of one setting."""
    import torch
    from spikingjelly.activation_based import functional

    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    net = build(args, setting)
    height, width, channels = args.input
    images = torch.rand(args.batch, channels, height, width)
    if setting.channels_last:
        images = images.contiguous(memory_format=torch.channels_last)
    labels = torch.randint(args.net[-1][1], (args.batch,))
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
    parser.add_argument("--net", type=parse_net, required=True, help="such as 64C3-64C3-P2-FC10")
    parser.add_argument("--input", type=parse_input, required=True, help="HxWxC, such as 32x32x3")
    parser.add_argument("--T", type=int, default=4, help="time steps (default 4)")
    parser.add_argument("--batch", type=int, default=16, help="images in a step (default 16)")
    parser.add_argument("--threads", type=int, default=2, help="threads of an operator (default 2)")
    parser.add_argument("--warmup", type=int, default=5, help="steps not counted (default 5)")
    parser.add_argument("--steps", type=int, default=15, help="steps counted (default 15)")
    parser.add_argument("--seed", type=int, default=1, help="seed of weights and images (default 1)")
    parser.add_argument("--attach-reset", action="store_true", help="let gradients pass the reset")
    peer.add_settings(parser, peer.SETTINGS)
    args = parser.parse_args()
    peer.check_positive(parser, args, ("T", "batch", "threads", "warmup", "steps"))
    return args


def main():
    args = arguments()

    def described(_):
        return {
            "net": "-".join({"conv": "{1}C{2}", "pool": "P{1}", "fc": "FC{1}"}[layer[0]].format(*layer)
                            for layer in args.net),
            "input": "x".join(map(str, args.input)),
        }

    return peer.run(__file__, args, peer.SETTINGS, measure, described)


if __name__ == "__main__":
    sys.exit(main())
