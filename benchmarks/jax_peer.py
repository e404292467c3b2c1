"""The second peer: a step of some models in JAX, jitted as one function with Adam, from the bench
program's files. Obeys lines on standard input like step-bench:

  prepare MODEL FOLDER   prints 1, or 0 where there is no such model here
  losses N               N steps; prints their losses
  time N                 N steps; prints their times in milliseconds
"""
import json
import os
import sys
import time

os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"

import jax
import numpy
from jax import lax, nn
from jax import numpy as jnp
from safetensors.numpy import load_file


def dense(p, name, x):
    y = x @ p[name + ".weight"].T
    return y + p[name + ".bias"] if name + ".bias" in p else y


def convolution(p, name, x, padding):
    """NHWC in and out; weights as in PyTorch."""
    y = lax.conv_general_dilated(
        x, p[name + ".weight"], (1, 1), [(padding, padding)] * 2,
        dimension_numbers=("NHWC", "OIHW", "NHWC"))
    return y + p[name + ".bias"]


def pooled(x):
    return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")


def flat(x):
    """Channels first, as PyTorch flattens."""
    return x.transpose(0, 3, 1, 2).reshape(x.shape[0], -1)


def mlp(p, x):
    x = x.reshape(x.shape[0], -1)
    return dense(p, "5", nn.relu(dense(p, "3", nn.relu(dense(p, "1", x)))))


def cnn(p, x):
    return dense(p, "4", flat(pooled(nn.relu(convolution(p, "0", x, 0)))))


def lenet(p, x):
    x = pooled(nn.relu(convolution(p, "0", x, 1)))
    x = pooled(nn.relu(convolution(p, "3", x, 1)))
    return dense(p, "9", nn.relu(dense(p, "7", flat(x))))


def normalised(p, name, x):
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) / jnp.sqrt(variance + 1e-5) * p[name + ".weight"] + p[name + ".bias"]


def attention(p, name, x, heads=4):
    batch, length, width = x.shape
    q, k, v = (
        part.reshape(batch, length, heads, width // heads).transpose(0, 2, 1, 3)
        for part in jnp.split(dense(p, name + ".c_attn", x), 3, -1))
    scores = q @ k.transpose(0, 1, 3, 2) / (width // heads) ** 0.5
    scores = jnp.where(jnp.tril(jnp.ones((length, length), bool)), scores, -jnp.inf)
    y = (nn.softmax(scores) @ v).transpose(0, 2, 1, 3).reshape(batch, length, width)
    return dense(p, name + ".c_proj", y)


def gpt(p, tokens):
    x = p["transformer.wte.weight"][tokens] + p["transformer.wpe.weight"]
    for block in range(4):
        name = f"transformer.h.{block}"
        x = x + attention(p, name + ".attn", normalised(p, name + ".ln_1", x))
        hidden = dense(p, name + ".mlp.c_fc", normalised(p, name + ".ln_2", x))
        x = x + dense(p, name + ".mlp.c_proj", nn.gelu(hidden, approximate=False))
    return dense(p, "lm_head", normalised(p, "transformer.ln_f", x))


def lstm(p, tokens):
    x = p["embedding.weight"][tokens].transpose(1, 0, 2)
    sums = x @ p["lstm.weight_ih_l0"].T + p["lstm.bias_ih_l0"] + p["lstm.bias_hh_l0"]
    start = jnp.zeros((tokens.shape[0], p["lstm.weight_hh_l0"].shape[1]))

    def cell(state, at):
        h, c = state
        i, f, g, o = jnp.split(at + h @ p["lstm.weight_hh_l0"].T, 4, -1)
        c = nn.sigmoid(f) * c + nn.sigmoid(i) * jnp.tanh(g)
        h = nn.sigmoid(o) * jnp.tanh(c)
        return (h, c), h

    return dense(p, "head", lax.scan(cell, (start, start), sums)[1].transpose(1, 0, 2))


MODELS = {"mlp": mlp, "cnn": cnn, "lenet": lenet, "gpt": gpt, "lstm": lstm}


class Step:
    """A model with a batch that stays the same."""

    def __init__(self, model, folder):
        with open(f"{folder}/space.json") as file:
            space = json.load(file)
        kind = "<i4" if space["element"] == "index" else "<f4"
        inputs = numpy.fromfile(f"{folder}/inputs.raw", dtype=kind)
        self.inputs = jnp.asarray(inputs.reshape(-1, *space["input"]))
        self.targets = jnp.asarray(numpy.fromfile(f"{folder}/targets.raw", dtype="<i4"))
        p = {k: jnp.asarray(v) for k, v in load_file(f"{folder}/parameters.safetensors").items()}
        first, second = ({k: jnp.zeros_like(v) for k, v in p.items()} for _ in range(2))
        self.state = (p, first, second, jnp.zeros(()))
        forward = MODELS[model]

        def loss(p, inputs, targets):
            logits = forward(p, inputs)
            logits = logits.reshape(-1, logits.shape[-1])
            chosen = jnp.take_along_axis(nn.log_softmax(logits), targets[:, None], 1)
            return -chosen.mean()

        def step(state, inputs, targets):
            p, m, v, t = state
            value, g = jax.value_and_grad(loss)(p, inputs, targets)
            t = t + 1
            m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
            v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
            p = jax.tree.map(
                lambda p, m, v: p - 1e-3 / (1 - 0.9 ** t) * m
                / (jnp.sqrt(v / (1 - 0.999 ** t)) + 1e-8), p, m, v)
            return (p, m, v, t), value

        self.step = jax.jit(step, donate_argnums=0)

    def run(self):
        self.state, value = self.step(self.state, self.inputs, self.targets)
        value.block_until_ready()
        return value


def main():
    bench = None
    for line in sys.stdin:
        words = line.split()
        if words[0] == "prepare":
            bench = Step(words[1], words[2]) if words[1] in MODELS else None
            answer = [1 if bench else 0]
        elif words[0] == "losses":
            answer = [float(bench.run()) for _ in range(int(words[1]))]
        else:
            answer = []
            for _ in range(int(words[1])):
                start = time.perf_counter()
                bench.run()
                answer.append((time.perf_counter() - start) * 1e3)
        print(*answer, flush=True)


if __name__ == "__main__":
    main()
