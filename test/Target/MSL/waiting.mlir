// SPDX-License-Identifier: MIT
// A poll of a scalar is done by one thread, one of a block by the owners; nobody goes on before all have seen their value.
// RUN: split-file %s %t
// RUN: triton-metal-opt %t/scalar.mlir -tt-distribute | FileCheck %s --check-prefix=TM
// RUN: triton-metal-translate --emit-msl %t/scalar.mlir | FileCheck %s --check-prefix=MSL
// RUN: not triton-metal-translate --emit-msl --arch=m3 %t/scalar.mlir 2>&1 | FileCheck %s --check-prefix=CHIP
// RUN: triton-metal-translate --emit-msl %t/block.mlir | FileCheck %s --check-prefix=BLOCK
// RUN: not triton-metal-translate --emit-msl %t/narrow.mlir 2>&1 | FileCheck %s --check-prefix=NARROW
// RUN: triton-metal-translate --emit-msl %t/last.mlir | FileCheck %s --check-prefix=LAST
// RUN: not triton-metal-translate --emit-msl --arch=m1 %t/last.mlir 2>&1 | FileCheck %s --check-prefix=ORDER
// RUN: triton-metal-translate --emit-msl --arch=m1 %t/unread.mlir | FileCheck %s --check-prefix=UNREAD

//--- scalar.mlir
// TM: tm.single
// TM-NEXT: %[[SEEN:.*]] = tm.atomic_poll acquire, gpu, %arg0, %arg2 : !tt.ptr<i32>, i32
// TM: tm.barrier device_threadgroup
// TM-NOT: tm.barrier
// TM: tm.load %arg1
// MSL: TM_POLL(arg0, arg2, tm::acquire, tm::no_deadline, 0)
// MSL: TM_BARRIER(mem_device_and_threadgroup)
// MSL: TM_POLLS
// MSL-NEXT: TM_ENTRY(k_wait)
// CHIP: kernel.py:3:1: [tt.atomic_poll] A program waits here for another one, and Metal does not promise that one goes on: refused on m3.
tt.func public @wait(%flag: !tt.ptr<i32>, %p: !tt.ptr<i32>, %v: i32) {
  %seen = tt.atomic_poll acquire, gpu, %flag, %v : !tt.ptr<i32>, i32 -> i1 loc("kernel.py":3:1)
  %x = tt.load %p : !tt.ptr<i32>
  tt.store %flag, %x : !tt.ptr<i32>
  tt.return
}
//--- block.mlir
// BLOCK: const long [[OWN:v[0-9]+]] = TM_DEADLINE(arg2);
// BLOCK: [[SHARED:s[0-9]+]][0] = [[OWN]];
// BLOCK: TM_BARRIER(mem_threadgroup)
// BLOCK: const long [[UNTIL:v[0-9]+]] = [[SHARED]][0];
// BLOCK: TM_REGION
// BLOCK: ? TM_POLL({{.*}}, tm::relaxed, [[UNTIL]], 0) : false;
// BLOCK: TM_BARRIER(mem_device_and_threadgroup)
tt.func public @block(%flag: !tt.ptr<i64>, %out: !tt.ptr<i1>, %timeout: i64) {
  %range = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<16xi32>
  %wide = arith.extsi %range : tensor<16xi32> to tensor<16xi64>
  %fs = tt.splat %flag : !tt.ptr<i64> -> tensor<16x!tt.ptr<i64>>
  %fp = tt.addptr %fs, %range : tensor<16x!tt.ptr<i64>>, tensor<16xi32>
  %seen = tt.atomic_poll relaxed, sys, %fp, %wide timeout %timeout : tensor<16x!tt.ptr<i64>>, tensor<16xi64> -> tensor<16xi1>
  %os = tt.splat %out : !tt.ptr<i1> -> tensor<16x!tt.ptr<i1>>
  %op = tt.addptr %os, %range : tensor<16x!tt.ptr<i1>>, tensor<16xi32>
  tt.store %op, %seen : tensor<16x!tt.ptr<i1>>
  tt.return
}
//--- narrow.mlir
// NARROW: [tt.atomic_poll] i8 is not polled: Triton polls 16, 32 and 64 bits.
tt.func public @narrow(%flag: !tt.ptr<i8>, %v: i8) {
  %seen = tt.atomic_poll acquire, gpu, %flag, %v : !tt.ptr<i8>, i8 -> i1
  tt.return
}
//--- last.mlir
// The last program reads what the others have stored: all threads have stored before it counts, and all wait for the count.
// LAST: arg1[0] = arg2;
// LAST: TM_BARRIER(mem_device_and_threadgroup)
// LAST: tm::atomic_add(arg0, 1, tm::acq_rel)
// LAST: TM_BARRIER(mem_device_and_threadgroup)
// LAST: if (
// ORDER: kernel.py:6:1: [tt.atomic_rmw] What line 5 does before this must be seen by line 7 in another program, and Metal 3.1 has no order between threadgroups: refused on m1.
tt.func public @last(%count: !tt.ptr<i32>, %p: !tt.ptr<i32>, %x: i32, %out: !tt.ptr<i32>) {
  %c1 = arith.constant 1 : i32
  %true = arith.constant true
  tt.store %p, %x : !tt.ptr<i32> loc("kernel.py":5:1)
  %before = tt.atomic_rmw add, acq_rel, gpu, %count, %c1, %true : (!tt.ptr<i32>, i32, i1) -> i32 loc("kernel.py":6:1)
  %isLast = arith.cmpi eq, %before, %x : i32
  scf.if %isLast {
    %y = tt.load %p : !tt.ptr<i32> loc("kernel.py":7:1)
    tt.store %out, %y : !tt.ptr<i32>
  }
  tt.return
}
//--- unread.mlir
// Nobody looks at the count, so it orders nothing, and no thread waits.
// UNREAD-NOT: TM_BARRIER
// UNREAD: tm::atomic_add(arg0, 1, tm::acq_rel);
tt.func public @unread(%count: !tt.ptr<i32>, %p: !tt.ptr<i32>, %q: !tt.ptr<i32>, %x: i32) {
  %c1 = arith.constant 1 : i32
  %true = arith.constant true
  tt.store %p, %x : !tt.ptr<i32>
  %before = tt.atomic_rmw add, acq_rel, gpu, %count, %c1, %true : (!tt.ptr<i32>, i32, i1) -> i32
  tt.store %p, %c1 : !tt.ptr<i32>
  tt.return
}
