#!/usr/bin/env bash
# Milliseconds per training step, apus beside PyTorch and JAX, and samples per second on 1 and 2 ranks.
# Usage: benchmarks/step.sh [--isa avx2] [--models cnn,mlp] [--batch 64] [--rounds 7] [--seconds 1]
#   --isa avx2   holds apus and PyTorch to AVX2
# Installs its peers into a virtual environment of its own, below .build.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" = --isa ]; then
  export KERNEL_ISA=$2
  if [ "$2" = avx2 ]; then
    export ONEDNN_MAX_CPU_ISA=AVX2 MKL_ENABLE_INSTRUCTIONS=AVX2 ATEN_CPU_CAPABILITY=avx2
    set -- --no-jax "${@:3}"
  else
    shift 2
  fi
fi

./mpi-run.sh build
swift build -c release --product step-bench
swift build -c release --product kernel-bench
bin=$(swift build -c release --show-bin-path)

python=$(benchmarks/torch.sh)
tcmalloc=$(ls /usr/lib/*/libtcmalloc_minimal.so.4 2>/dev/null | head -1 || true)
if [ -z "$tcmalloc" ]; then
  apt-get install -y --no-install-recommends libtcmalloc-minimal4 >/dev/null 2>&1 ||
    echo "no libtcmalloc-minimal4: PyTorch runs with the system's malloc" >&2
  tcmalloc=$(ls /usr/lib/*/libtcmalloc_minimal.so.4 2>/dev/null | head -1 || true)
fi

# Both on one core: they take turns.
core=$(($(nproc) - 1))
LD_PRELOAD="$tcmalloc" OMP_NUM_THREADS=1 taskset -c "$core" \
  "$python" benchmarks/step.py --bench "$bin/step-bench" \
  --peak "$(taskset -c "$core" "$bin/kernel-bench" --peak)" "$@"

echo
echo "samples per second of cnn at the same batch per rank, median over reports; in turn"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
for share in 64 128; do
  for round in 1 2 3 4 5; do
    for ranks in 1 2; do
      mpirun -q --bind-to core -np $ranks "$bin/apus" train --model cnn --data generated \
        --batch $((share * ranks)) --steps 1500 --log-every 50 --checkpoint-every 100000 --quiet \
        --run "$runs/$share-$ranks-$round"
    done
  done
done
"$python" - "$runs" <<'PYTHON'
import glob, json, statistics, sys
print(f"{'batch per rank':16}{'1 rank':>12}{'2 ranks':>12}{'ratio median':>15}{'best':>8}")
for share in (64, 128):
    rates = {}
    for ranks in (1, 2):
        rates[ranks] = []
        for path in sorted(glob.glob(f"{sys.argv[1]}/{share}-{ranks}-*/log.jsonl")):
            lines = [json.loads(line) for line in open(path)]
            rates[ranks].append(statistics.median(
                line["samples_per_second"] for line in lines
                if line["event"] == "progress" and line["step"] > 100))
    ratios = [two / one for one, two in zip(rates[1], rates[2])]
    print(f"{share:<16}{statistics.median(rates[1]):12,.0f}{statistics.median(rates[2]):12,.0f}"
          f"{statistics.median(ratios):15.2f}{max(ratios):8.2f}")
PYTHON
