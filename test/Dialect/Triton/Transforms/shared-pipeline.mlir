// SPDX-License-Identifier: MIT
// RUN: triton-metal-opt %s -tt-shared-pipeline | FileCheck %s

// An early return around a loop, a call in the loop that also returns early, a descriptor that is passed on.
// CHECK-LABEL: tt.func public @kernel(%arg0: !tt.ptr<f32>, %arg1: i64, %arg2: i64, %arg3: i1, %arg4: i1, %arg5: i32)
// CHECK-NOT: {{ cf[.]|tt[.]call|tensordesc|tt[.]descriptor}}
// CHECK: scf.if
// CHECK: scf.for
// CHECK: tt.load
// CHECK: scf.if
// CHECK: tt.store
// CHECK: tt.return
// CHECK-NOT: tt.func
tt.func public @kernel(%d: !tt.tensordesc<4xf32>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %none = arith.cmpi sle, %n, %c0 : i32
  cf.cond_br %none, ^out, ^work
^out:
  tt.return
^work:
  scf.for %i = %c0 to %n step %c1 : i32 {
    tt.call @step(%d, %i) : (!tt.tensordesc<4xf32>, i32) -> ()
  }
  tt.return
}
tt.func private @step(%d: !tt.tensordesc<4xf32>, %i: i32) attributes {noinline = true} {
  %c7 = arith.constant 7 : i32
  %v = tt.descriptor_load %d[%i] : !tt.tensordesc<4xf32> -> tensor<4xf32>
  %skip = arith.cmpi eq, %i, %c7 : i32
  cf.cond_br %skip, ^out, ^work
^out:
  tt.return
^work:
  tt.descriptor_store %d[%i], %v : !tt.tensordesc<4xf32>, tensor<4xf32>
  tt.return
}
