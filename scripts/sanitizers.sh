#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds our C++ with AddressSanitizer and UndefinedBehaviorSanitizer in build-asan, with the assertions of LLVM's
# headers, and runs all tests on it. LLVM itself and MLX are not instrumented.
# Usage: scripts/sanitizers.sh [all|build|native|python] [arguments for pytest]
set -uo pipefail
cd "$(dirname "$0")/.."
goal=${1:-all}
shift || true
export TRITON_METAL_BUILD=$PWD/build-asan
PATH=$PWD/.venv/bin:$PATH
if [ "$(uname -s)" != Linux ]; then
  echo "sanitizers: set up for Linux only" >&2
  exit 2
fi
runtime=$(clang++-22 -print-runtime-dir)

build() {
  scripts/setup.sh sanitizers || return 1
  if [ ! -e build-asan/build.ninja ]; then
    CC=clang-22 CXX=clang++-22 LDFLAGS=-fuse-ld=lld CMAKE_PREFIX_PATH=/usr/lib/llvm-22 \
      cmake -S . -B build-asan -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_C_FLAGS_RELWITHDEBINFO=-O1 \
      -DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1 "-DTRITON_METAL_SANITIZE=address;undefined" \
      "-DPython_EXECUTABLE=$PWD/.venv/bin/python" >/dev/null || return 1
  fi
  ninja -C build-asan ${TEST_JOBS:+-j "$TEST_JOBS"} | tail -n 1
}

# Containers of LLVM's libraries, which are not instrumented, look overflown to code that is. LLVM, MLX and Python keep
# memory until the process ends, so leaks are not looked for.
export ASAN_OPTIONS=detect_container_overflow=0:detect_leaks=0:handle_abort=1:max_allocation_size_mb=4096:allocator_may_return_null=1
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
export ASAN_SYMBOLIZER_PATH=/usr/lib/llvm-22/bin/llvm-symbolizer

native() {
  local status=0
  ninja -C build-asan check-lit || status=1
  ctest --test-dir build-asan --output-on-failure --no-tests=error --progress || status=1
  return "$status"
}

python() {
  LD_PRELOAD=$runtime/libclang_rt.asan-x86_64.so PYTHONPATH=$PWD/scripts/sanitizers:${PYTHONPATH:-} \
    .venv/bin/python -m pytest -q -n "${TEST_JOBS:-2}" "$@"
}

status=0
build || exit 1
case $goal in
build) ;;
native) native || status=1 ;;
python) python "$@" || status=1 ;;
all)
  native || status=1
  python "$@" || status=1
  ;;
*)
  echo "sanitizers: unknown goal $goal" >&2
  status=2
  ;;
esac
exit "$status"
