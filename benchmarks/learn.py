"""Learning beside PyTorch: equal initial parameters, equal batches in equal order (the bench program
writes those that it trained on), Adam at rate 1e-3 on both sides. Called by learn.sh; ends with 1 if a
bound is exceeded."""
import argparse
import os
import sys
import tempfile

import torch

from peer import Apus, Peer


class Study:
    """One model on one data set, trained by both sides."""

    def __init__(self, apus, model, batch, data, settings, seed):
        self.apus, self.batch = apus, batch
        self.folder = tempfile.TemporaryDirectory()
        steps, = apus.ask(f"open {model} {batch} {data} {seed} {self.folder.name} {settings}")
        self.steps_per_epoch = int(steps)
        for kind in ("inputs", "targets"):
            open(f"{self.folder.name}/{kind}.raw", "wb").close()
        self.peer = Peer(model, self.folder.name)

    def train(self, count):
        """Mean losses of both over the next steps."""
        for kind in ("inputs", "targets"):
            os.truncate(f"{self.folder.name}/{kind}.raw", 0)
        ours = self.apus.ask(f"train {count} {self.folder.name}")
        self.peer.read(f"{self.folder.name}/")
        inputs, targets = self.peer.inputs, self.peer.targets
        theirs = []
        for first in range(0, len(inputs), self.batch):
            self.peer.inputs = inputs[first:first + self.batch]
            self.peer.targets = targets[first:first + self.batch]
            theirs.append(self.peer.step().item())
        return sum(ours) / count, sum(theirs) / count

    def held_out(self):
        """Losses and accuracies of both on the held-out half."""
        loss, accuracy = self.apus.ask("heldout")
        self.peer.read(f"{self.folder.name}/heldout_")
        inputs, targets = self.peer.inputs, self.peer.targets
        total, correct = 0.0, 0
        for first in range(0, len(inputs), 64):
            self.peer.inputs = inputs[first:first + 64]
            these = targets[first:first + 64]
            outputs = self.peer.outputs()
            total += self.peer.loss(outputs, these).item() * these.numel()
            best = outputs.reshape(-1, outputs.shape[-1]).argmax(1)
            correct += (best == these.flatten()).sum().item()
        count = targets.numel()
        return (loss, total / count), (accuracy, correct / count)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bench", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--set", default="", help="settings of the data: NAME=VALUE,...")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, help="compare mean training losses of whole epochs")
    parser.add_argument("--steps", type=int, help="train so far, in reports of a tenth each")
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
