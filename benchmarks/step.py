"""Milliseconds per training step of the named models: apus and PyTorch, in turn within one run.

Both start from the same parameters and the same batch; their losses over the first steps must agree
before anything is timed. Rounds alternate between the two, so that a change of the machine's speed
meets both. PyTorch is taken in the better of its two memory formats, with plain and with fused Adam.
Called by step.sh.
"""
import argparse
import statistics
import subprocess
import tempfile
import time

import numpy
import torch
from torch import nn

torch.set_num_threads(1)
torch.set_flush_denormal(True)

MODELS = {
    "linear": lambda: nn.Sequential(nn.Flatten(), nn.Linear(784, 10)),
    "mlp": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(),
        nn.Linear(256, 10)),
    "cnn": lambda: nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(32 * 13 * 13, 10)),
    "lenet": lambda: nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10)),
}


class Apus:
    """The bench program, obeying one line at a time."""

    def __init__(self, path):
        self.process = subprocess.Popen(
            [path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"step-bench ended while it was asked: {line}")
        return [float(word) for word in answer.split()]


class Torch:
    """One form of the peer, from the bench program's parameters and batch."""

    def __init__(self, model, folder, memory_format, fused):
        self.module = MODELS[model]()
        flat = numpy.fromfile(f"{folder}/parameters.f32", dtype="<f4")
        place = 0
        with torch.no_grad():
            for parameter in self.module.parameters():
                count = parameter.numel()
                parameter.copy_(
                    torch.from_numpy(flat[place:place + count]).reshape(parameter.shape))
                place += count
        assert place == len(flat), "another number of parameters"
        self.module = self.module.to(memory_format=memory_format)
        # The bench's images have one channel, so NHWC and NCHW are the same bytes.
        inputs = torch.from_numpy(numpy.fromfile(f"{folder}/inputs.f32", dtype="<f4"))
        self.inputs = inputs.reshape(-1, 1, 28, 28).to(memory_format=memory_format)
        self.targets = torch.from_numpy(
            numpy.fromfile(f"{folder}/targets.i32", dtype="<i4").astype("int64"))
        self.loss = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(self.module.parameters(), 1e-3, fused=fused)

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(self.module(self.inputs), self.targets)
        loss.backward()
        self.optimizer.step()
        return loss

    def losses(self, count):
        return [self.step().item() for _ in range(count)]

    def times(self, count):
        result = []
        for _ in range(count):
            start = time.perf_counter()
            self.step()
            result.append((time.perf_counter() - start) * 1e3)
        return result


def compare(apus, model, batch, rounds, steps):
    with tempfile.TemporaryDirectory() as folder:
        apus.ask(f"prepare {model} {batch} {folder}")
        forms = {
            (name, fused): Torch(model, folder, layout, fused)
            for name, layout in [
                ("NCHW", torch.contiguous_format), ("channels_last", torch.channels_last)]
            for fused in [False, True]
        }
    ours = apus.ask("losses 10")
    for name, form in forms.items():
        theirs = form.losses(10)
        worst = max(abs(a - b) / abs(b) for a, b in zip(ours, theirs))
        if worst > 1e-3:
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
