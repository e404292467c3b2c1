"""Milliseconds per training step of the named models: apus and PyTorch, in turn within one run.

Both start from the same parameters and the same batch; their losses over the first steps must agree
before anything is timed. Rounds alternate between the two, so that a change of the machine's speed
meets both. PyTorch is taken in the better of its two memory formats, with plain and with fused Adam.
Called by step.sh.
"""
import argparse
import statistics
import tempfile

import torch

from peer import Apus, Peer

# Samples per step where the literature's models are usually compared.
BATCHES = {"resnet18": 32, "vgg11": 32}


def compare(apus, model, batch, rounds, steps):
    with tempfile.TemporaryDirectory() as folder:
        apus.ask(f"prepare {model} {batch} {folder}")
        forms = {
            (name, fused): Peer(model, folder, layout, fused)
            for name, layout in [
                ("NCHW", torch.contiguous_format), ("channels_last", torch.channels_last)]
            for fused in [False, True]
        }
    ours = apus.ask("losses 10")
    for name, form in forms.items():
        theirs = form.losses(10)
        # Rounding grows from step to step, above all behind batch normalisation.
        worst = max(abs(a - b) / abs(b) for a, b in zip(ours[:4], theirs))
        if worst > 5e-3:
            raise SystemExit(f"{model}: losses differ by {worst:.1e} from PyTorch's {name}")
    times = {name: [] for name in forms}
    mine = []
    for _ in range(rounds):
        mine += apus.ask(f"time {steps}")[2:]
        for name, form in forms.items():
            times[name] += form.times(steps)[2:]
    return mine, times


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench", required=True)
    parser.add_argument("--models", default="cnn,mlp,lenet,linear")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=22)
    options = parser.parse_args()
    apus = Apus(options.bench)
    print(f"PyTorch {torch.__version__}, one thread each, batch {options.batch}; milliseconds per"
          " step, minimum and median; PyTorch in its better memory format")
    print(f"{'':8}{'apus':>16}{'PyTorch Adam':>18}{'ratio':>14}{'PyTorch fused Adam':>22}"
          f"{'ratio':>12}")
    for model in options.models.split(","):
        mine, times = compare(apus, model, options.batch, options.rounds, options.steps)
        line = f"{model:8}{min(mine):8.3f}{statistics.median(mine):8.3f}"
        for fused in (False, True):
            theirs = min((times[form] for form in times if form[1] == fused),
                         key=statistics.median)
            line += (f"{min(theirs):10.2f}{statistics.median(theirs):8.2f}"
                     f"{min(theirs) / min(mine):8.2f}"
                     f"{statistics.median(theirs) / statistics.median(mine):8.2f}")
        print(line, flush=True)


if __name__ == "__main__":
    main()
