"""Compares outputs, loss and gradients of every model with PyTorch's in float64, from the same
safetensors file, and shows beside them how far PyTorch's own float32 gradients are off. Called by
compare.sh; ends with 1 if a bound is exceeded.

All must hold for every batch, with one allowance. Where a ReLU's input, or the difference of the
two largest of a pooling window, is zero but for rounding, both decisions are right, and they make
gradients differ by percents (PyTorch's float32 from its float64 as well). So in a batch that is off
the float64 gradients are computed again with single decisions of that kind turned round, those that
bring them nearer to apus'; if they explain the whole difference, the batch is fine.
"""
import argparse
import math
import statistics
import sys
import tempfile
from dataclasses import dataclass

import torch
from safetensors.torch import load_file
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from peer import Apus, Peer

SEEDS = range(1, 6)
OUTPUT_BOUND, LOSS_BOUND, GRADIENT_BOUND = 1e-5, 1e-5, 1e-3
# Of the model's largest gradient: a tensor that is zero but for rounding (a bias before batch
# normalisation) is not compared with itself.
LEAST_SCALE = 1e-2
# What rounding may turn, relative to the standard deviation; and how many of these are tried.
ROUNDING, TRIALS = 1e-5, 100


class Decisions(TorchFunctionMode):
    """Rectifiers and 2x2 maxima as usual, except that the decisions in `turned` are turned round;
    `close` are those that rounding may turn: (gap, call, index)."""

    def __init__(self, turned=()):
        super().__init__()
        self.turned, self.close, self.calls = turned, [], 0

    def turns(self, gaps):
        """Which decisions of this call to turn."""
        result = torch.zeros(gaps.numel(), dtype=torch.bool)
        result[[index for call, index in self.turned if call == self.calls]] = True
        flat = gaps.detach().flatten()
        for index in (flat < ROUNDING).nonzero().flatten().tolist():
            self.close.append((flat[index].item(), self.calls, index))
        self.calls += 1
        return result.view(gaps.shape)

    def __torch_function__(self, function, types, arguments=(), keywords=None):
        keywords = keywords or {}
        if function in (functional.relu, functional.leaky_relu):
            x, slope = arguments[0], keywords.get("negative_slope", 0.0)
            return torch.where((x > 0) ^ self.turns(x.abs() / x.std()), x, slope * x)
        if function is functional.max_pool2d:
            x = arguments[0]
            windows = x.unfold(2, 2, 2).unfold(3, 2, 2).flatten(4)
            first, second = windows.topk(2).values.unbind(-1)
            # Equal zeros come from rectifiers, which let nothing through.
            gaps = ((first - second) / x.std()).masked_fill(first <= 0, math.inf)
            return torch.where(self.turns(gaps), second, first)
        return function(*arguments, **keywords)


@dataclass
class Errors:
    """Of one batch, relative to PyTorch in float64."""
    outputs: float
    loss: float
    gradients: dict[str, float]
    own: float  # of PyTorch's float32 gradients
    explained: float  # of the gradients, with decisions turned
    turned: int

    def worst(self):
        return max(self.gradients.values())


def in_double(peer):
    peer.module.double()
    for name in ("inputs", "targets", "noise"):
        tensor = getattr(peer, name, None)
        if tensor is not None and tensor.is_floating_point():
            setattr(peer, name, tensor.double())
    return peer


def largest(tensor):
    value = tensor.abs().max().item()
    return math.inf if math.isnan(value) else value  # no comparison may overlook it


def gradient_errors(found, truth):
    """Largest difference of each tensor, relative to its largest value."""
    least = LEAST_SCALE * max(largest(gradient) for gradient in truth.values())
    return {
        name: largest(found[name] - gradient) / max(largest(gradient), least)
        for name, gradient in truth.items()}


def distance(some, others):
    return sum((some[name] - gradient).square().sum().item() for name, gradient in others.items())


def explain(found, name, folder):
    """Largest gradient error with decisions turned one by one, and how many were."""
    def gradients(turned):
        with Decisions(turned) as decisions:
            return in_double(Peer(name, folder)).gradients()[1], decisions.close

    turned = []
    truth, close = gradients(turned)
    for _, call, index in sorted(close)[:TRIALS]:
        if max(gradient_errors(found, truth).values()) <= GRADIENT_BOUND:
            break
        trial, _ = gradients(turned + [(call, index)])
        # If apus took this decision, then what the turn changes is a part of the difference, and
        # goes away; if not, it is added.
        gone = distance(found, truth) - distance(found, trial)
        if gone > distance(truth, trial) / 2:
            turned.append((call, index))
            truth = trial
    return max(gradient_errors(found, truth).values()), len(turned)


def errors(apus, name, batch, seed):
    with tempfile.TemporaryDirectory() as folder:
        apus.ask(f"prepare {name} {batch} {folder} {seed}")
        loss, = apus.ask(f"gradients {folder}")
        peer = in_double(Peer(name, folder))
        outputs = peer.outputs().flatten()
        ours = torch.from_file(f"{folder}/outputs.raw", size=outputs.numel(), dtype=torch.float32)
        output_error = largest(ours - outputs) / largest(outputs)
        value, truth = peer.gradients()
        found = load_file(f"{folder}/gradients.safetensors")
        missing = set(truth) - set(found)
        if missing:
            sys.exit(f"{name}: no gradients of {sorted(missing)}")
        _, own = Peer(name, folder).gradients()
        ours = gradient_errors(found, truth)
        explained, turned = max(ours.values()), 0
        if explained > GRADIENT_BOUND:
            explained, turned = explain(found, name, folder)
    return Errors(
        output_error, largest(torch.tensor(loss - value)) / abs(value), ours,
        max(gradient_errors(own, truth).values()), explained, turned)


def compare(apus, name, batch):
    """Prints a model's line; whether all bounds hold."""
    found = [errors(apus, name, batch, seed) for seed in SEEDS]
    worst = max(found, key=Errors.worst)
    outputs, loss = max(e.outputs for e in found), max(e.loss for e in found)
    explained, own = max(e.explained for e in found), [e.own for e in found]
    exceeded = [what for what, error, bound in (
        ("outputs", outputs, OUTPUT_BOUND), ("loss", loss, LOSS_BOUND),
        ("gradients", explained, GRADIENT_BOUND)) if not error <= bound]
    note = f"TOO LARGE: {', '.join(exceeded)}; " if exceeded else ""
    print(f"{name:20}{len(worst.gradients):8}{outputs:9.1e}{loss:9.1e}"
          f"{statistics.median(e.worst() for e in found):10.1e}{worst.worst():9.1e}"
          f"{sum(e.turned for e in found):8}{explained:9.1e}"
          f"{statistics.median(own):10.1e}{max(own):9.1e}"
          f"  {note}{max(worst.gradients, key=worst.gradients.get)}", flush=True)
    return not exceeded


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--batch", type=int, default=4)
    options = parser.parse_args()
    apus = Apus([options.bench])
    print(
        f"Differences from PyTorch {torch.__version__} in float64, {len(SEEDS)} batches of"
        f" {options.batch}: the largest, relative to\nthe tensor's largest value (of a gradient:"
        f" to at least {LEAST_SCALE:.0%} of the model's largest). Bounds,\nin every batch: outputs"
        f" {OUTPUT_BOUND:.0e}, loss {LOSS_BOUND:.0e}, gradients {GRADIENT_BOUND:.0e}, these after"
        " turning ReLU's and\npooling's decisions that hang on rounding.")
    print(f"{'':28}{'worst batch':>18}{'gradients':>19}{'decisions':>17}{'PyTorch float32':>19}")
    print(f"{'model':20}{'tensors':>8}{'outputs':>9}{'loss':>9}{'median':>10}{'worst':>9}"
          f"{'turned':>8}{'worst':>9}{'median':>10}{'worst':>9}  worst tensor", flush=True)
    fine = [compare(apus, name, options.batch) for name in options.models.split(",")]
    sys.exit(0 if all(fine) else 1)


if __name__ == "__main__":
    main()
