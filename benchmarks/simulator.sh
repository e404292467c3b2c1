#!/usr/bin/env bash
# The simulator against reality.
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD/benchmarks

usage() {
  cat <<'TEXT'
Usage: benchmarks/simulator.sh smpi [RANKS...]
       benchmarks/simulator.sh cluster [NODES...]
       benchmarks/simulator.sh compare CLUSTER.yaml MEASURED.csv

smpi     runs the same schedules in SimGrid's SMPI (10 Gbit/s, 2 x 10 us) and compares; 64 and 256
         ranks unless said otherwise. Installs libsimgrid-dev where smpirun is missing.
cluster  measures the links of benchmarks/cluster.sh (namespaces, 1 Gbit/s), foresees 25 MB from
         that alone, and compares with what the all-reduce takes there; 2, 4 and 8 nodes. Needs root.
compare  does the last step with files: what `apus bench cluster --write` and `apus bench
         all-reduce --csv` wrote on any cluster.

ALGORITHMS, SIZES (comma-separated), RATE (of a link), LIMIT (percent, 15) and BY (min or median)
change the rest. Measured times are the fastest rounds' unless BY=median: namespaces share this
machine's cores with whatever else runs. Exit code 1 if a time is further off than LIMIT.
TEXT
}

fail() { echo "simulator.sh: $1" >&2; exit 64; }

algorithms=${ALGORITHMS:-ring,tree,halving-doubling}
options=(--limit "${LIMIT:-15}" --by "${BY:-min}")
work=
setup() {
  ./mpi-run.sh build >&2
  apus=$(swift build -c release --show-bin-path)/apus
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
}

# plan OPTIONS...: figures of the all-reduce alone; the model is beside the point.
plan() {
  "$apus" plan --model linear --batch 1 --compute-ms 1 --algorithms "$algorithms" "$@" >/dev/null
}

smpi() {
  if ! command -v smpirun >/dev/null; then
    apt-get install -y --no-install-recommends libsimgrid-dev >/dev/null ||
      fail "smpirun is missing: install SimGrid (Debian: libsimgrid-dev)"
  fi
  smpicc -O2 "$here/simulator/replay.c" -o "$work/replay"
  local ranks script bytes seconds code=0
  for ranks in "$@"; do
    # Two links of 10 us lie between any two nodes. SMPI's processors send and receive for nothing,
    # and messages of more than 64 KiB wait for their receiver without asking.
    plan --nodes "$ranks" --bandwidth 10Gbit/s --latency 20us --set send-overhead=0s \
      --set receive-overhead=0s --set handshake=0s --set eager-limit=60000 --set reduce-rate=10GB/s \
      --sizes "${SIZES:-4096,1MB,25MB}" --csv "$work/plan.csv" --export "$work/scripts"
    cat >"$work/platform.xml" <<XML
<?xml version='1.0'?>
<!DOCTYPE platform SYSTEM "https://simgrid.org/simgrid.dtd">
<platform version="4.1"><zone id="world" routing="Full">
<cluster id="c" prefix="node-" suffix="" radical="0-$((ranks - 1))" speed="10Gf" bw="1.25GBps"
 lat="10us" sharing_policy="SPLITDUPLEX"/>
</zone></platform>
XML
    for ((node = 0; node < ranks; node++)); do echo "node-$node"; done >"$work/hosts"
    echo "algorithm,bytes,ranks,nodes,microseconds_min,microseconds_median" >"$work/smpi.csv"
    for script in "$work"/scripts/*; do
      # No correction factors, no acknowledgements, no windows: links as they are described.
      seconds=$(timeout 900 smpirun -np "$ranks" -platform "$work/platform.xml" \
        -hostfile "$work/hosts" --cfg=smpi/host-speed:10Gf --cfg=smpi/simulate-computation:no \
        --cfg=network/model:CM02 --cfg=network/crosstraffic:0 --cfg=network/TCP-gamma:0 \
        --cfg=network/weight-S:0 --cfg=smpi/init:0 --log=root.thres:error \
        "$work/replay" "$script" 1e10)
      bytes=${script##*-}
      script=$(basename "$script")
      awk -v name="${script%-*}" -v bytes="$bytes" -v ranks="$ranks" -v seconds="$seconds" 'BEGIN {
        printf "%s,%s,%d,%d,%.3f,%.3f\n", name, bytes, ranks, ranks, seconds * 1e6, seconds * 1e6
      }' >>"$work/smpi.csv"
    done
    echo "$ranks ranks, SimGrid SMPI"
    python3 "$here/simulator/compare.py" "$work/plan.csv" "$work/smpi.csv" "${options[@]}" || code=1
    rm -rf "$work/scripts"
  done
  return $code
}

# compare CLUSTER.yaml MEASURED.csv
compare() {
  local sizes
  sizes=$(awk -F, 'NR > 1 { print $2 }' "$2" | sort -nu | paste -sd,)
  plan --cluster "$1" --sizes "$sizes" --csv "$work/plan.csv"
  python3 "$here/simulator/compare.py" "$work/plan.csv" "$2" "${options[@]}"
}

# Sockets hold 128 KiB, a millisecond of the link: with the megabytes that the kernel gives them, ranks
# run ahead of each other by what is still in their sockets, which the simulator does not know
# (SOCKET=0 shows it: halving-doubling on 8 nodes then takes a quarter longer; rings do not).
cluster() {
  local nodes code=0 socket=${SOCKET:-131072}
  for nodes in "$@"; do
    local cluster=("$here/cluster.sh" --nodes "$nodes" --rate "${RATE:-1gbit}"
      --mca btl_tcp_sndbuf "$socket" --mca btl_tcp_rcvbuf "$socket" --)
    "${cluster[@]}" "$apus" bench cluster --write "$work/cluster.yaml" >/dev/null
    "${cluster[@]}" "$apus" bench all-reduce --algorithms "$algorithms" --sizes "${SIZES:-25MB}" \
      --csv "$work/measured.csv" >/dev/null
    echo "$nodes nodes, links of ${RATE:-1gbit}: $(paste -sd' ' "$work/cluster.yaml")"
    compare "$work/cluster.yaml" "$work/measured.csv" || code=1
  done
  return $code
}

command=${1:-}
[ $# -eq 0 ] || shift
case "$command" in
  smpi) setup; [ $# -gt 0 ] || set -- 64 256; smpi "$@" ;;
  cluster) setup; [ $# -gt 0 ] || set -- 2 4 8; cluster "$@" ;;
  compare) [ $# -eq 2 ] || fail "compare CLUSTER.yaml MEASURED.csv"; setup; compare "$@" ;;
  -h | --help) usage ;;
  *) usage >&2; exit 64 ;;
esac
