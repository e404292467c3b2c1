#!/usr/bin/env bash
# What models reach on real data: held-out accuracies of apus train, and training losses beside
# PyTorch's on the same batches from the same parameters. Ends with 1 if a figure is missed.
# Usage: [RANKS=1] benchmarks/learn.sh DATA [mnist|a9a|gpt|resnet20 ...]
#   DATA has mnist/ (four IDX files), a9a/ (LIBSVM), tinyshakespeare/input.txt, cifar10-subset/
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,5s/^# //p' "$0" >&2; exit 64; }
data=$(cd "$1" && pwd); shift
cd "$(dirname "$0")/.."
studies=${*:-mnist a9a gpt resnet20}

./mpi-run.sh build
swift build -c release --product step-bench
bin=$(swift build -c release --show-bin-path)
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
missed=0

# reaches NAME BOUND ARGUMENTS: trains on RANKS ranks, three seeds, and compares held-out accuracy.
reaches() {
  local name=$1 bound=$2; shift 2
  for seed in 1 2 3; do
    mpirun -q --bind-to core -np "${RANKS:-1}" "$bin/apus" train "$@" --seed $seed --quiet \
      --run "$runs/$name-$seed"
    found=$(tail -n 1 "$runs/$name-$seed/log.jsonl" | grep -o '"held_out_accuracy":[0-9.]*' | cut -d: -f2)
    echo "$name, seed $seed: held-out accuracy $found, at least $bound"
    awk -v f="$found" -v b="$bound" 'BEGIN { exit !(f >= b) }' || missed=1
  done
}

beside() {
  OMP_NUM_THREADS=1 "$(benchmarks/torch.sh)" benchmarks/learn.py --bench "$bin/step-bench" "$@" ||
    missed=1
}

for study in $studies; do
  case "$study" in
    mnist)
      reaches mnist 0.990 --model lenet --data "idx:$data/mnist" --batch 64 --epochs 5 \
        --schedule cosine ;;
    a9a)
      cp "$data"/a9a/a9a* "$runs"  # an index is made beside the files
      reaches a9a 0.848 --model logistic --data "libsvm:$runs/a9a,$runs/a9a.t" --epochs 5 ;;
    gpt)
      beside --model gpt --data "text:$data/tinyshakespeare/input.txt" --set length=64 --steps 1000 \
        --absolute 0.02 ;;
    resnet20)
      beside --model resnet20 --data "cifar10:$data/cifar10-subset" --epochs 10 --relative 0.05 ;;
    *) echo "unknown study '$study'" >&2; exit 64 ;;
  esac
done
exit $missed
