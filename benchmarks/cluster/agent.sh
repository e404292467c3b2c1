#!/usr/bin/env bash
# Runs a command on a node of benchmarks/cluster.sh the way ssh would: agent.sh [-OPTION...] NODE WORDS...
# Words are joined and read by a shell; Open MPI takes this for its ssh. A node is the network
# namespace $APUS_CLUSTER-NODE, with a host name of its own.
set -euo pipefail
while [[ ${1:-} == -* ]]; do shift; done
node=$1
shift
exec ip netns exec "${APUS_CLUSTER:?is set by benchmarks/cluster.sh}-$node" unshare --uts \
  bash -c 'hostname "$0" && exec bash -c "$1"' "$node" "$*"
