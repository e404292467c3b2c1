#!/usr/bin/env bash
# Milliseconds per training step beside PyTorch and JAX, and samples per second on 1 and 2 ranks.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TEXT'
Usage: benchmarks/step.sh [OPTIONS]

Prints milliseconds per training step of apus, PyTorch and JAX, one thread each, in turn on one
core; then samples per second of `cnn` on 1 and 2 ranks.

  --models LIST    default: cnn,mlp,lenet,resnet20,resnet18,vgg11,gpt,lstm
  --batch N        samples per step (default: 64; 32 for resnet18 and vgg11)
  --rounds N       turns of each (default 7)
  --seconds S      length of a turn of the slowest one (default 1); all take equally many steps,
                   at least 3
  --isa avx2       holds apus and PyTorch to AVX2, and leaves JAX out, which cannot be held
  --no-install     installs no package of the system

What it installs: what the build lacks (see ./mpi-run.sh --help) and, if it is missing,
libtcmalloc-minimal4, with apt-get for the whole system: PyTorch is faster with that malloc, and all
programs of the table run with it. PyTorch and JAX go into a virtual environment below .build.
Environment: KERNEL_ISA and CONVOLUTION (both concern apus); MPIRUN and MPI_PKGCONFIG as in
./mpi-run.sh.
TEXT
}

say() { printf '%s\n' "step: $*" >&2; }
fail() { say "$1"; exit "${2:-1}"; }

install=() arguments=()
while [ $# -gt 0 ]; do
  case "$1" in
    --models | --batch | --rounds | --seconds | --isa)
      [ $# -ge 2 ] || fail "$1 needs a value" 64 ;;
  esac
  case "$1" in
    --models)
      [[ $2 =~ ^[a-z0-9-]+(,[a-z0-9-]+)*$ ]] || fail "--models $2: names and commas are needed" 64
      arguments+=("$1" "$2"); shift 2 ;;
    --batch | --rounds)
      [[ $2 =~ ^[1-9][0-9]{0,5}$ ]] || fail "$1 $2: a number of at least 1 is needed" 64
      arguments+=("$1" "$2"); shift 2 ;;
    --seconds)
      [[ $2 =~ ^[0-9]{1,4}(\.[0-9]+)?$ ]] || fail "$1 $2: a number is needed" 64
      arguments+=("$1" "$2"); shift 2 ;;
    --isa)
      [ "$2" = avx2 ] || fail "--isa $2: PyTorch can be held to avx2 only" 64
      export KERNEL_ISA=avx2 ATEN_CPU_CAPABILITY=avx2
      export ONEDNN_MAX_CPU_ISA=AVX2 MKL_ENABLE_INSTRUCTIONS=AVX2
      arguments+=("$1" "$2"); shift 2 ;;
    --no-install) install=(--no-install); shift ;;
    -h | --help) usage; exit 0 ;;
    *) fail "unknown option '$1'; see benchmarks/step.sh --help" 64 ;;
  esac
done

./mpi-run.sh ${install[@]+"${install[@]}"} build
swift build -c release --product step-bench
swift build -c release --product kernel-bench
bin=$(swift build -c release --show-bin-path)
python=$(benchmarks/torch.sh)

tcmalloc() { ls /usr/lib{,64}/{,*/}libtcmalloc_minimal.so.4 2>/dev/null | head -n 1 || true; }
malloc=$(tcmalloc)
if [ -z "$malloc" ] && [ ${#install[@]} = 0 ]; then
  say "installing libtcmalloc-minimal4 with apt-get"
  apt-get install -y --no-install-recommends libtcmalloc-minimal4 >/dev/null 2>&1 ||
    say "could not install it (root is needed): PyTorch runs with the system's malloc, and slower"
  malloc=$(tcmalloc)
fi

# All on one core, the last that this process may use: they take turns.
cpus=$(taskset -cp $$)
cpus=${cpus##* } core=${cpus##*[ ,-]}
LD_PRELOAD="$malloc" OMP_NUM_THREADS=1 taskset -c "$core" \
  "$python" benchmarks/step.py --bench "$bin/step-bench" --kernel-bench "$bin/kernel-bench" \
  ${arguments[@]+"${arguments[@]}"}

echo
if [ "$cpus" = "$core" ]; then
  echo "one CPU only: nothing to compare one and two ranks on"
  exit 0
fi
echo "samples per second of cnn at the same batch per rank, median over reports; in turn"
runs=$(mktemp -d)
trap 'rm -rf "$runs"' EXIT
for share in 64 128; do
  for round in 1 2 3 4 5; do
    for ranks in 1 2; do
      ./mpi-run.sh --no-install -n $ranks train --model cnn --data generated \
        --batch $((share * ranks)) --steps 1500 --log-every 50 --checkpoint-every 100000 --quiet \
        --run "$runs/$share-$ranks-$round" >"$runs/output" 2>&1 </dev/null ||
        { cat "$runs/output" >&2; fail "training on $ranks rank(s) failed"; }
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
