#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check.sh RUNNER LAUNCHES [FAULTS [LOGS]]: on a machine with an NVIDIA GPU, runs the unit tests of the CUDA
# device, repeats saved launches, runs a sample of them under compute-sanitizer, and checks that it finds the
# faults that plant_faults.py has made. If CHECK_TIMED is a folder of make_comparison.py, also times kernels.
# CHECK_SAMPLE is the size of the sample (80; 0: compute-sanitizer is not used).
set -u
runner=$(realpath "$1") launches=$2 faults=${3:-} logs=${4:-.}
sample=${CHECK_SAMPLE:-80} status=0
mkdir -p "$logs"

# Either beside the runner, where pack.sh puts it, or in the build tree.
for unit in "$(dirname "$runner")/unit-cuda" "$(dirname "$runner")/../../unittest/unit-cuda"; do
  [ -x "$unit" ] && break
done
UNIT_CUDA_DRIVER='' "$unit" --require-gpu >"$logs/unit.log" 2>&1 || status=1
grep -E "FAILED|SKIPPED|Nothing was tested|No such file" "$logs/unit.log" | sort -u | head -n 20
echo "unit tests: $(grep -E "^\[  PASSED" "$logs/unit.log")"

"$runner" "$launches" >"$logs/launches.log" 2>&1 || status=1
grep -E -A1 " (differs|failed) |failed:" "$logs/launches.log" | head -n 40
tail -n 1 "$logs/launches.log"

if [ -n "${CHECK_TIMED:-}" ]; then
  "$runner-compare" "$CHECK_TIMED" --json "$logs/result.json" >"$logs/timed.log" 2>&1 || status=1
  cat "$logs/timed.log"
fi

[ "$sample" = 0 ] && exit $status
if ! command -v compute-sanitizer >/dev/null; then
  echo "compute-sanitizer is not here: no launch was watched"
  exit 1
fi
mapfile -t all < <(find "$launches" -name kernel.ptx -printf '%h\n' | sort)
step=$((${#all[@]} / sample + 1))
chosen=()
for ((i = 0; i < ${#all[@]}; i += step)); do chosen+=("${all[i]}"); done
for tool in memcheck racecheck; do
  compute-sanitizer --tool $tool --error-exitcode 9 "$runner" --in-process --quiet "${chosen[@]}" \
    >"$logs/$tool.log" 2>&1
  [ $? = 9 ] && status=1
  grep -q 'launches:' "$logs/$tool.log" || status=1 # it did not get to the end
  echo "$tool: $(grep -E 'SUMMARY' "$logs/$tool.log" | sed 's/=* *//'); $(grep 'launches:' "$logs/$tool.log")"
  [ -n "$faults" ] || continue
  found=0 planted=0
  for fault in "$faults/$tool"/*; do
    planted=$((planted + 1))
    compute-sanitizer --tool $tool "$runner" --in-process --quiet "$fault" >"$logs/fault.log" 2>&1
    cat "$logs/fault.log" >>"$logs/faults.log"
    if grep -q -E 'Invalid __global__ write|RACECHECK SUMMARY: [1-9]' "$logs/fault.log"; then
      found=$((found + 1))
    else
      echo "$tool does not find the fault in $fault"
      status=1
    fi
  done
  rm -f "$logs/fault.log"
  echo "$tool: $found of $planted planted faults found"
done
exit $status
