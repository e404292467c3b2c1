#!/usr/bin/env bash
# How much of the communication hides behind computing, on nodes that are network namespaces: the
# step of a training job against its computing alone and its all-reduce alone, in turn.
# Usage: benchmarks/overlap.sh [MODEL...]   (default: lenet mlp)
# Environment: NODES (4), RATE (1gbit), BATCH per rank (64), ROUNDS (3), STEPS (300).
#
#   computing      the same steps on as many nodes at the same time, one rank each and no message
#   communication  all-reduce of the model's gradients by `auto`
#   tcp            what the kernel's TCP takes of the cores for a step's bytes: nothing hides it
#                  where all cores compute
#   could          what could hide: what does in a simulation in which every bucket leaves when it is
#                  ready (`apus plan`), and no more than
#                  computing + communication - max(computing + tcp, communication)
#   hidden         (computing + communication - step) / could
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ $# -gt 0 ] || set -- lenet mlp
nodes=${NODES:-4} rate=${RATE:-1gbit} batch=${BATCH:-64} rounds=${ROUNDS:-3} steps=${STEPS:-300}
"$here/../mpi-run.sh" build >&2
apus=$(swift build --package-path "$here/.." -c release --show-bin-path)/apus
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cluster=("$here/cluster.sh" --nodes "$nodes" --rate "$rate")
job=(train --data generated --steps "$steps" --log-every 10 --checkpoint-every 1000000 --quiet)

# Milliseconds per step from a log: the median report after the first 50 steps.
milliseconds() { python3 "$here/cluster/step_times.py" "$1" --batch "$2" | awk '{ print $2 }'; }

# A figure of the last line of a CSV file.
column() {
  python3 -c "import csv, sys; print(list(csv.DictReader(open(sys.argv[1])))[-1][sys.argv[2]])" "$@"
}

for model in "$@"; do
  for round in $(seq "$rounds"); do
    rm -rf "$work"/run*
    "${cluster[@]}" "$apus" "${job[@]}" --model "$model" --batch $((batch * nodes)) --run "$work/run"
    parameters=$(python3 -c "import json; print(json.loads(open('$work/run/log.jsonl').readline())['parameters'])")
    "${cluster[@]}" --each -- sh -c "exec '$apus' ${job[*]} --model $model --batch $batch --run $work/run-\$RANK"
    "${cluster[@]}" "$apus" bench all-reduce --algorithms auto --sizes $((4 * parameters)) \
      --rounds 9 --csv "$work/all-reduce.csv" >/dev/null
    tcp=$("${cluster[@]}" --nodes 2 --each -- python3 "$here/cluster/tcp_cost.py")
    computing=$(milliseconds "$work/run-0/log.jsonl" "$batch")
    "$apus" plan --model "$model" --batch "$batch" --nodes "$nodes" --bandwidth "${rate/bit/bit\/s}" \
      --compute-ms "$computing" --bucket 64K --sizes none --csv "$work/plan.csv" >/dev/null
    echo "$model $nodes $(nproc) $parameters $tcp" \
      "$(milliseconds "$work/run/log.jsonl" $((batch * nodes))) $computing" \
      "$(column "$work/all-reduce.csv" microseconds_median)" \
      "$(column "$work/plan.csv" microseconds) $(column "$work/plan.csv" microseconds_without_overlap)"
  done
done | tee "$work/figures" >&2
python3 - "$work/figures" <<'PYTHON'
import statistics, sys
figures = {}
for line in open(sys.argv[1]):
    model, *numbers = line.split()
    figures.setdefault(model, []).append([float(number) for number in numbers])
names = ["step ms", "computing", "communication", "tcp", "could", "hidden ms", "hidden"]
print(f"{'model':8}" + "".join(f"{name:>15}" for name in names))
for model, rows in figures.items():
    nodes, cores, parameters, tcp, step, computing, communication, plan, serial = (
        statistics.median(column) for column in zip(*rows))
    communication /= 1e3
    # Megabytes of a step: every rank sends 2 (n - 1) / n vectors.
    tcp *= 2 * (nodes - 1) * 4 * parameters / 1e6 / min(cores, nodes)
    total = computing + communication
    could = min((serial - plan) / 1e3, total - max(computing + tcp, communication))
    hidden = total - step
    print(f"{model:8}" + "".join(
        f"{value:15.2f}" for value in (step, computing, communication, tcp, could, hidden))
        + f"{hidden / could:15.0%}")
PYTHON
