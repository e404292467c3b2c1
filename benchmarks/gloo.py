"""Microseconds per all-reduce of PyTorch's Gloo: one line per length, minimum and median over rounds.

Usage: gloo.py RANK RANKS STORE-FILE BYTES,BYTES,... ROUNDS
Times are those of the slowest rank; sums are checked before they are timed.
"""
import sys
import time

import torch
import torch.distributed as dist

rank, ranks, store, sizes, rounds = int(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:6]
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method=f"file://{store}", rank=rank, world_size=ranks)


def timed(vector, repetitions):
    """Seconds per all-reduce on the slowest rank."""
    dist.barrier()
    start = time.perf_counter()
    for _ in range(repetitions):
        dist.all_reduce(vector)
    seconds = torch.tensor([(time.perf_counter() - start) / repetitions], dtype=torch.float64)
    dist.all_reduce(seconds, op=dist.ReduceOp.MAX)
    return float(seconds)


for size in map(int, sizes.split(",")):
    vector = torch.full((size // 4,), float(rank + 1))
    dist.all_reduce(vector)
    if not bool((vector == ranks * (ranks + 1) / 2).all()):
        raise SystemExit("Gloo sums wrongly")
    vector.zero_()
    estimate = min(timed(vector, 1), timed(vector, 2))
    repetitions = max(1, min(1000, int(0.02 / estimate)))
    times = sorted(timed(vector, repetitions) for _ in range(int(rounds)))
    if rank == 0:
        print(f"gloo,{size},{1e6 * times[0]:.3f},{1e6 * times[len(times) // 2]:.3f}", flush=True)
dist.destroy_process_group()
