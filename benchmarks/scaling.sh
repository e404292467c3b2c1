#!/usr/bin/env bash
# Strong and weak scaling of a training job over ranks: a table with efficiency, and a plot.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

usage() {
  cat <<'TEXT'
Usage: benchmarks/scaling.sh [OPTIONS] [-- ARGUMENTS OF apus train]

Trains on each number of ranks, twice: with the same batch over all ranks (strong scaling), and
with the same batch per rank (weak scaling). Prints samples per second, speed-up and efficiency
against the smallest number of ranks, and writes OUTPUT/scaling.csv and OUTPUT/scaling.svg.

  --ranks LIST      numbers of ranks (default 1,2,4)
  --model NAME      as in apus train (default cnn)
  --batch N         batch of the smallest number of ranks (default 128)
  --steps N         steps of a run; reports of the first fifth are not counted (default 500)
  --rounds N        runs of each, in turn; the table has medians over all their reports (default 3)
  --output FOLDER   default: scaling
  --launch WORDS    what starts `apus` on {} ranks. Default: inside a Slurm allocation
                    `srun --mpi=pmix --ntasks={} BINARY`, else `./mpi-run.sh --no-install -n {}`.
                    On a cluster of namespaces:
                    --launch 'benchmarks/cluster.sh --nodes {} .build/release/apus'

Under Slurm, build before (./mpi-run.sh build), then: sbatch --ntasks=64 benchmarks/scaling.sh
--ranks 1,2,4,8,16,32,64 (or inside of salloc).
TEXT
}

fail() { printf '%s\n' "scaling: $1" >&2; exit "${2:-1}"; }

ranks=1,2,4 model=cnn batch=128 steps=500 rounds=3 output=scaling launch=
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) usage; exit 0 ;;
    --) shift; break ;;
    --ranks | --model | --batch | --steps | --rounds | --output | --launch)
      [ $# -ge 2 ] || fail "$1 needs a value" 64
      declare "${1#--}=$2"
      shift 2 ;;
    *) fail "unknown option '$1'; arguments of apus train come after --; see --help" 64 ;;
  esac
done
[[ $ranks =~ ^[1-9][0-9]*(,[1-9][0-9]*)*$ ]] || fail "--ranks $ranks: numbers and commas are needed" 64
for flag in batch steps rounds; do
  [[ ${!flag} =~ ^[1-9][0-9]{0,8}$ ]] || fail "--$flag ${!flag}: a number of at least 1 is needed" 64
done
mapfile -t counts < <(tr , '\n' <<<"$ranks" | sort -nu)
# Slurm runs a copy of this script from its spool; then the job's folder is the package's.
[ -f "$root/Package.swift" ] || root=${SLURM_SUBMIT_DIR:-$PWD}
[ -f "$root/Package.swift" ] || fail "start it from the package's folder"
case "$output" in /*) ;; *) output=$PWD/$output ;; esac
cd "$root"
if [ -z "$launch" ]; then
  if [ -n "${SLURM_JOB_ID:-}" ]; then
    binary=.build/release/apus
    [ -x "$binary" ] || fail "no $binary: run ./mpi-run.sh build before"
    launch="srun --mpi=pmix --ntasks={} $binary"
  else
    launch="./mpi-run.sh --no-install -n {}"
  fi
fi

mkdir -p "$output"
runs=$(mktemp -d "$output/runs.XXXXXX")
trap 'rm -rf "$runs"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
log=$runs/output
for ((round = 1; round <= rounds; round++)); do
  for kind in strong weak; do
    for count in "${counts[@]}"; do
      total=$batch
      [ $kind = strong ] || total=$((batch * count / counts[0]))
      echo "scaling: round $round/$rounds, $kind, $count rank(s), batch $total" >&2
      # shellcheck disable=SC2086
      ${launch//\{\}/$count} train --model "$model" --data generated "$@" --batch "$total" \
        --steps "$steps" --log-every 10 --checkpoint-every 1000000 --quiet \
        --run "$runs/$kind-$count-$round" >"$log" 2>&1 </dev/null || {
        cat "$log" >&2
        fail "the job on $count rank(s) failed"
      }
    done
  done
done
python3 benchmarks/scaling.py "$runs" --model "$model" --skip $((steps / 5)) --output "$output"
