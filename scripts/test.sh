#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs all tests: lit, C++ unit tests, Python. A failure does not stop the others; pytest's summary comes last.
set -uo pipefail
cd "$(dirname "$0")/.."
PATH=$PWD/.venv/bin:$PATH
status=0

ninja -C build check-lit || status=1
ctest --test-dir build --output-on-failure --no-tests=error --progress || status=1
[ "$status" = 0 ] || echo "test: the lit or C++ tests above failed" >&2
python -m pytest -q -n "${TEST_JOBS:-2}" "$@" || status=1
exit "$status"
