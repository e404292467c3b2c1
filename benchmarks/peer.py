"""The two sides of a comparison: apus' bench program, and a model in PyTorch that starts from the
program's files."""
import json
import subprocess
import time

import numpy
import torch
from safetensors.torch import load_file

from torch_models import build, loss_function

torch.set_num_threads(1)
torch.set_flush_denormal(True)


class Apus:
    """A program that obeys one line at a time: the bench program, or another peer."""

    def __init__(self, command):
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit(f"{self.process.args[-1]} ended while it was asked: {line}")
        return [float(word) for word in answer.split()]


class Peer:
    """A model in PyTorch, from the bench program's parameters and batch."""

    def __init__(self, model, folder, memory_format=torch.contiguous_format, fused=False):
        with open(f"{folder}/space.json") as file:
            space = json.load(file)
        self.module = build(model, space)
        # Strict: every name and shape must be PyTorch's.
        self.module.load_state_dict(load_file(f"{folder}/parameters.safetensors"))
        self.space, self.memory_format = space, memory_format
        if len(space["input"]) == 3:
            self.module = self.module.to(memory_format=memory_format)
        self.read(f"{folder}/")
        self.loss = loss_function(space)
        if model == "gan":
            noise = torch.from_numpy(numpy.fromfile(f"{folder}/noise.raw", dtype="<f4"))
            self.noise = noise.reshape(-1, self.module.noise, 1, 1)
        self.optimizer = torch.optim.Adam(self.module.parameters(), 1e-3, fused=fused)

    def read(self, prefix):
        """Takes inputs and targets from files."""
        shape = self.space["input"]
        isIndex = self.space["element"] == "index"
        inputs = torch.from_numpy(
            numpy.fromfile(f"{prefix}inputs.raw", dtype="<i4" if isIndex else "<f4"))
        self.inputs = inputs.reshape(-1, *shape)
        if isIndex:
            self.inputs = self.inputs.long()
        if len(shape) == 3:
            self.inputs = self.inputs.permute(0, 3, 1, 2).contiguous().to(
                memory_format=self.memory_format)
        isNumber = self.space["targets"] == "numbers"
        targets = numpy.fromfile(f"{prefix}targets.raw", dtype="<f4" if isNumber else "<i4")
        targets = torch.from_numpy(targets if isNumber else targets.astype("int64"))
        self.targets = targets.reshape(len(self.inputs), -1) if len(targets) else targets

    def outputs(self):
        self.module.eval()
        with torch.no_grad():
            result = self.module(self.inputs)
        self.module.train()
        return result

    def value(self):
        """The loss as in training."""
        if hasattr(self.module, "aims"):
            return sum(self.module.aims(self.inputs, self.noise))
        return self.loss(self.module(self.inputs), self.targets)

    def gradients(self):
        """Loss and gradients as in training, by name."""
        loss = self.value()
        loss.backward()
        return loss.item(), {name: p.grad for name, p in self.module.named_parameters()}

    def step(self):
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.value()
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
