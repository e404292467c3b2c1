"""The peer of a training job on a cluster: PyTorch DistributedDataParallel over Gloo.

One process per rank, told its place by RANK, WORLD_SIZE, MASTER_ADDR, MASTER_PORT; started by
`cluster.sh --each PYTHON benchmarks/cluster/ddp.py` or by the study (`cluster.sh --ddp`). Same
model, batch and optimizer as the job of Apus; one thread per rank; DDP's gradients are views of its
buckets, which saves it a copy. Rank 0 prints milliseconds per step over reports of ten steps.
"""
import argparse
import os
import sys
import time

os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # nodes have no name service to ask

import torch  # noqa: E402
import torch.distributed  # noqa: E402
from torch import nn  # noqa: E402

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)) + "/.."]
from step import MODELS  # noqa: E402: the shapes of modelCatalog
from step_times import summary  # noqa: E402


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="mlp", choices=MODELS)
    parser.add_argument("--batch", type=int, default=64, help="samples per rank")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--skip", type=int, default=50, help="steps before the first report")
    parser.add_argument("--bucket-mb", type=float, default=25.0, help="DDP's default is 25")
    parser.add_argument("--fused", action="store_true", help="fused Adam")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.distributed.init_process_group("gloo")
    rank = torch.distributed.get_rank()
    torch.manual_seed(1)  # the same parameters everywhere; then data of one's own
    model = nn.parallel.DistributedDataParallel(
        MODELS[options.model](), bucket_cap_mb=options.bucket_mb, gradient_as_bucket_view=True)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=options.fused)
    loss = nn.CrossEntropyLoss()
    torch.manual_seed(2 + rank)
    inputs = torch.randn(options.batch, 1, 28, 28)
    targets = torch.randint(10, (options.batch,))
    times = []
    start = time.perf_counter()
    for step in range(1, options.steps + 1):
        optimizer.zero_grad(set_to_none=False)  # True would break up the buckets' views
        loss(model(inputs), targets).backward()
        optimizer.step()
        if step % 10 == 0:
            now = time.perf_counter()
            if step > options.skip:
                times.append((now - start) * 100)
            start = now
    if rank == 0:
        label = "DDP + Gloo" + (" fused" if options.fused else "")
        print(summary(label, times), flush=True)
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
