#!/usr/bin/env bash
# What models reach on real data.
set -euo pipefail

usage() {
  cat <<'TEXT'
Usage: [RANKS=1] benchmarks/learn.sh DATA [STUDY ...]

What models reach on real data: held-out accuracies of apus train, three seeds, and training losses
beside PyTorch's on the same batches from the same parameters. Ends with 1 if a figure is missed.
Studies (default: all), and what they need in the folder DATA:

  mnist       mnist/, four IDX files                lenet, held-out accuracy
  a9a         a9a/a9a and a9a/a9a.t (LIBSVM)        logistic, held-out accuracy
  gpt         tinyshakespeare/input.txt             gpt beside PyTorch
  resnet20    cifar10-subset/                       resnet20 beside PyTorch

RANKS: of apus train. MPIRUN and MPI_PKGCONFIG as in ./mpi-run.sh. PyTorch goes into a virtual
environment below .build.
TEXT
}

fail() { printf '%s\n' "learn: $1" >&2; exit "${2:-1}"; }

case "${1:-}" in
  -h | --help) usage; exit 0 ;;
  '') fail "a folder of data is needed; see benchmarks/learn.sh --help" 64 ;;
  -*) fail "unknown option '$1'; see benchmarks/learn.sh --help" 64 ;;
esac
[ -d "$1" ] || fail "$1: no such folder" 65
data=$(cd "$1" && pwd); shift
[[ $data != *[[:space:]]* ]] || fail "$data: step-bench takes no path with white space" 65
[ $# -gt 0 ] || set -- mnist a9a gpt resnet20
ranks=${RANKS:-1}
[[ $ranks =~ ^[1-9][0-9]{0,3}$ ]] || fail "RANKS=$ranks: a number of at least 1 is needed" 64

# needs PATHS: that they exist in the folder of data, perhaps compressed (.gz).
needs() {
  local path
  for path; do compgen -G "$data/$path*" >/dev/null || fail "$data/$path: not there" 65; done
}
for study; do
  case "$study" in
    mnist | a9a | gpt | resnet20) ;;
    *) fail "unknown study '$study'; known: mnist, a9a, gpt, resnet20" 64 ;;
  esac
done
for study; do
  case "$study" in
    mnist) needs mnist/t{rain,10k}-{images-idx3,labels-idx1}-ubyte ;;
    a9a) needs a9a/a9a a9a/a9a.t ;;
    gpt) needs tinyshakespeare/input.txt ;;
    resnet20) needs cifar10-subset ;;
  esac
done

cd "$(dirname "$0")/.."
./mpi-run.sh build
swift build -c release --product step-bench
bin=$(swift build -c release --show-bin-path)
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
missed=0

# reaches NAME BOUND ARGUMENTS: trains three times and compares held-out accuracy.
reaches() {
  local name=$1 bound=$2 seed found; shift 2
  for seed in 1 2 3; do
    ./mpi-run.sh --no-install -n "$ranks" train "$@" --seed $seed --quiet \
      --run "$runs/$name-$seed" >"$runs/output" 2>&1 </dev/null ||
      { cat "$runs/output" >&2; fail "$name, seed $seed: training failed"; }
    found=$(sed -n '$s/.*"held_out_accuracy":\([0-9.eE+-]*\).*/\1/p' "$runs/$name-$seed/log.jsonl")
    [ -n "$found" ] || fail "$name, seed $seed: the log's last line has no held-out accuracy"
    echo "$name, seed $seed: held-out accuracy $found, at least $bound"
    awk -v f="$found" -v b="$bound" 'BEGIN { exit !(f + 0 >= b + 0) }' || missed=1
  done
}

beside() {
  local python; python=$(benchmarks/torch.sh)
  OMP_NUM_THREADS=1 "$python" benchmarks/learn.py --bench "$bin/step-bench" "$@" || missed=1
}

for study; do
  case "$study" in
    mnist)
      reaches mnist 0.990 --model lenet --data "idx:$data/mnist" --batch 64 --epochs 5 \
        --schedule cosine ;;
    a9a)
      cp "$data"/a9a/a9a* "$runs"  # an index is made beside the files
      reaches a9a 0.848 --model logistic --data "libsvm:$runs/a9a,$runs/a9a.t" --epochs 5 ;;
    gpt)
      beside --model gpt --data "text:$data/tinyshakespeare/input.txt" --set length=64 \
        --steps 1000 --absolute 0.02 ;;
    resnet20)
      beside --model resnet20 --data "cifar10:$data/cifar10-subset" --epochs 10 --relative 0.05 ;;
  esac
done
exit $missed
