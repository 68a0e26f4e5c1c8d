#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# check.sh RUNNER LAUNCHES [FAULTS [LOGS]]: on a machine with an NVIDIA GPU, repeats saved launches, watches a sample of
# them with compute-sanitizer, and sees that it finds the faults that plant_faults.py has made.
set -u
runner=$(realpath "$1") launches=$2 faults=${3:-} logs=${4:-.}
sample=${CHECK_SAMPLE:-80} status=0
mkdir -p "$logs"

"$runner" "$launches" >"$logs/launches.log" 2>&1 || status=1
grep -E -A1 " (differs|failed) |failed:" "$logs/launches.log" | head -n 40
tail -n 1 "$logs/launches.log"

mapfile -t all < <(find "$launches" -name kernel.ptx -printf '%h\n' | sort)
step=$((${#all[@]} / sample + 1))
chosen=()
for ((i = 0; i < ${#all[@]}; i += step)); do chosen+=("${all[i]}"); done
for tool in memcheck racecheck; do
  compute-sanitizer --tool $tool --error-exitcode 9 "$runner" --in-process --quiet "${chosen[@]}" \
    >"$logs/$tool.log" 2>&1
  [ $? = 9 ] && status=1
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
