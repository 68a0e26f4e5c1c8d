// SPDX-License-Identifier: MIT
// A combine function with effects has them once for each combination, in the thread that stands for all of its copies.
// RUN: triton-metal-opt %s -split-input-file -tt-distribute="simdgroups=2" | FileCheck %s

// After the step over bit 1 of the lane, four lanes hold the same sum: the one with zeros in both bits asserts.
// CHECK-LABEL: tm.kernel @reduce
// CHECK: tm.shuffle_xor {{.*}} mask 2 :
// CHECK: tm.region {{.*}} {
// CHECK-NOT: vectorizable
// CHECK: %[[LANE:.*]] = tm.lane
// CHECK: %[[THREE:.*]] = arith.constant 3
// CHECK: %[[BITS:.*]] = arith.andi %[[LANE]], %[[THREE]]
// CHECK: %[[FIRST:.*]] = arith.cmpi eq, %[[BITS]]
// CHECK: scf.if %[[FIRST]] {
// CHECK-NEXT: tm.assert
// CHECK-NEXT: }
// CHECK: tm.region <shape = [], registers = [], lanes = [0, 0, 0, 0, 0], simdgroups = [0]> {
// CHECK: scf.if
// CHECK-NEXT: tm.assert
tt.func public @reduce(%x_ptr: !tt.ptr<i32>, %out: !tt.ptr<i32>) {
  %i = tt.make_range {start = 0 : i32, end = 64 : i32} : tensor<64xi32>
  %b = tt.splat %x_ptr : !tt.ptr<i32> -> tensor<64x!tt.ptr<i32>>
  %p = tt.addptr %b, %i : tensor<64x!tt.ptr<i32>>, tensor<64xi32>
  %x = tt.load %p : tensor<64x!tt.ptr<i32>>
  %s = "tt.reduce"(%x) <{axis = 0 : i32}> ({
  ^bb0(%l: i32, %r: i32):
    %c = arith.cmpi slt, %l, %r : i32
    tt.assert %c, "order" : i1
    %m = arith.addi %l, %r : i32
    tt.reduce.return %m : i32
  }) : (tensor<64xi32>) -> i32
  tt.store %out, %s : !tt.ptr<i32>
  tt.return
}

// -----

// A lane that no earlier element reaches combines too, but stores nothing. The mask of the store is kept.
// CHECK-LABEL: tm.kernel @scan
// CHECK: tm.shuffle_up
// CHECK: %[[REACHED:.*]] = arith.cmpi sge
// CHECK: %[[WHEN:.*]] = arith.andi {{.*}}, %[[REACHED]]
// CHECK: %[[LESS:.*]] = arith.cmpi slt
// CHECK: %[[BOTH:.*]] = arith.andi %[[WHEN]], %[[LESS]]
// CHECK: tm.store {{.*}} mask %[[BOTH]]
tt.func public @scan(%x_ptr: !tt.ptr<i32>, %flag: !tt.ptr<i32>) {
  %one = arith.constant 1 : i32
  %i = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<16xi32>
  %b = tt.splat %x_ptr : !tt.ptr<i32> -> tensor<16x!tt.ptr<i32>>
  %p = tt.addptr %b, %i : tensor<16x!tt.ptr<i32>>, tensor<16xi32>
  %x = tt.load %p : tensor<16x!tt.ptr<i32>>
  %s = "tt.scan"(%x) <{axis = 0 : i32, reverse = false}> ({
  ^bb0(%l: i32, %r: i32):
    %c = arith.cmpi slt, %l, %r : i32
    tt.store %flag, %one, %c : !tt.ptr<i32>
    %m = arith.addi %l, %r : i32
    tt.scan.return %m : i32
  }) : (tensor<16xi32>) -> tensor<16xi32>
  tt.store %p, %s : tensor<16x!tt.ptr<i32>>
  tt.return
}
