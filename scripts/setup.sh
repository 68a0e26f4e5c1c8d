#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Gets from a bare clone to an importable package: system packages, .venv, Python packages, build.
# Usage: scripts/setup.sh [all|python|lint-tools|sanitizers]   ("python" stops before the build)
#
# PYTHON                      Python 3.11 to create .venv with
# TRITON_METAL_TORCH_INDEX    extra package index with CPU-only PyTorch wheels
# TRITON_METAL_VERBOSE=1      show the output of every step
set -euo pipefail
cd "$(dirname "$0")/.."
goal=${1:-all}
llvm_version=22
torch_version=2.13.0
system=$(uname -s)
venv=.venv
stamps=$venv/.stamps
log=.cache/setup.log
mkdir -p .cache

say() { printf '%s\n' "$*" >&2; }
fail() {
  say "setup: $*"
  exit 1
}

# step TEXT COMMAND...: runs the command; prints one line, and the end of its output if it fails.
step() {
  local text=$1
  shift
  say "setup: $text"
  if [ "${TRITON_METAL_VERBOSE:-0}" = 1 ]; then
    "$@" || fail "failed: $*"
  elif ! "$@" >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    fail "failed: $* (the end of its output is above, all of it is in $log)"
  fi
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    say "this needs root and there is no sudo; run as root: $*"
    return 1
  fi
}

# --- system packages -------------------------------------------------------------------------------------------

debian_missing() {
  local package
  for package in "$@"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || printf '%s ' "$package"
  done
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

install_debian() {
  local missing
  missing=$(debian_missing "$@")
  [ -n "$missing" ] || return 0
  step "updating the package lists" as_root apt-get update
  # shellcheck disable=SC2086
  step "installing $missing" apt_install $missing
}

install_brew() {
  command -v brew >/dev/null || fail "Homebrew is needed to install LLVM $llvm_version; see its home page"
  local formula
  for formula in "$@"; do
    brew list --versions "$formula" >/dev/null 2>&1 || step "installing $formula" brew install "$formula"
  done
}

find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3.11 python3 /usr/bin/python3.11; do
    if command -v "$candidate" >/dev/null &&
      "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null &&
      "$candidate" -c 'import os, sysconfig as s; assert os.path.exists(s.get_path("include") + "/Python.h")' \
        2>/dev/null; then
      command -v "$candidate"
      return 0
    fi
  done
  return 1
}

system_packages() {
  case $system in
  Linux)
    command -v dpkg-query >/dev/null || {
      command -v "clang++-$llvm_version" >/dev/null ||
        fail "only Debian is set up automatically; install clang, lld and MLIR $llvm_version and Python 3.11 by hand"
      return 0
    }
    local python=""
    find_python >/dev/null || python="python3.11 python3.11-venv python3.11-dev"
    # shellcheck disable=SC2086
    install_debian "clang-$llvm_version" "lld-$llvm_version" "llvm-$llvm_version-dev" "libmlir-$llvm_version-dev" \
      "mlir-$llvm_version-tools" "llvm-$llvm_version-tools" cmake ninja-build ccache \
      libgtest-dev nlohmann-json3-dev libcli11-dev libzstd-dev zlib1g-dev $python
    ;;
  Darwin)
    # Not tested on a Mac yet.
    install_brew llvm cmake ninja ccache googletest nlohmann-json cli11
    find_python >/dev/null || install_brew python@3.11
    ;;
  *) fail "$system is not supported" ;;
  esac
}

# --- Python ----------------------------------------------------------------------------------------------------

pip_install() { "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }

cpu_torch() { "$venv/bin/python" -c "import torch, sys; sys.exit(not torch.__version__.startswith('$torch_version'))"; }

install_torch() {
  cpu_torch 2>/dev/null && return 0
  if [ "$system" = Darwin ]; then
    pip_install "torch==$torch_version"
    return
  fi
  # The local version "+cpu" selects the wheel without CUDA from whatever index pip uses.
  local index=()
  [ -z "${TRITON_METAL_TORCH_INDEX:-}" ] || index=(--extra-index-url "$TRITON_METAL_TORCH_INDEX")
  pip_install "${index[@]}" "torch==$torch_version+cpu" && return 0
  say "setup: pip finds no CPU-only PyTorch; taking the default wheel, which brings several GB of CUDA packages."
  say "setup: to avoid that, set TRITON_METAL_TORCH_INDEX to PyTorch's index of CPU wheels and run again."
  pip_install "torch==$torch_version"
}

requirements() {
  "$venv/bin/python" - <<'PY'
import tomllib
with open("pyproject.toml", "rb") as file:
    project = tomllib.load(file)
lines = project["build-system"]["requires"] + project["project"]["dependencies"]
print("\n".join(lines + project["project"]["optional-dependencies"]["dev"]))
PY
}

install_requirements() {
  requirements >.cache/requirements.txt
  # Installed after PyTorch, whose CUDA wheels require another version of Triton, so that ours stays.
  pip_install -r .cache/requirements.txt
}

checksum() { cat "$@" | cksum | tr ' ' -; }

python_packages() {
  local python stamp
  if ! "$venv/bin/python" -c 'import pip, sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
    python=$(find_python) || fail "Python 3.11 with venv and headers was not found; set PYTHON to its path"
    step "creating $venv with $python" "$python" -m venv --clear "$venv"
  fi
  mkdir -p "$stamps"
  stamp=$stamps/python-$(checksum pyproject.toml scripts/setup.sh)
  [ ! -e "$stamp" ] || return 0
  step "installing PyTorch $torch_version (CPU)" install_torch
  step "installing Triton, MLX and the development tools" install_requirements
  rm -f "$stamps"/python-*
  touch "$stamp"
}

# --- build -----------------------------------------------------------------------------------------------------

toolchain() {
  local llvm
  if [ "$system" = Darwin ]; then
    llvm=$(brew --prefix "llvm")
    export CC=$llvm/bin/clang CXX=$llvm/bin/clang++
  else
    llvm=/usr/lib/llvm-$llvm_version
    export CC=clang-$llvm_version CXX=clang++-$llvm_version LDFLAGS=-fuse-ld=lld
  fi
  export CMAKE_PREFIX_PATH=$llvm${CMAKE_PREFIX_PATH:+:$CMAKE_PREFIX_PATH} CMAKE_GENERATOR=Ninja
  PATH=$PWD/$venv/bin:$PATH
}

editable_install() {
  pip_install --no-build-isolation --no-deps --editable .
}

install_module() {
  local site
  site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
  ninja -C build && cmake --install build --prefix "$site"
}

build() {
  toolchain
  local stamp
  stamp=$stamps/editable-$(checksum pyproject.toml CMakeLists.txt)
  if [ ! -e "$stamp" ] || [ ! -e build/build.ninja ]; then
    step "building (some minutes the first time)" editable_install
    rm -f "$stamps"/editable-*
    touch "$stamp"
  elif ! ninja -C build -n 2>/dev/null | grep -q 'no work to do'; then
    step "building what changed" install_module
  fi
}

case $goal in
python)
  system_packages
  python_packages
  ;;
all)
  system_packages
  python_packages
  build
  ;;
sanitizers)
  case $system in
  Linux) install_debian "libclang-rt-$llvm_version-dev" ;;
  esac
  ;;
lint-tools)
  case $system in
  Linux) install_debian "clang-format-$llvm_version" "clang-tidy-$llvm_version" "clang-tools-$llvm_version" ;;
  esac
  ;;
*) fail "unknown goal: $goal" ;;
esac
