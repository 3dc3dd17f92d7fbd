"""Prints what TensorBoard reads in a folder of event files, as JSON."""

import json
import sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

# 0: keep every event.
events = EventAccumulator(sys.argv[1], {"scalars": 0, "tensors": 0, "histograms": 0})
events.Reload()
tags = events.Tags()
json.dump(
    {
        "scalars": {
            tag: [[one.step, one.value] for one in events.Scalars(tag)]
            for tag in tags["scalars"]
        },
        "histograms": {
            tag: [
                {
                    "step": one.step,
                    "minimum": one.histogram_value.min,
                    "maximum": one.histogram_value.max,
                    "count": one.histogram_value.num,
                    "sum": one.histogram_value.sum,
                    "squares": one.histogram_value.sum_squares,
                    "limits": list(one.histogram_value.bucket_limit),
                    "counts": list(one.histogram_value.bucket),
                }
                for one in events.Histograms(tag)
            ]
            for tag in tags["histograms"]
        },
    },
    sys.stdout,
)
