// SPDX-License-Identifier: MIT
// Pointers that move by a fixed step are computed from a counter; the step is widened before it is multiplied.
// RUN: triton-metal-opt %s -tt-simplify-induction -canonicalize | FileCheck %s

// CHECK-LABEL: tt.func public @walk
// CHECK: %[[START:.*]] = tt.splat %arg0
// CHECK: scf.for {{.*}} iter_args(%[[TRIP:.*]] = %c0_i64) -> (i64)
// CHECK: %[[TRIPS:.*]] = tt.splat %[[TRIP]] : i64
// CHECK: %[[FAR:.*]] = arith.muli %[[TRIPS]], %{{.*}} : tensor<64xi64>
// CHECK: tt.addptr %[[START]], %[[FAR]]
// CHECK: tt.store
// CHECK: arith.addi %[[TRIP]], %c1_i64
tt.func public @walk(%p: !tt.ptr<f32>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %v = arith.constant dense<1.0> : tensor<64xf32>
  %step = arith.constant dense<64> : tensor<64xi32>
  %ps = tt.splat %p : !tt.ptr<f32> -> tensor<64x!tt.ptr<f32>>
  %end = scf.for %i = %c0 to %n step %c1 iter_args(%q = %ps) -> (tensor<64x!tt.ptr<f32>>) : i32 {
    tt.store %q, %v : tensor<64x!tt.ptr<f32>>
    %next = tt.addptr %q, %step : tensor<64x!tt.ptr<f32>>, tensor<64xi32>
    scf.yield %next : tensor<64x!tt.ptr<f32>>
  }
  tt.return
}
