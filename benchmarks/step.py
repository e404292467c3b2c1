"""Milliseconds per training step of the named models: apus, PyTorch and JAX, in turn within one run.

All start from the same parameters and the same batch; their losses over the first steps must agree
before anything is timed. Rounds alternate, so that a change of the machine's speed meets all.
PyTorch is taken in the better of its two memory formats, with plain or fused Adam, whichever is
faster. Called by step.sh.
"""
import argparse
import statistics
import subprocess
import sys
import tempfile

import torch

from peer import Apus, Peer

# Samples per step that the literature's figures are for, and the ratio to PyTorch that is aimed at.
MODELS = {
    "cnn": (64, 12), "mlp": (64, 2.8), "lenet": (64, 2.8), "resnet20": (64, 1.6),
    "resnet18": (32, 1.9), "vgg11": (32, 1.8), "gpt": (64, 2), "lstm": (64, 1.8),
}


def check(name, who, ours, theirs):
    # Rounding grows from step to step, above all behind batch normalisation.
    worst = max(abs(a - b) / abs(b) for a, b in zip(ours[:2], theirs))
    if not worst <= 1e-2:
        raise SystemExit(f"{name}: losses differ by {worst:.1e} from {who}'s")


def measure(apus, jax, name, batch, rounds, seconds):
    """Times of apus, of every form of PyTorch, and of JAX; and operations per step."""
    with tempfile.TemporaryDirectory() as folder:
        apus.ask(f"prepare {name} {batch} {folder}")
        isImage = name not in ("mlp", "linear", "gpt", "lstm", "gru")
        layouts = [("NCHW", torch.contiguous_format)]
        if isImage:
            layouts.append(("channels_last", torch.channels_last))
        forms = {
            (label, fused): Peer(name, folder, layout, fused)
            for label, layout in layouts for fused in [False, True]
        }
        hasJAX = jax is not None and jax.ask(f"prepare {name} {folder}") == [1]
    operations, = apus.ask("operations")
    ours = apus.ask("losses 4")
    for label, form in forms.items():
        check(name, f"PyTorch ({label[0]})", ours, form.losses(4))
    if hasJAX:
        check(name, "JAX", ours, jax.ask("losses 4"))
    # As many steps per turn as fit into the time, after two to warm up.
    once = max(apus.ask("time 3")[1:])
    steps = 2 + max(3, min(40, int(1e3 * seconds / once)))
    times = {label: [] for label in forms}
    mine, others = [], []
    for _ in range(rounds):
        mine += apus.ask(f"time {steps}")[2:]
        for label, form in forms.items():
            times[label] += form.times(max(4, steps // 3))[2:]
        if hasJAX:
            others += jax.ask(f"time {max(4, steps // 3)}")[2:]
    return mine, times, others, operations


def best_of(times):
    return min(times.items(), key=lambda item: statistics.median(item[1]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench", required=True)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--batch", type=int)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="per model and turn")
    parser.add_argument("--peak", type=float, default=0, help="GFLOP/s of multiply-adds, for shares")
    parser.add_argument("--no-jax", action="store_true")
    options = parser.parse_args()
    apus = Apus([options.bench])
    jax = None if options.no_jax else Apus([sys.executable, __file__.replace("step.py", "jax_peer.py")])
    print(f"PyTorch {torch.__version__} in its best form; one thread each; milliseconds per step,"
          " minimum and median; ratios of minima and of medians; plain Adam: the ratio of medians"
          " where PyTorch does not use its fused Adam")
    print(f"{'model':9}{'batch':>6}{'apus':>18}{'PyTorch':>18}{'ratio':>14}{'aim':>6}"
          f"{'plain Adam':>12}{'JAX':>18}{'ratio':>8}{'of peak':>9}  form")
    for name in options.models.split(","):
        batch, aim = MODELS.get(name, (64, 1))
        batch = options.batch or batch
        mine, times, others, operations = measure(
            apus, jax, name, batch, options.rounds, options.seconds)
        form, theirs = best_of(times)
        plain = best_of({form: time for form, time in times.items() if not form[1]})[1]
        best, median = min(mine), statistics.median(mine)
        line = (f"{name:9}{batch:6}{best:9.3f}{median:9.3f}{min(theirs):9.2f}"
                f"{statistics.median(theirs):9.2f}{min(theirs) / best:7.2f}"
                f"{statistics.median(theirs) / median:7.2f}{aim:6}"
                f"{statistics.median(plain) / median:12.2f}")
        line += (f"{min(others):9.2f}{statistics.median(others):9.2f}"
                 f"{statistics.median(others) / median:8.2f}" if others else f"{'-':>18}{'-':>8}")
        share = operations / (best * 1e6) / options.peak if options.peak else 0
        line += f"{100 * share:8.0f}%" if share else f"{'-':>9}"
        print(f"{line}  {form[0]}{', fused Adam' if form[1] else ''}", flush=True)


if __name__ == "__main__":
    main()
