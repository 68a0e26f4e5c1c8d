// SPDX-License-Identifier: MIT
// Atomics of i64 without a result: one instruction on the CPU, 32-bit halves on a chip. Unsigned extremes exist from M2 on.
// RUN: split-file %s %t
// RUN: triton-metal-translate --emit-msl %t/sums.mlir | FileCheck %s --check-prefix=CPU
// RUN: triton-metal-translate --emit-msl --arch=m1 %t/sums.mlir | FileCheck %s --check-prefix=CHIP
// RUN: triton-metal-translate --emit-msl --arch=m4 %t/sums.mlir | FileCheck %s --check-prefix=CHIP
// RUN: triton-metal-translate --emit-msl --arch=m2 %t/extremes.mlir | FileCheck %s --check-prefix=EXTREMES
// RUN: not triton-metal-translate --emit-msl --arch=m1 %t/extremes.mlir 2>&1 | FileCheck %s --check-prefix=M1
// RUN: not triton-metal-translate --emit-msl --arch=m5 %t/result.mlir 2>&1 | FileCheck %s --check-prefix=RESULT
// RUN: not triton-metal-translate --emit-msl --arch=m5 %t/signed.mlir 2>&1 | FileCheck %s --check-prefix=SIGNED
// RUN: not triton-metal-translate --emit-msl --arch=m5 %t/read.mlir 2>&1 | FileCheck %s --check-prefix=READ
// RUN: not triton-metal-translate --emit-msl --arch=m5 %t/mixed.mlir 2>&1 | FileCheck %s --check-prefix=MIXED

//--- sums.mlir
// CPU: tm::atomic_add(arg0, arg2, tm::acq_rel);
// CPU: tm::atomic_or(arg1, arg2, tm::relaxed);
// CHIP: tm::atomic_add_halves(arg0, arg2, tm::acq_rel);
// CHIP: tm::atomic_or_halves(arg1, arg2, tm::relaxed);
tt.func public @sums(%p: !tt.ptr<i64>, %q: !tt.ptr<i64>, %x: i64) {
  %true = arith.constant true
  %0 = tt.atomic_rmw add, acq_rel, gpu, %p, %x, %true : (!tt.ptr<i64>, i64, i1) -> i64
  %1 = tt.atomic_rmw or, relaxed, gpu, %q, %x, %true : (!tt.ptr<i64>, i64, i1) -> i64
  // Its result is used by nothing that has an effect.
  %2 = arith.addi %0, %1 : i64
  tt.return
}
//--- extremes.mlir
// EXTREMES: tm::atomic_umax_only(arg0, arg1, tm::relaxed);
// EXTREMES: tm::atomic_umin_only(arg0, arg1, tm::relaxed);
// M1: kernel.py:3:1: [tm.atomic_rmw] 'umax' of i64 is refused on m1: Apple GPUs have it from M2 on.
tt.func public @extremes(%p: !tt.ptr<i64>, %x: i64) {
  %true = arith.constant true
  %0 = tt.atomic_rmw umax, relaxed, gpu, %p, %x, %true : (!tt.ptr<i64>, i64, i1) -> i64 loc("kernel.py":3:1)
  %1 = tt.atomic_rmw umin, relaxed, gpu, %p, %x, %true : (!tt.ptr<i64>, i64, i1) -> i64
  tt.return
}
//--- result.mlir
// RESULT: kernel.py:4:1: [tm.atomic_rmw] 'add' of i64 is refused on m5: Metal has no 64-bit atomics with a result. Use 32 bits, leave the result unused, or run it on the CPU device.
tt.func public @result(%p: !tt.ptr<i64>, %q: !tt.ptr<i64>, %x: i64) {
  %true = arith.constant true
  %0 = tt.atomic_rmw add, relaxed, gpu, %p, %x, %true : (!tt.ptr<i64>, i64, i1) -> i64 loc("kernel.py":4:1)
  tt.store %q, %0 : !tt.ptr<i64>
  tt.return
}
//--- signed.mlir
// SIGNED: kernel.py:5:1: [tm.atomic_rmw] 'max' of i64 is refused on m5: Metal's 64-bit minimum and maximum are unsigned.
tt.func public @signed(%p: !tt.ptr<i64>, %x: i64) {
  %true = arith.constant true
  %0 = tt.atomic_rmw max, relaxed, gpu, %p, %x, %true : (!tt.ptr<i64>, i64, i1) -> i64 loc("kernel.py":5:1)
  tt.return
}
//--- read.mlir
// READ: kernel.py:6:1: [tm.atomic_rmw] 'add' of i64 is refused on m5: The halves of an element change one after the other, and tm.load in line 7 may touch the same memory meanwhile.
tt.func public @read(%p: !tt.ptr<i64>, %q: !tt.ptr<i32>, %x: i64) {
  %true = arith.constant true
  %0 = tt.atomic_rmw add, relaxed, gpu, %p, %x, %true : (!tt.ptr<i64>, i64, i1) -> i64 loc("kernel.py":6:1)
  %low = tt.bitcast %p : !tt.ptr<i64> -> !tt.ptr<i32>
  %1 = tt.load %low : !tt.ptr<i32> loc("kernel.py":7:1)
  tt.store %q, %1 : !tt.ptr<i32>
  tt.return
}
//--- mixed.mlir
// MIXED: kernel.py:8:1: [tm.atomic_rmw] 'add' of i64 is refused on m5: {{.*}} tm.atomic_rmw in line 9 may touch the same memory meanwhile.
tt.func public @mixed(%p: !tt.ptr<i64>, %x: i64) {
  %true = arith.constant true
  %0 = tt.atomic_rmw add, relaxed, gpu, %p, %x, %true : (!tt.ptr<i64>, i64, i1) -> i64 loc("kernel.py":8:1)
  %1 = tt.atomic_rmw xor, relaxed, gpu, %p, %x, %true : (!tt.ptr<i64>, i64, i1) -> i64 loc("kernel.py":9:1)
  tt.return
}
