#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# shellcheck disable=SC2086
# Formats or checks the sources. Usage: scripts/style.sh format|lint|check-cpp   (check-cpp: only runs clang-format)
set -uo pipefail
cd "$(dirname "$0")/.."
goal=${1:?format, lint or check-cpp}
PATH=$PWD/.venv/bin:$PATH
status=0

tool() { # the versioned name on Debian, the plain one from Homebrew's LLVM
  local prefix
  command -v "$1-22" && return
  prefix=$(brew --prefix llvm 2>/dev/null) && echo "$prefix/bin/$1"
}

# $(...) rather than mapfile: macOS ships bash 3.2. No tracked file has a space in its name.
cpp=$(git ls-files '*.cpp' '*.h')
scripts/setup.sh lint-tools || exit 1
case $goal in
format)
  "$(tool clang-format)" -i $cpp || status=1
  ruff check -q --fix . || status=1
  ruff format -q . || status=1
  ;;
check-cpp)
  "$(tool clang-format)" --dry-run -Werror $cpp || status=1
  ;;
lint)
  "$(tool clang-format)" --dry-run -Werror $cpp || status=1
  ruff check -q . || status=1
  ruff format -q --check . || status=1
  units=$(git ls-files 'lib/*.cpp' 'runtime/*.cpp' 'tools/*.cpp')
  printf '%s\n' $units | xargs -P "$(getconf _NPROCESSORS_ONLN)" -n 4 \
    "$(tool clang-tidy)" -p build --quiet --warnings-as-errors='*' || status=1
  ;;
*)
  echo "style: unknown goal $goal" >&2
  status=2
  ;;
esac
exit "$status"
