#!/usr/bin/env bash
# Outputs, loss and gradients of every model beside PyTorch's, from the same weights: a safetensors
# file that PyTorch loads with load_state_dict as it is.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TEXT'
Usage: benchmarks/compare.sh [--models LIST] [--batch N]

Compares outputs, loss and the gradients of all parameters with those of PyTorch in float64, on five
random batches. Ends with 1 if a bound is exceeded; the table's head tells the bounds.

  --models LIST    for example resnet20,gpt (default: all that there are)
  --batch N        samples (default 4). 64 go through models without batch normalisation in
                   micro-batches. With batch normalisation, more samples take much longer: then
                   more of ReLU's decisions hang on rounding, and have to be found.

PyTorch goes into a virtual environment below .build. Environment: KERNEL_ISA, CONVOLUTION (apus').
TEXT
}

fail() { printf '%s\n' "compare: $1" >&2; exit "${2:-1}"; }

models=linear,logistic,mlp,cnn,lenet,vgg11,resnet20,resnet18,gpt,lstm,gru
models=$models,matrix-factorization,gan
batch=4
while [ $# -gt 0 ]; do
  case "$1" in
    --models | --batch)
      [ $# -ge 2 ] || fail "$1 needs a value" 64
      declare "${1#--}=$2"; shift 2 ;;
    -h | --help) usage; exit 0 ;;
    *) fail "unknown option '$1'; see benchmarks/compare.sh --help" 64 ;;
  esac
done
[[ $models =~ ^[a-z0-9-]+(,[a-z0-9-]+)*$ ]] ||
  fail "--models $models: names and commas are needed" 64
[[ $batch =~ ^[1-9][0-9]{0,5}$ ]] || fail "--batch $batch: a number of at least 1 is needed" 64

./mpi-run.sh build
swift build -c release --product step-bench
bin=$(swift build -c release --show-bin-path)
python=$(benchmarks/torch.sh)
"$python" benchmarks/compare.py --bench "$bin/step-bench" --models "$models" --batch "$batch"
