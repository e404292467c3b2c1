#!/usr/bin/env bash
# All-reduce on the ranks of one node: auto and every algorithm beside MPI_Allreduce (in the same
# program, in turn) and beside PyTorch's Gloo (between them, in turn).
# Usage: benchmarks/all-reduce.sh [RANKS [SIZES [ROUNDS]]]   (default: 2 ranks)
# Writes .build/all-reduce.csv and .build/all-reduce.svg.
set -euo pipefail
cd "$(dirname "$0")/.."
ranks=${1:-2} sizes=${2:-4,1024,16384,262144,1048576,4194304,25000000,100000000} rounds=${3:-3}

./mpi-run.sh build
apus=$(swift build -c release --show-bin-path)/apus
python=$(benchmarks/torch.sh)
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
bind=core
[ "$ranks" -le "$(nproc)" ] || bind=none
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for round in $(seq "$rounds"); do
  mpirun -q --bind-to $bind --oversubscribe -np "$ranks" "$apus" bench all-reduce --sizes "$sizes" \
    --csv "$scratch/apus-$round.csv" --svg .build/all-reduce.svg >"$scratch/table"
  mpirun -q --bind-to $bind --oversubscribe -np "$ranks" sh -c \
    "exec '$python' benchmarks/gloo.py \$OMPI_COMM_WORLD_RANK $ranks '$scratch/store-$round' $sizes 7" \
    >"$scratch/gloo-$round.csv"
done
cat "$scratch"/apus-*.csv >.build/all-reduce.csv

"$python" - "$scratch" <<'PYTHON'
import csv, glob, statistics, sys
times = {}  # (algorithm, bytes) -> [(min, median)]
bounds = {}
for path in glob.glob(f"{sys.argv[1]}/apus-*.csv"):
    for row in csv.DictReader(open(path)):
        size = int(row["bytes"])
        key = (row["algorithm"], size)
        times.setdefault(key, []).append(
            (float(row["microseconds_min"]), float(row["microseconds_median"])))
        bounds[size] = min(bounds.get(size, 1e30), float(row["bound_microseconds"]))
for path in glob.glob(f"{sys.argv[1]}/gloo-*.csv"):
    for line in open(path):
        name, size, least, median = line.strip().split(",")
        times.setdefault((name, int(size)), []).append((float(least), float(median)))
least = {key: min(a for a, _ in values) for key, values in times.items()}
median = {key: statistics.median(b for _, b in values) for key, values in times.items()}
print("microseconds, minimum / median; ratios of medians (of minima)")
print(f"{'bytes':>10}{'auto':>20}{'native':>20}{'gloo':>20}{'x native':>16}{'x gloo':>16}{'of bound':>10}")
for size in sorted({size for _, size in times}):
    def cell(name):
        return f"{least[name, size]:.1f} / {median[name, size]:.1f}"
    def ratio(name):
        return (f"{median[name, size] / median['auto', size]:.1f}"
                f" ({least[name, size] / least['auto', size]:.1f})")
    print(f"{size:>10}{cell('auto'):>20}{cell('native'):>20}{cell('gloo'):>20}"
          f"{ratio('native'):>16}{ratio('gloo'):>16}{bounds[size] / least['auto', size]:>10.0%}")
print("\nevery algorithm, median microseconds")
names = sorted({name for name, _ in times})
for name in names:
    print(f"{name:32}" + "".join(
        f"{median[name, size]:>12.1f}" if (name, size) in median else f"{'-':>12}"
        for size in sorted({size for _, size in times})))
PYTHON
