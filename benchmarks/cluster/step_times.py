"""Milliseconds per step of an `apus train`, from its log: one line, in the form of ddp.py.

Usage: step_times.py LOG --batch SAMPLES-PER-STEP [--label NAME] [--skip STEPS]
"""
import argparse
import json
import statistics


def step_times(path, batch, skip=50):
    """Mean milliseconds per step of each report after the first `skip` steps."""
    with open(path) as log:
        lines = [json.loads(line) for line in log]
    return [
        1e3 * batch / line["samples_per_second"] for line in lines
        if line["event"] == "progress" and line["step"] > skip]


def summary(label, times):
    """What is printed of a job: the same for every contender."""
    return (f"{label:12}{statistics.median(times):10.2f} ms/step median{min(times):10.2f} min"
            f"   ({len(times)} reports)")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("log")
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--label", default="apus")
    parser.add_argument("--skip", type=int, default=50)
    options = parser.parse_args()
    times = step_times(options.log, options.batch, options.skip)
    if not times:
        raise SystemExit(f"{options.log}: no progress report after step {options.skip}")
    print(summary(options.label, times), flush=True)
