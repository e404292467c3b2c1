#!/usr/bin/env bash
# A cluster on one machine: network namespaces as nodes, shaped links between them, real mpirun.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

usage() {
  cat <<'TEXT'
Usage: benchmarks/cluster.sh [OPTIONS] [--] [COMMAND [ARGUMENTS]]

Makes a cluster of nodes out of network namespaces joined by a switch, runs COMMAND on it under
mpirun, and takes the cluster down again, whatever happens. Exit code: that of COMMAND.
Without COMMAND: a study of the links (ping-pong), of the all-reduce algorithms beside MPI's own,
and of a training job.

  --nodes N           nodes, 2 to 200 (default 4); their names are node0, node1, ...
  --ranks-per-node N  ranks on each (default 1)
  --rate RATE         speed of a node's link, each way, as tc writes it: 1gbit, 100mbit
                      (default 1gbit); none: no limit
  --burst BYTES       what a link may send at once above its rate (default: 2 ms of it, from 16kb
                      to 256kb; more than that lets short messages exceed the rate)
  --mca NAME VALUE    a parameter of Open MPI; may be repeated
  --each              start COMMAND without mpirun once per rank; RANK, WORLD_SIZE, LOCAL_RANK,
                      MASTER_ADDR and MASTER_PORT tell it its place (as torch.distributed expects)
  --ddp               part of the study: the training job in PyTorch DDP with Gloo as well
  --timeout SECONDS   ends COMMAND with exit code 124 (default 900)

Needs root, and ip, tc and unshare (packages iproute2, util-linux). All nodes share this machine's
cores: ranks yield while they wait, and compute slower than on real nodes when they are many.
Clusters may run beside each other; each touches nothing but its own namespaces.

  benchmarks/cluster.sh --rate 100mbit .build/release/apus train --model mlp --data generated
  benchmarks/cluster.sh --nodes 2 hostname
TEXT
}

say() { printf '%s\n' "cluster: $*" >&2; }
fail() { say "$1"; exit "${2:-1}"; }

nodes=4 per_node=1 rate=1gbit burst= each=no ddp=no limit=900 parameters=()
number() { # FLAG VALUE LOWEST HIGHEST
  [[ $2 =~ ^[0-9]{1,9}$ ]] && [ "$2" -ge "$3" ] && [ "$2" -le "$4" ] ||
    fail "$1 $2: a number from $3 to $4 is needed" 64
}
while [ $# -gt 0 ]; do
  case "$1" in
    --nodes | --ranks-per-node | --rate | --burst | --timeout)
      [ $# -ge 2 ] || fail "$1 needs a value" 64 ;;
    --mca) [ $# -ge 3 ] || fail "--mca needs a name and a value" 64 ;;
  esac
  case "$1" in
    --nodes) number "$1" "$2" 2 200; nodes=$2; shift 2 ;;
    --ranks-per-node) number "$1" "$2" 1 1000; per_node=$2; shift 2 ;;
    --rate) rate=$2; shift 2 ;;
    --burst) burst=$2; shift 2 ;;
    --mca) parameters+=(--mca "$2" "$3"); shift 3 ;;
    --each) each=yes; shift ;;
    --ddp) ddp=yes; shift ;;
    --timeout) number "$1" "$2" 1 999999; limit=$2; shift 2 ;;
    -h | --help) usage; exit 0 ;;
    --) shift; break ;;
    -*) fail "unknown option '$1'; see benchmarks/cluster.sh --help" 64 ;;
    *) break ;;
  esac
done
[ $# -eq 0 ] || [ "$ddp" = no ] || fail "--ddp belongs to the study, not to a command" 64
[ $# -gt 0 ] || [ "$each" = no ] || fail "--each needs a command" 64

rate_form="write it like 1gbit, 100mbit or 500kbit, or none"
# Two milliseconds of the rate, in bytes.
default_burst() {
  local bits
  case "$rate" in
    *gbit) bits=$((${rate%gbit} * 1000000000)) ;;
    *mbit) bits=$((${rate%mbit} * 1000000)) ;;
    *kbit) bits=$((${rate%kbit} * 1000)) ;;
  esac
  local bytes=$((bits / 8 / 500))
  [ $bytes -ge 16384 ] || bytes=16384
  [ $bytes -le 262144 ] || bytes=262144
  echo $bytes
}
if [ "$rate" != none ]; then
  [[ $rate =~ ^[1-9][0-9]{0,5}[gmk]bit$ ]] || fail "--rate $rate: $rate_form" 64
  burst=${burst:-$(default_burst)}
  [[ $burst =~ ^([1-9][0-9]{3,7}|[2-9]kb|[1-9][0-9]{1,4}kb)$ ]] ||
    fail "--burst $burst: from 2000 bytes (a packet must fit); write it like 65536 or 64kb" 64
fi

[ "$(id -u)" = 0 ] || fail "network namespaces need root"
for tool in ip tc unshare timeout mpirun; do
  command -v $tool >/dev/null || fail "$tool is missing (packages iproute2, util-linux, coreutils, openmpi-bin)"
done
mpirun --version 2>&1 | grep -qi 'open[ -]*mpi\|openrte' || fail "mpirun is not Open MPI's"

# --- Up and down -----------------------------------------------------------------------------

export APUS_CLUSTER=apus-$$
work=$(mktemp -d /tmp/apus-cluster.XXXXXX)
made_netns=no
ranks=$((nodes * per_node)) jobs=()

# Ends what still runs on the nodes, politely first, and removes every trace.
down() {
  local code=$? spaces=() space name tries
  trap '' INT TERM HUP
  for name in $(ip netns list | awk '{print $1}'); do
    if [[ $name == "$APUS_CLUSTER"-* ]]; then spaces+=("$name"); fi
  done
  running() { for space in ${spaces[@]+"${spaces[@]}"}; do ip netns pids "$space"; done; }
  if [ ${#jobs[@]} -gt 0 ] && kill -TERM "${jobs[@]}" 2>/dev/null; then
    for tries in {1..30}; do [ -n "$(running)" ] || break; sleep 0.1; done
  fi
  for tries in {1..20}; do
    # shellcheck disable=SC2046
    [ -z "$(running)" ] || kill -KILL $(running) 2>/dev/null || true
    [ -n "$(running)" ] || break
    sleep 0.05
  done
  for space in ${spaces[@]+"${spaces[@]}"}; do
    ip netns del "$space" || true
    rm -rf "/etc/netns/$space"
  done
  [ $made_netns = no ] || rmdir /etc/netns 2>/dev/null || true
  rm -rf "$work"
  exit "$code"
}
trap down EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

# shape NAMESPACE DEVICE: what leaves by the device goes at the rate. A burst of 2 ms hides the
# timer's coarseness; 50 ms of queue is what a switch's port has.
shape() {
  [ "$rate" = none ] ||
    tc -n "$1" qdisc add dev "$2" root tbf rate "$rate" burst "$burst" latency 50ms 2>"$work/tc" ||
    fail "tc refuses --rate $rate --burst $burst: $(head -n 1 "$work/tc")" 64
}

up() {
  local switch=$APUS_CLUSTER-switch node space number
  mkdir /etc/netns 2>/dev/null && made_netns=yes
  ip netns add "$switch"
  ip -n "$switch" link add br0 type bridge
  ip -n "$switch" link set br0 up
  { echo "127.0.0.1 localhost"
    for ((number = 0; number < nodes; number++)); do echo "10.77.0.$((10 + number)) node$number"; done
  } >"$work/hosts"
  for ((number = 0; number < nodes; number++)); do
    node=node$number space=$APUS_CLUSTER-node$number
    mkdir -p "/etc/netns/$space"
    cp "$work/hosts" "/etc/netns/$space/hosts" # `ip netns exec` shows it as /etc/hosts
    ip netns add "$space"
    ip -n "$space" link set lo up
    ip link add eth0 netns "$space" type veth peer name "port$number" netns "$switch"
    ip -n "$space" addr add "10.77.0.$((10 + number))/24" dev eth0
    ip -n "$space" link set eth0 up
    ip -n "$switch" link set "port$number" master br0 up
    shape "$space" eth0
    shape "$switch" "port$number"
  done
}

# --- Running things --------------------------------------------------------------------------

# on NODE COMMAND...: starts it in the background, so that a signal to this script is heard at once.
# Open MPI's warning that an agent was quicker than mpirun means nothing.
on() {
  local node=$1
  shift
  timeout -k 5 "$limit" "$here/cluster/agent.sh" "$node" "$(printf '%q ' "$@")" <&0 \
    2> >(grep --line-buffered -v 'plm:rsh: Warning: setpgid' >&2) &
  jobs+=($!)
}

# under_mpi COMMAND...: one MPI job over all ranks.
under_mpi() {
  local hosts code=0
  hosts=$(for ((number = 0; number < nodes; number++)); do printf 'node%d:%d,' $number "$per_node"; done)
  on node0 mpirun -q --allow-run-as-root --host "${hosts%,}" -np "$ranks" --map-by slot \
    --bind-to none --mca plm_rsh_agent "$here/cluster/agent.sh" --mca plm_rsh_no_tree_spawn 1 \
    --mca orte_tmpdir_base "$work" --mca pml ob1 --mca btl tcp,vader,self \
    --mca btl_vader_single_copy_mechanism none --mca btl_tcp_if_include 10.77.0.0/24 \
    --mca oob_tcp_if_include 10.77.0.0/24 --mca mpi_yield_when_idle 1 \
    ${parameters[@]+"${parameters[@]}"} "$@"
  wait "${jobs[@]}" || code=$?
  jobs=()
  return $code
}

# on_each COMMAND...: one process per rank; the first that fails ends the others.
on_each() {
  local rank ended code=0
  for ((rank = 0; rank < ranks; rank++)); do
    on "node$((rank / per_node))" env RANK="$rank" WORLD_SIZE="$ranks" \
      LOCAL_RANK="$((rank % per_node))" MASTER_ADDR=10.77.0.10 MASTER_PORT=29500 \
      GLOO_SOCKET_IFNAME=eth0 "$@"
  done
  while [ ${#jobs[@]} -gt 0 ] && [ $code -eq 0 ]; do
    wait -n -p ended "${jobs[@]}" || code=$?
    for rank in "${!jobs[@]}"; do [ "${jobs[rank]}" != "$ended" ] || unset "jobs[rank]"; done
  done
  [ ${#jobs[@]} -eq 0 ] || kill -TERM "${jobs[@]}" 2>/dev/null || true
  jobs=()
  return $code
}

study() {
  local root=$here/.. apus torch=
  "$root/mpi-run.sh" build
  apus=$(swift build --package-path "$root" -c release --show-bin-path)/apus
  mpicc -O2 -o "$work/ping-pong" "$here/cluster/ping-pong.c"
  if [ $ddp = yes ]; then torch=$("$here/torch.sh"); fi
  echo "$nodes nodes, $per_node rank(s) each, links of $rate"
  under_mpi "$work/ping-pong" 4 200
  under_mpi "$work/ping-pong" 25000000 5
  echo
  under_mpi "$apus" bench all-reduce --sizes 4K,25M --algorithms ring,auto,native
  echo
  echo "training: mlp, batch 64 per rank, Adam"
  under_mpi "$apus" train --model mlp --data generated --batch $((64 * ranks)) --steps 300 \
    --log-every 10 --checkpoint-every 100000 --quiet --run "$work/run"
  python3 "$here/cluster/step_times.py" "$work/run/log.jsonl" --batch $((64 * ranks)) --label apus
  if [ $ddp = yes ]; then OMP_NUM_THREADS=1 on_each "$torch" "$here/cluster/ddp.py"; fi
}

up
if [ $# -eq 0 ]; then
  study
elif [ $each = yes ]; then
  on_each "$@"
else
  under_mpi "$@"
fi
