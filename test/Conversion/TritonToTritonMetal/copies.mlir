// SPDX-License-Identifier: MIT
// Threads hold copies of a small block, of which only the owner of an element stores. One thread stores scalars.
// RUN: triton-metal-opt %s -tt-distribute | FileCheck %s

// CHECK-LABEL: tm.kernel @few
// CHECK: tm.region <shape = [16], registers = [], lanes = [1, 2, 4, 8, 0], simdgroups = [0, 0]>
// CHECK: %[[LANE:.*]] = tm.lane
// CHECK: arith.andi %[[LANE]]
// CHECK: %[[GROUP:.*]] = tm.simdgroup
// CHECK: arith.andi %[[GROUP]]
// CHECK: %[[OWNER:.*]] = arith.andi %{{.*}}, %{{.*}} : i1
// CHECK: tm.store %{{.*}} mask %[[OWNER]]
// CHECK: tm.single
// CHECK-NEXT: tm.store
tt.func public @few(%out: !tt.ptr<i32>) {
  %c0 = arith.constant 0 : i32
  %range = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<16xi32>
  %os = tt.splat %out : !tt.ptr<i32> -> tensor<16x!tt.ptr<i32>>
  %op = tt.addptr %os, %range : tensor<16x!tt.ptr<i32>>, tensor<16xi32>
  tt.store %op, %range : tensor<16x!tt.ptr<i32>>
  tt.store %out, %c0 : !tt.ptr<i32>
  tt.return
}
