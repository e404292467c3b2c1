"""Learning beside PyTorch: equal initial parameters, the same batches in the same order (the bench
program writes those that it trained on, and their sizes: an epoch's last one may be smaller), Adam
at rate 1e-3 on both sides. Called by learn.sh; ends with 1 if a bound is exceeded."""
import argparse
import os
import sys
import tempfile

import numpy
import torch

from peer import Apus, Peer


class Study:
    """One model on one data set, trained by both sides."""

    def __init__(self, apus, model, batch, data, settings, seed):
        self.apus, self.temporary = apus, tempfile.TemporaryDirectory()
        self.folder = self.temporary.name
        steps, = apus.ask(f"open {model} {batch} {data} {seed} {self.folder} {settings}")
        self.steps_per_epoch = int(steps)
        self.forget()
        self.peer = Peer(model, self.folder)

    def forget(self):
        """Empties the files that training batches are appended to."""
        for kind in ("inputs", "targets", "sizes"):
            open(f"{self.folder}/{kind}.raw", "wb").close()

    def batches(self, prefix=""):
        """Gives the peer the batches of the files, one after another, as apus had them."""
        self.peer.read(f"{self.folder}/{prefix}")
        sizes = numpy.fromfile(f"{self.folder}/{prefix}sizes.raw", dtype="<i4").tolist()
        for batch in zip(self.peer.inputs.split(sizes), self.peer.targets.split(sizes)):
            self.peer.inputs, self.peer.targets = batch
            yield

    def train(self, count):
        """Mean losses of both over the next steps."""
        self.forget()
        ours = self.apus.ask(f"train {count} {self.folder}")
        theirs = [self.peer.step().item() for _ in self.batches()]
        return sum(ours) / count, sum(theirs) / count

    def held_out(self):
        """Losses and accuracies of both on the held-out half."""
        loss, accuracy = self.apus.ask("heldout")
        total, correct, count = 0.0, 0, 0
        for _ in self.batches("heldout_"):
            outputs, targets = self.peer.outputs(), self.peer.targets
            total += self.peer.loss(outputs, targets).item() * targets.numel()
            best = outputs.reshape(-1, outputs.shape[-1]).argmax(1)
            correct += (best == targets.flatten()).sum().item()
            count += targets.numel()
        return (loss, total / count), (accuracy, correct / count)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--set", default="", help="settings of the data: NAME=VALUE,...")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--epochs", type=int, help="compare mean training losses of whole epochs")
    length.add_argument("--steps", type=int, help="train so far, in reports of a tenth each")
    parser.add_argument("--relative", type=float, help="bound of each report's training losses")
    parser.add_argument("--absolute", type=float, help="bound of the last losses")
    options = parser.parse_args()
    apus = Apus([options.bench])
    study = Study(
        apus, options.model, options.batch, options.data, options.set.replace(",", " "),
        options.seed)
    piece = study.steps_per_epoch if options.epochs else options.steps // 10
    print(f"{options.model} on {options.data}, batch {options.batch}, seed {options.seed};"
          f" PyTorch {torch.__version__}: training loss, mean of {piece} steps")
    print(f"{'step':>8}{'apus':>10}{'PyTorch':>10}{'apart':>9}")
    worst = 0.0
    for number in range(options.epochs or 10):
        ours, theirs = study.train(piece)
        apart = ours / theirs - 1
        worst = max(worst, abs(apart))
        print(f"{(number + 1) * piece:8}{ours:10.4f}{theirs:10.4f}{100 * apart:8.2f}%", flush=True)
    losses, accuracies = study.held_out()
    print(f"held-out loss: apus {losses[0]:.4f}, PyTorch {losses[1]:.4f};"
          f" accuracy: {accuracies[0]:.4f}, {accuracies[1]:.4f}")
    fine = True
    if options.relative is not None:
        fine = worst <= options.relative
        print(f"largest difference {100 * worst:.2f} %, at most {100 * options.relative:g} %")
    if options.absolute is not None:
        above = max(ours - theirs, losses[0] - losses[1])
        fine = fine and above <= options.absolute
        print(f"above PyTorch's by at most {above:.4f}; bound {options.absolute}")
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
