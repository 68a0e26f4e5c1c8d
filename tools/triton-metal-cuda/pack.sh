#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# pack.sh BUILD TARGET LAUNCHES [FAULTS [TIMED]]: puts everything that check.sh needs on a machine with an
# NVIDIA GPU into the folder TARGET: the programs (which need only the C library there), check.sh itself, and
# the folders that make_ptx.py, plant_faults.py and make_comparison.py have filled.
set -eu
here=$(dirname "$(realpath "$0")")
build=$1 target=$2
mkdir -p "$target"
tools="$build/tools/triton-metal-cuda"
for program in "$tools/triton-metal-cuda" "$tools/triton-metal-cuda-compare" "$build/unittest/unit-cuda"; do
  strip -o "$target/$(basename "$program")" "$program"
done
cp "$here/check.sh" "$target"
names=(launches faults timed)
for folder in "${@:3}"; do
  # Copying one file is faster than copying thousands.
  tar -czf "$target/${names[0]}.tar.gz" -C "$folder" .
  names=("${names[@]:1}")
done
cat >"$target/run.sh" <<'RUN'
#!/usr/bin/env bash
# run.sh [LOGS]: unpacks the archives and runs the checks.
cd "$(dirname "$0")" || exit 1
for archive in *.tar.gz; do
  mkdir -p "${archive%.tar.gz}" && tar -xzf "$archive" -C "${archive%.tar.gz}"
done
faults='' logs=${1:-logs}
[ -d faults ] && faults=faults
[ -d timed ] && export CHECK_TIMED=timed
exec bash check.sh ./triton-metal-cuda launches "$faults" "$logs"
RUN
chmod +x "$target"/*.sh
du -sh "$target"
