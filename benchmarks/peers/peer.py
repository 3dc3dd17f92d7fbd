# SPDX-License-Identifier: Apache-2.0
"""What the scripts of this folder share: settings, a process for each, and their figures."""

import argparse
import dataclasses
import json
import pathlib
import re
import resource
import subprocess
import sys
import tempfile


@dataclasses.dataclass(frozen=True)
class Setting:
    """How the network runs: every combination computes the same function."""

    channels_last: bool
    encode_once: bool
    compiled: bool
    csr: bool = False

    @property
    def name(self):
        return "+".join(
            [
                "compile" if self.compiled else "eager",
                "channels_last" if self.channels_last else "nchw",
                *(["encode_once"] if self.encode_once else []),
                *(["csr"] if self.csr else []),
            ]
        )


def by_name(settings):
    return {setting.name: setting for setting in settings}


SETTINGS = by_name(
    Setting(channels_last, encode_once, compiled)
    for compiled in (False, True)
    for encode_once in (False, True)
    for channels_last in (False, True)
)


def add_settings(parser, settings):
    """Add the options that say what is measured and where the result goes."""
    parser.add_argument("--settings", nargs="+", choices=settings, default=list(settings),
                        metavar="SETTING", help=f"of {', '.join(settings)} (default: all)")
    parser.add_argument("--timeout", type=float, default=900, help="seconds for a setting (default 900)")
    parser.add_argument("--json", type=pathlib.Path, help="write the result to this file")
    parser.add_argument("--only", choices=settings, help=argparse.SUPPRESS)


def check_positive(parser, args, names):
    for name in names:
        if getattr(args, name) < 1:
            parser.error(f"--{name} must be at least 1")


def check_files(parser, *paths):
    for path in paths:
        if not path.is_file():
            parser.error(f"{path}: does not exist")


def peak_megabytes():
    """Return the largest resident set of this process so far, in 10^6 bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6


def measure_apart(script, setting, timeout):
    """Run one setting in a new process and return its figures, or why there are none."""
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder, "figures.json")
        command = [sys.executable, script, *sys.argv[1:], "--only", setting.name, "--json", str(out)]
        try:
            done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                  text=True, timeout=timeout, check=False)
        except subprocess.TimeoutExpired:
            return {"setting": setting.name, "error": f"no result after {timeout} s"}
        if done.returncode == 0:
            return json.loads(out.read_text(encoding="utf-8"))
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        error = next((line for line in reversed(lines) if re.match(r"[\w.]*(Error|Exception)\b", line)),
                     lines[-1] if lines else f"exit status {done.returncode}")
        return {"setting": setting.name, "error": error}


def run(script, args, settings, measure, described):
    """Measure all settings, each in a process of its own, and write the result; return the status.

    measure(args, setting) gives the figures of one, described(best) the fields of the result that are
    not the same in all scripts.
    """
    if args.only:
        args.json.write_text(json.dumps(measure(args, settings[args.only])), encoding="utf-8")
        return 0
    # This process stays small (no torch): a child's peak memory starts from its parent's.
    all_figures = []
    for name in args.settings:
        figures = measure_apart(script, settings[name], args.timeout)
        all_figures.append(figures)
        print(f"{name:32} " + (figures.get("error")
              or f"{figures['imagesPerSecond']:8.2f} images/s {figures['peakMegabytes']:8.0f} MB"),
              file=sys.stderr, flush=True)
    from importlib.metadata import version

    measured = [figures for figures in all_figures if "error" not in figures]
    best = max(measured, key=lambda figures: figures["imagesPerSecond"], default={})
    result = {
        "name": "spikingjelly",
        "version": version("spikingjelly"),
        "torch": version("torch"),
        "setting": best.get("setting"),
        "imagesPerSecond": best.get("imagesPerSecond"),
        "peakMegabytes": best.get("peakMegabytes"),
        **described(best),
        "timeSteps": args.T,
        "batch": args.batch,
        "threads": args.threads,
        "settings": all_figures,
    }
    text = json.dumps(result, indent=2) + "\n"
    if args.json:
        args.json.parent.mkdir(parents=True, exist_ok=True)
        args.json.write_text(text, encoding="utf-8")
    print(text, end="")
    return 0 if measured else 1
