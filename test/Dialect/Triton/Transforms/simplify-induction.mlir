// SPDX-License-Identifier: MIT
// Which blocks of a loop become functions of a counter, and which stay.
// RUN: triton-metal-opt %s -split-input-file -tt-simplify-induction -canonicalize | FileCheck %s

// Narrow integers wrap as their sums did. The value after the loop is a function of the counter too.
// CHECK-LABEL: tt.func public @narrow
// CHECK: %[[TRIPS:.*]] = scf.for {{.*}} iter_args(%[[TRIP:.*]] = %c0_i64) -> (i64)
// CHECK: %[[NARROW:.*]] = arith.trunci %[[TRIP]] : i64 to i16
// CHECK: arith.muli {{.*}} : tensor<32xi16>
// CHECK: arith.addi {{.*}} : tensor<32xi16>
// CHECK: scf.yield
// CHECK: arith.trunci %[[TRIPS]] : i64 to i16
// CHECK: arith.addi {{.*}} : tensor<32xi16>
tt.func public @narrow(%p: tensor<32x!tt.ptr<i16>>, %start: tensor<32xi16>, %step: i16, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %end = scf.for %i = %c0 to %n step %c1 iter_args(%v = %start) -> (tensor<32xi16>) : i32 {
    tt.store %p, %v : tensor<32x!tt.ptr<i16>>
    %steps = tt.splat %step : i16 -> tensor<32xi16>
    %next = arith.addi %steps, %v : tensor<32xi16>
    scf.yield %next : tensor<32xi16>
  }
  tt.store %p, %end : tensor<32x!tt.ptr<i16>>
  tt.return
}

// -----

// A step that changes from trip to trip, a difference and a product are still carried.
// CHECK-LABEL: tt.func public @others
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %arg0, %{{.*}} = %arg1, %{{.*}} = %arg1)
// CHECK-NOT: arith.trunci
tt.func public @others(%p: tensor<32x!tt.ptr<i32>>, %v: tensor<32xi32>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %two = arith.constant dense<2> : tensor<32xi32>
  %r:3 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %p, %b = %v, %c = %v)
      -> (tensor<32x!tt.ptr<i32>>, tensor<32xi32>, tensor<32xi32>) : i32 {
    %s = tt.splat %i : i32 -> tensor<32xi32>
    %x = tt.addptr %a, %s : tensor<32x!tt.ptr<i32>>, tensor<32xi32>
    %y = arith.subi %two, %b : tensor<32xi32>
    %z = arith.muli %c, %two : tensor<32xi32>
    tt.store %a, %b : tensor<32x!tt.ptr<i32>>
    scf.yield %x, %y, %z : tensor<32x!tt.ptr<i32>>, tensor<32xi32>, tensor<32xi32>
  }
  tt.store %r#0, %r#2 : tensor<32x!tt.ptr<i32>>
  tt.return
}

// -----

// Scalars stay, because they are cheap to carry.
// CHECK-LABEL: tt.func public @scalar
// CHECK: scf.for {{.*}} iter_args(%{{.*}} = %arg0) -> (!tt.ptr<i32>)
tt.func public @scalar(%p: !tt.ptr<i32>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %end = scf.for %i = %c0 to %n step %c1 iter_args(%q = %p) -> (!tt.ptr<i32>) : i32 {
    tt.store %q, %i : !tt.ptr<i32>
    %next = tt.addptr %q, %c1 : !tt.ptr<i32>, i32
    scf.yield %next : !tt.ptr<i32>
  }
  tt.return
}
