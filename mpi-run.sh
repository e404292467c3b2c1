#!/usr/bin/env bash
# The front door of Apus: installs what is missing, builds, and runs under MPI.
set -euo pipefail
root=$(cd "$(dirname "$0")" && pwd)

usage() {
  cat <<'TEXT'
Usage: ./mpi-run.sh [--no-install] [-n RANKS] [COMMAND [ARGUMENTS]]

  (no command)       train the model cnn on Fashion-MNIST, one rank per core
  train ARGUMENTS    apus train under mpirun; see `./mpi-run.sh train --help`
  evaluate ARGUMENTS apus evaluate under mpirun; so is bench
  generate, export, inspect, list, plan, draw   the other commands of apus
  test               all tests: unit tests, and the MPI conformance suite on 1, 2, 3 and 4 ranks
  build              build only

Options:
  -n RANKS           number of ranks (default: one per core; more than cores works, but slowly)
  --no-install       install nothing; only tell what is missing

What is missing is installed with apt-get, as root or with sudo. Environment: MPI_PKGCONFIG names
another MPI's pkg-config file (ompi-c, mpich), MPIRUN its launcher.
TEXT
}

say() { printf '%s\n' "mpi-run: $*" >&2; }
fail() { say "$1"; exit "${2:-1}"; }

install=yes ranks=
while [ $# -gt 0 ]; do
  case "$1" in
    --no-install) install=no; shift ;;
    -n)
      [ $# -ge 2 ] || fail "-n needs a number of ranks" 64
      ranks=$2; shift 2
      case "$ranks" in ''|*[!0-9]*) ranks=0 ;; esac
      [ "$ranks" -ge 1 ] || fail "-n needs a number of ranks of at least 1" 64 ;;
    -h|--help) usage; exit 0 ;;
    *) break ;;
  esac
done
command=${1:-}
[ $# -eq 0 ] || shift

case "$command" in
  ''|train|evaluate|bench|generate|export|inspect|list|plan|draw|test|build) ;;
  *) fail "unknown command '$command'; see ./mpi-run.sh --help" 64 ;;
esac

# --- What is missing -------------------------------------------------------------------------

mpi_package=${MPI_PKGCONFIG:-mpi}
mpirun=${MPIRUN:-mpirun}
case "$mpi_package" in
  *mpich*) mpi_library=libmpich-dev mpi_launcher=mpich; mpirun=${MPIRUN:-mpirun.mpich} ;;
  *) mpi_library=libopenmpi-dev mpi_launcher=openmpi-bin ;;
esac
missing() {
  command -v pkg-config >/dev/null || echo pkg-config
  if ! command -v pkg-config >/dev/null || ! pkg-config --exists "$mpi_package"; then
    echo "$mpi_library"
  fi
  command -v "$mpirun" >/dev/null || echo "$mpi_launcher"
  if ! command -v pkg-config >/dev/null || ! pkg-config --exists zlib; then echo zlib1g-dev; fi
}

# apt_install PACKAGES: says what it does; fails quietly where it cannot.
apt_install() {
  local sudo=
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || { say "not root, and there is no sudo: cannot install $*"; return 1; }
    sudo=sudo
  fi
  command -v apt-get >/dev/null || { say "no apt-get here: cannot install $*"; return 1; }
  say "installing with apt-get: $*"
  local log; log=$(mktemp)
  if ! { $sudo env DEBIAN_FRONTEND=noninteractive apt-get update &&
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } \
    >"$log" 2>&1; then
    tail -n 5 "$log" >&2; rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

command -v swift >/dev/null ||
  fail "no Swift toolchain: install Swift 6.2 or later from swift.org and put it on the PATH"
needed=$(missing | tr '\n' ' ')
if [ -n "$needed" ]; then
  if [ "$install" = no ]; then
    fail "missing: ${needed}(install them with: apt-get install $needed)"
  fi
  # shellcheck disable=SC2086
  apt_install $needed || fail "could not install ${needed% }: Apus needs an MPI library and zlib"
  needed=$(missing | tr '\n' ' ')
  [ -z "$needed" ] || fail "still missing after the installation: $needed"
fi

# --- Build -----------------------------------------------------------------------------------

build() {
  say "building ($*); the first build takes a few minutes"
  swift build --package-path "$root" "$@" >&2 || fail "the build failed"
}

# --- Ranks -----------------------------------------------------------------------------------

cores() {
  local all physical
  all=$(nproc)
  physical=$(lscpu -p=Core,Socket 2>/dev/null | grep -v '^#' | sort -u | wc -l) || physical=0
  if [ "$physical" -ge 1 ] && [ "$physical" -lt "$all" ]; then echo "$physical"; else echo "$all"; fi
}

# launch RANKS PROGRAM ARGUMENTS: under whichever mpirun this is.
launch() {
  local count=$1; shift
  local options=()
  if "$mpirun" --version 2>&1 | grep -qi 'open[ -]*mpi\|openrte'; then
    export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
    export PRTE_ALLOW_RUN_AS_ROOT=1 PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1
    options=(-q)
    if [ "$count" -gt "$(cores)" ]; then
      options+=(--oversubscribe --bind-to none --mca mpi_yield_when_idle 1)
    else
      options+=(--bind-to core)
    fi
    # Containers often forbid the system call behind single-copy messages; do without the warning.
    export OMPI_MCA_btl_vader_single_copy_mechanism=${OMPI_MCA_btl_vader_single_copy_mechanism:-none}
  fi
  if [ -t 1 ]; then export APUS_PROGRESS=${APUS_PROGRESS:-bar}; else export APUS_PROGRESS=${APUS_PROGRESS:-lines}; fi
  "$mpirun" ${options[@]+"${options[@]}"} -np "$count" "$@"
}

# --- Commands --------------------------------------------------------------------------------

fashion=/usr/share/datasets/fashion-mnist
have_fashion() { [ -e "${FASHION_MNIST:-$fashion}/train-images-idx3-ubyte.gz" ] ||
  [ -e "${FASHION_MNIST:-$fashion}/train-images-idx3-ubyte" ]; }

# Fashion-MNIST if it is there or can be had; else the data set that needs no file.
default_data() {
  if have_fashion; then echo fashion-mnist; return; fi
  if [ "$install" = yes ] && apt_install dataset-fashion-mnist && have_fashion; then
    echo fashion-mnist; return
  fi
  say "Fashion-MNIST is not here and cannot be had (package dataset-fashion-mnist):" \
    "training on the built-in data set 'generated' instead"
  echo generated
}

if [ "$command" = build ]; then build -c release --product apus; exit 0; fi

if [ "$command" = test ]; then
  build --build-tests
  swift test --package-path "$root" --skip-build "$@"
  bundle=$(swift build --package-path "$root" --show-bin-path)/apusPackageTests.xctest
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  for count in 1 2 3 4; do
    say "MPI conformance suite on $count ranks"
    NO_COLOR=1 launch "$count" timeout 300 "$bundle" --testing-library swift-testing --no-parallel \
      --filter MPIConformance >"$log" 2>&1 || {
      cat "$log" >&2
      fail "the conformance suite failed on $count ranks"
    }
    tail -n 1 "$log"
  done
  say "all tests passed; the conformance suite on 1, 2, 3 and 4 ranks"
  exit 0
fi

build -c release --product apus
apus=$(swift build --package-path "$root" -c release --show-bin-path)/apus
ranks=${ranks:-$(cores)}

case "$command" in
  generate|export|inspect|list|plan|draw) exec "$apus" "$command" "$@" ;;
  train|evaluate|bench) launch "$ranks" "$apus" "$command" "$@" ;;
  '')
    data=$(default_data)
    launch "$ranks" "$apus" train --model cnn --data "$data" --batch 128 --epochs 12 \
      --learning-rate 0.002 --schedule cosine ;;
esac
