// SPDX-License-Identifier: MIT
// With unsigned bounds, trips are counted as unsigned 64-bit integers. Signed loops stay as they are.
// RUN: triton-metal-opt %s -split-input-file -tt-count-unsigned-loops | FileCheck %s

// CHECK-LABEL: tt.func public @unsigned
// CHECK-SAME: (%[[P:.*]]: !tt.ptr<i32>, %[[LOWER:.*]]: i32, %[[UPPER:.*]]: i32, %[[STEP:.*]]: i32)
// CHECK-DAG: %[[FIRST:.*]] = arith.extui %[[LOWER]] : i32 to i64
// CHECK-DAG: %[[LAST:.*]] = arith.extui %[[UPPER]] : i32 to i64
// CHECK: %[[ANY:.*]] = arith.cmpi ult, %[[FIRST]], %[[LAST]] : i64
// CHECK: arith.extui %[[STEP]] : i32 to i64
// CHECK: arith.divui
// CHECK: %[[TRIPS:.*]] = arith.select %[[ANY]]
// CHECK: %[[SUM:.*]] = scf.for %[[K:.*]] = %{{.*}} to %[[TRIPS]] step %{{.*}} iter_args(%[[ACC:.*]] = %{{.*}}) -> (i32) : i64 {
// CHECK: %[[NARROW:.*]] = arith.trunci %[[K]] : i64 to i32
// CHECK: %[[FAR:.*]] = arith.muli %[[NARROW]], %[[STEP]] : i32
// CHECK: %[[I:.*]] = arith.addi %[[LOWER]], %[[FAR]] : i32
// CHECK: arith.xori %[[ACC]], %[[I]] : i32
// CHECK: } {tt.num_stages = 3 : i32}
// CHECK: tt.store %[[P]], %[[SUM]]
tt.func public @unsigned(%p: !tt.ptr<i32>, %lower: i32, %upper: i32, %step: i32) {
  %c0 = arith.constant 0 : i32
  %sum = scf.for unsigned %i = %lower to %upper step %step iter_args(%acc = %c0) -> (i32) : i32 {
    %next = arith.xori %acc, %i : i32
    scf.yield %next : i32
  } {tt.num_stages = 3 : i32}
  tt.store %p, %sum : !tt.ptr<i32>
  tt.return
}

// -----

// CHECK-LABEL: tt.func public @signed
// CHECK-NOT: arith.extui
// CHECK: scf.for %{{.*}} = %{{.*}} to %{{.*}} step %{{.*}} : i32
tt.func public @signed(%p: !tt.ptr<i32>, %upper: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  scf.for %i = %c0 to %upper step %c1 : i32 {
    tt.store %p, %i : !tt.ptr<i32>
  }
  tt.return
}

// -----

// Nested loops of 64 bits, each with a bound that would be negative as a signed number.
// CHECK-LABEL: tt.func public @nested
// CHECK-COUNT-2: arith.cmpi ult
// CHECK-NOT: scf.for unsigned
tt.func public @nested(%p: !tt.ptr<i64>, %upper: i64) {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  scf.for unsigned %i = %c0 to %upper step %c1 : i64 {
    scf.for unsigned %j = %i to %upper step %c1 : i64 {
      tt.store %p, %j : !tt.ptr<i64>
    }
  }
  tt.return
}
