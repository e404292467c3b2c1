#!/bin/bash
# Shows that with --lanes a run's result is a function of the job alone: SHA-256 of the checkpoint
# after STEPS steps on 1, 2, 3, 4, 5 and 8 ranks, for two models, two optimizers, and both updates.
# Exits 1 if any two of a model and optimizer differ.
#
# Usage: benchmarks/lanes.sh [STEPS=200] [LANES=8]     (APUS: the program, MPIRUN: how to start it)
set -euo pipefail
cd "$(dirname "$0")/.."
steps=${1:-200}
lanes=${2:-8}
if [ -z "${APUS:-}" ]; then
  swift build -c release --product apus >&2
  APUS=$(swift build -c release --show-bin-path)/apus
fi
mpirun=${MPIRUN:-mpirun --oversubscribe --bind-to none -q}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

differ=0
printf '%-5s %-5s %-11s %5s  %s\n' model rule update ranks "sha256 after $steps steps, $lanes lanes"
for model in mlp cnn; do
  for rule in sgd adam; do
    settings=(--optimizer "$rule" --learning-rate 0.001)
    [ "$rule" = adam ] || settings=(--optimizer sgd --momentum 0.9 --learning-rate 0.05)
    first=
    for update in replicated sharded; do
      for ranks in 1 2 3 4 5 8; do
        run=$folder/$model-$rule-$update-$ranks
        timeout 600 $mpirun -n "$ranks" "$APUS" train --quiet --data generated --model "$model" \
          "${settings[@]}" --lanes "$lanes" --update "$update" --steps "$steps" --run "$run" \
          < /dev/null
        sum=$(sha256sum < "$run/checkpoints/latest" | cut -d' ' -f1)
        first=${first:-$sum}
        mark=
        [ "$sum" = "$first" ] || { mark=' differs'; differ=1; }
        printf '%-5s %-5s %-11s %5d  %s%s\n' "$model" "$rule" "$update" "$ranks" "$sum" "$mark"
        rm -rf "$run"
      done
    done
  done
done
exit $differ
