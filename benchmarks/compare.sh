#!/usr/bin/env bash
# Outputs, loss and gradients of every model beside PyTorch's, from the same weights: a safetensors file
# that PyTorch loads with load_state_dict as it is.
# Usage: benchmarks/compare.sh [--models resnet20,gpt] [--batch 8]     (KERNEL_ISA, CONVOLUTION apply)
set -euo pipefail
cd "$(dirname "$0")/.."

./mpi-run.sh build
swift build -c release --product step-bench
bin=$(swift build -c release --show-bin-path)
models=linear,logistic,mlp,cnn,lenet,vgg11,resnet20,resnet18,gpt,lstm,gru
models=$models,matrix-factorization,gan
"$(benchmarks/torch.sh)" benchmarks/compare.py --bench "$bin/step-bench" --models "$models" "$@"
