#!/usr/bin/env bash
# Makes the virtual environment of the peers, PyTorch and JAX, below .build, and prints its Python's
# path.
set -euo pipefail
venv=$(cd "$(dirname "$0")/.." && pwd)/.build/step-venv
if [ ! -x "$venv/bin/python" ] ||
  ! "$venv/bin/python" -c 'import torch, numpy, safetensors.torch, jax' 2>/dev/null; then
  echo "installing PyTorch 2.13.0 and JAX 0.10.2 into $venv" >&2
  python3 -m venv "$venv"
  "$venv/bin/pip" install -q numpy safetensors 'jax==0.10.2' 'jaxlib==0.10.2'
  "$venv/bin/pip" install -q 'torch==2.13.0+cpu' ||
    "$venv/bin/pip" install -q --index-url https://download.pytorch.org/whl/cpu 'torch==2.13.0+cpu'
fi
echo "$venv/bin/python"
