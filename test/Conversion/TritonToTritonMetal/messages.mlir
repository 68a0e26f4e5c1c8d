// SPDX-License-Identifier: MIT
// A message to the host carries the value and the index of an element, once for each element.
// RUN: triton-metal-opt %s -split-input-file -tt-distribute -canonicalize -cse | FileCheck %s

// CHECK-LABEL: tm.kernel @print_block
// CHECK: tm.region <shape = [16]
// CHECK-NOT: vectorizable
// CHECK: %[[I:.*]] = tm.coord {{.*}} dim 0
// CHECK: %[[OWNER:.*]] = arith.andi %{{.*}}, %{{.*}} : i1
// CHECK: scf.if %[[OWNER]]
// CHECK: tm.print " x: " hex false values %{{.*}} : i32 at %[[I]] : i32 {isSigned = array<i32: 1>}
tt.func public @print_block(%x: !tt.ptr<i32>) {
  %range = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<16xi32>
  %xs = tt.splat %x : !tt.ptr<i32> -> tensor<16x!tt.ptr<i32>>
  %xp = tt.addptr %xs, %range : tensor<16x!tt.ptr<i32>>, tensor<16xi32>
  %v = tt.load %xp : tensor<16x!tt.ptr<i32>>
  tt.print " x: " {hex = false, isSigned = array<i32: 1>} : %v : tensor<16xi32>
  tt.return
}

// -----

// CHECK-LABEL: tm.kernel @print_scalar
// CHECK: tm.single
// CHECK-NEXT: tm.print " n: " hex true values %arg0 : i32 {isSigned = array<i32: 0>}
tt.func public @print_scalar(%n: i32) {
  tt.print " n: " {hex = true, isSigned = array<i32: 0>} : %n : i32
  tt.return
}

// -----

// When several threads hold an element, only its owner reports.
// CHECK-LABEL: tm.kernel @assert_block
// CHECK: %[[FINE:.*]] = arith.cmpi sge
// CHECK: %[[OWNER:.*]] = arith.andi %{{.*}}, %{{.*}} : i1
// CHECK: scf.if %[[OWNER]]
// CHECK-NEXT: tm.assert %[[FINE]], "negative"
tt.func public @assert_block(%x: !tt.ptr<i32>) {
  %range = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<16xi32>
  %xs = tt.splat %x : !tt.ptr<i32> -> tensor<16x!tt.ptr<i32>>
  %xp = tt.addptr %xs, %range : tensor<16x!tt.ptr<i32>>, tensor<16xi32>
  %v = tt.load %xp : tensor<16x!tt.ptr<i32>>
  %zero = arith.constant dense<0> : tensor<16xi32>
  %fine = arith.cmpi sge, %v, %zero : tensor<16xi32>
  tt.assert %fine, "negative" : tensor<16xi1>
  tt.return
}

// -----

// CHECK-LABEL: tm.kernel @assert_scalar
// CHECK: tm.single
// CHECK-NEXT: tm.assert %arg0, "never"
tt.func public @assert_scalar(%c: i1) {
  tt.assert %c, "never" : i1
  tt.return
}
