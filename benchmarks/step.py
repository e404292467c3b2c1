"""Milliseconds per training step of the named models: apus, PyTorch and JAX, in turn within a run.

All start from the same parameters and the same batch, and before anything is timed their losses
must agree: the first, of equal parameters, but for rounding; the second, after one update, within
a wider bound. Rounds alternate, so that a change of the machine's speed meets all, and all take
equally many steps per turn, so that minima are comparable. PyTorch is taken in the better of its
two memory formats, with plain or fused Adam, whichever is faster. Called by step.sh.
"""
import argparse
import statistics
import subprocess
import sys
import tempfile

import torch

from peer import Apus, Peer

# Samples per step, and the ratio to PyTorch that this project wants to reach: wishes, no results.
MODELS = {
    "cnn": (64, 12), "mlp": (64, 2.8), "lenet": (64, 2.8), "resnet20": (64, 1.6),
    "resnet18": (32, 1.9), "vgg11": (32, 1.8), "gpt": (64, 2), "lstm": (64, 1.8),
}
# Relative bounds of the losses. Adam's first update is nearly the gradient's sign, so rounding
# shows in the second loss where many gradients are nearly zero, as below batch normalisation.
FIRST_BOUND, SECOND_BOUND, NORMALISED_BOUND = 1e-5, 1e-4, 1e-2
APUS, JAX = "apus", "JAX"


def check(name, who, ours, theirs, second_bound):
    for place, bound in (0, FIRST_BOUND), (1, second_bound):
        error = abs(ours[place] - theirs[place]) / abs(theirs[place])
        if not error <= bound:
            raise SystemExit(f"{name}: loss {place + 1} differs by {error:.1e} from {who}'s,"
                             f" more than {bound:.0e}")


def has(peer, *kinds):
    return any(isinstance(module, kinds) for module in peer.module.modules())


def forms_of(name, folder):
    """PyTorch's forms: the memory format matters to convolutions alone."""
    def made(layout):
        return {fused: Peer(name, folder, layout, fused) for fused in (False, True)}

    layouts = {"NCHW": made(torch.contiguous_format)}
    if has(layouts["NCHW"][False], torch.nn.Conv2d, torch.nn.ConvTranspose2d):
        layouts["channels_last"] = made(torch.channels_last)
    return {
        (label, fused): peer for label, peers in layouts.items() for fused, peer in peers.items()}


def measure(apus, jax, peak, name, batch, rounds, seconds):
    """Times of apus, of every form of PyTorch, and of JAX; and the share of the peak."""
    with tempfile.TemporaryDirectory() as folder:
        apus.ask(f"prepare {name} {batch} {folder}")
        forms = forms_of(name, folder)
        has_jax = jax is not None and jax.ask(f"prepare {name} {folder}") == [1]
    operations, = apus.ask("operations")
    ours = apus.ask("losses 2")
    normalised = has(next(iter(forms.values())), torch.nn.BatchNorm2d)
    second_bound = NORMALISED_BOUND if normalised else SECOND_BOUND
    sides = {APUS: lambda count: apus.ask(f"time {count}")}
    for form, peer in forms.items():
        check(name, f"PyTorch ({form[0]})", ours, peer.losses(2), second_bound)
        sides[form] = peer.times
    if has_jax:
        check(name, JAX, ours, jax.ask("losses 2"), second_bound)
        sides[JAX] = lambda count: jax.ask(f"time {count}")
    # As many steps per turn as suit the slowest, after two to warm up.
    slowest = max(statistics.median(times(3)[1:]) for times in sides.values())
    count = max(3, min(40, int(1e3 * seconds / slowest)))
    found = {side: [] for side in sides}
    peaks = []
    for _ in range(rounds):
        peaks.append(peak())
        for side, times in sides.items():
            found[side] += times(2 + count)[2:]
    median = statistics.median(found[APUS])
    return found, operations / (median * 1e6) / statistics.median(peaks)


def best_of(times):
    return min(times.items(), key=lambda item: statistics.median(item[1]))


def row(name, batch, aim, found, share):
    mine, others = found.pop(APUS), found.pop(JAX, None)
    form, theirs = best_of(found)
    plain = best_of({form: times for form, times in found.items() if not form[1]})[1]
    best, median = min(mine), statistics.median(mine)
    line = (f"{name:9}{batch:6}{best:9.3f}{median:9.3f}{min(theirs):9.2f}"
            f"{statistics.median(theirs):9.2f}{min(theirs) / best:7.2f}"
            f"{statistics.median(theirs) / median:7.2f}{aim or '-':>6}"
            f"{statistics.median(plain) / median:12.2f}")
    line += (f"{min(others):9.2f}{statistics.median(others):9.2f}"
             f"{statistics.median(others) / median:8.2f}" if others else f"{'-':>18}{'-':>8}")
    return f"{line}{100 * share:8.0f}%  {form[0]}{', fused Adam' if form[1] else ''}"


def head(isa):
    with open("/proc/self/maps") as maps:
        malloc = "tcmalloc" if "tcmalloc" in maps.read() else "the system's malloc"
    print(f"PyTorch {torch.__version__} in its best form, with {malloc}; one thread each;"
          " milliseconds per step, minimum and median; ratios of minima and of medians")
    print("aim: the ratio that this project wants to reach; plain Adam: the ratio of medians where"
          " PyTorch does not use its fused Adam; of peak: direct operations per median time, of the"
          " median multiply-add peak")
    if isa:
        print(f"apus and PyTorch held to {isa}; JAX left out: the library of its matrix products"
              " (YNNPACK) uses AVX-512 whatever --xla_cpu_max_isa says")
    print(f"{'model':9}{'batch':>6}{'apus':>18}{'PyTorch':>18}{'ratio':>14}{'aim':>6}"
          f"{'plain Adam':>12}{'JAX':>18}{'ratio':>8}{'of peak':>9}  form", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench", required=True)
    parser.add_argument("--kernel-bench", required=True)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--batch", type=int)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=1.0, help="per turn of the slowest")
    parser.add_argument("--isa", help="what step.sh holds apus and PyTorch to")
    options = parser.parse_args()
    apus = Apus([options.bench])
    jax = None if options.isa else Apus(
        [sys.executable, __file__.replace("step.py", "jax_peer.py")])

    def peak():
        """Multiply-adds of the instruction set in use, GFLOP/s."""
        return float(subprocess.check_output([options.kernel_bench, "--peak"]))

    head(options.isa)
    for name in options.models.split(","):
        batch, aim = MODELS.get(name, (64, None))
        batch = options.batch or batch
        found, share = measure(apus, jax, peak, name, batch, options.rounds, options.seconds)
        print(row(name, batch, aim, found, share), flush=True)


if __name__ == "__main__":
    main()
