// SPDX-License-Identifier: MIT
// RUN: triton-metal-opt %s -canonicalize -cse -split-input-file | FileCheck %s

// CHECK-LABEL: @splats
tt.func @splats(%x: f32) -> (tensor<4xf32>, tensor<1x4xf32>, tensor<2x2xf32>, tensor<8xi32>, tensor<4x8xf32>, f32) {
  // CHECK-DAG: %[[S:.*]] = tt.splat %arg0 : f32 -> tensor<4xf32>
  // CHECK-DAG: %[[E:.*]] = tt.splat %arg0 : f32 -> tensor<1x4xf32>
  // CHECK-DAG: %[[R:.*]] = tt.splat %arg0 : f32 -> tensor<2x2xf32>
  // CHECK-DAG: %[[C:.*]] = arith.constant dense<7> : tensor<8xi32>
  // CHECK-DAG: %[[B:.*]] = tt.splat %arg0 : f32 -> tensor<4x8xf32>
  // CHECK: tt.return %[[S]], %[[E]], %[[R]], %[[C]], %[[B]], %arg0
  %s = tt.splat %x : f32 -> tensor<4xf32>
  %e = tt.expand_dims %s {axis = 0 : i32} : tensor<4xf32> -> tensor<1x4xf32>
  %r = tt.reshape %s : tensor<4xf32> -> tensor<2x2xf32>
  %c7 = arith.constant 7 : i32
  %c = tt.splat %c7 : i32 -> tensor<8xi32>
  %v = tt.expand_dims %s {axis = 1 : i32} : tensor<4xf32> -> tensor<4x1xf32>
  %b = tt.broadcast %v : tensor<4x1xf32> -> tensor<4x8xf32>
  %one = tt.splat %x : f32 -> tensor<1xf32>
  %u = tt.unsplat %one : tensor<1xf32>
  tt.return %s, %e, %r, %c, %b, %u : tensor<4xf32>, tensor<1x4xf32>, tensor<2x2xf32>, tensor<8xi32>, tensor<4x8xf32>, f32
}

// -----

// CHECK-LABEL: @constants
tt.func @constants() -> (tensor<4x1xi32>, tensor<4x8xi32>, tensor<2x4xi32>, tensor<2x2xi32>) {
  // CHECK-DAG: arith.constant dense<3> : tensor<4x1xi32>
  // CHECK-DAG: arith.constant dense<3> : tensor<4x8xi32>
  // CHECK-DAG: arith.constant dense<5> : tensor<2x4xi32>
  // CHECK-DAG: arith.constant dense<{{\[}}[1, 2], [3, 4]]> : tensor<2x2xi32>
  // CHECK-NEXT: tt.return
  %c = arith.constant dense<3> : tensor<4xi32>
  %e = tt.expand_dims %c {axis = 1 : i32} : tensor<4xi32> -> tensor<4x1xi32>
  %b = tt.broadcast %e : tensor<4x1xi32> -> tensor<4x8xi32>
  %f = arith.constant dense<5> : tensor<4x2xi32>
  %t = tt.trans %f {order = array<i32: 1, 0>} : tensor<4x2xi32> -> tensor<2x4xi32>
  %d = arith.constant dense<[1, 2, 3, 4]> : tensor<4xi32>
  %r = tt.reshape %d : tensor<4xi32> -> tensor<2x2xi32>
  tt.return %e, %b, %t, %r : tensor<4x1xi32>, tensor<4x8xi32>, tensor<2x4xi32>, tensor<2x2xi32>
}

// -----

// CHECK-LABEL: @shapes
tt.func @shapes(%x: tensor<2x4x8xf32>, %y: tensor<4xf32>) -> (tensor<2x4x8xf32>, tensor<8x2x4xf32>, tensor<64xf32>, tensor<4xf32>, tensor<4xf32>) {
  // CHECK: %[[T:.*]] = tt.trans %arg0 {order = array<i32: 2, 0, 1>} : tensor<2x4x8xf32> -> tensor<8x2x4xf32>
  // CHECK: %[[R:.*]] = tt.reshape %arg0 : tensor<2x4x8xf32> -> tensor<64xf32>
  // CHECK: tt.return %arg0, %[[T]], %[[R]], %arg1, %arg1
  %a = tt.trans %x {order = array<i32: 1, 2, 0>} : tensor<2x4x8xf32> -> tensor<4x8x2xf32>
  %b = tt.trans %a {order = array<i32: 2, 0, 1>} : tensor<4x8x2xf32> -> tensor<2x4x8xf32>
  %c = tt.trans %a {order = array<i32: 1, 2, 0>} : tensor<4x8x2xf32> -> tensor<8x2x4xf32>
  %d = tt.reshape %x : tensor<2x4x8xf32> -> tensor<8x8xf32>
  %e = tt.reshape %d : tensor<8x8xf32> -> tensor<64xf32>
  %j = tt.join %y, %y : tensor<4xf32> -> tensor<4x2xf32>
  %l, %r = tt.split %j : tensor<4x2xf32> -> tensor<4xf32>
  tt.return %b, %c, %e, %l, %r : tensor<2x4x8xf32>, tensor<8x2x4xf32>, tensor<64xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// CHECK-LABEL: @pointers
tt.func @pointers(%p: !tt.ptr<f32>, %t: tensor<4x!tt.ptr<f32>>) -> (!tt.ptr<f32>, tensor<4x!tt.ptr<f32>>, !tt.ptr<f32>) {
  // CHECK: tt.return %arg0, %arg1, %arg0
  %c0 = arith.constant 0 : i32
  %z = arith.constant dense<0> : tensor<4xi64>
  %a = tt.addptr %p, %c0 : !tt.ptr<f32>, i32
  %b = tt.addptr %t, %z : tensor<4x!tt.ptr<f32>>, tensor<4xi64>
  %i = tt.bitcast %p : !tt.ptr<f32> -> !tt.ptr<i8>
  %f = tt.bitcast %i : !tt.ptr<i8> -> !tt.ptr<f32>
  tt.return %a, %b, %f : !tt.ptr<f32>, tensor<4x!tt.ptr<f32>>, !tt.ptr<f32>
}

// -----

// CHECK-LABEL: @masks
tt.func @masks(%p: tensor<4x!tt.ptr<f32>>, %o: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  // CHECK: %[[L:.*]] = tt.load %arg0 : tensor
  // CHECK-NEXT: tt.store %arg0, %[[L]] : tensor
  // CHECK-NEXT: tt.return %[[L]], %arg1
  %true = arith.constant dense<true> : tensor<4xi1>
  %false = arith.constant dense<false> : tensor<4xi1>
  %a = tt.load %p, %true, %o : tensor<4x!tt.ptr<f32>>
  %b = tt.load %p, %false, %o : tensor<4x!tt.ptr<f32>>
  tt.store %p, %a, %true : tensor<4x!tt.ptr<f32>>
  tt.store %p, %b, %false : tensor<4x!tt.ptr<f32>>
  tt.return %a, %b : tensor<4xf32>, tensor<4xf32>
}

// -----

// Loads merge only when nothing can have been stored in between.
// CHECK-LABEL: @effects
tt.func @effects(%p: !tt.ptr<i32>, %q: !tt.ptr<i32>) -> (i32, i32, i32, i32) {
  // CHECK: %[[A:.*]] = tt.load %arg0
  // CHECK-NEXT: tt.store %arg1, %[[A]]
  // CHECK-NEXT: %[[B:.*]] = tt.load %arg0 : !tt.ptr<i32>
  // CHECK-NEXT: tt.load %arg0 {isVolatile = true}
  // CHECK-NEXT: tt.atomic_rmw add
  // CHECK-NEXT: tt.elementwise_inline_asm "nop"
  // CHECK-NEXT: tt.return %[[A]], %[[A]], %[[B]], %[[B]]
  %a = tt.load %p : !tt.ptr<i32>
  %b = tt.load %p : !tt.ptr<i32>
  tt.store %q, %a : !tt.ptr<i32>
  %c = tt.load %p : !tt.ptr<i32>
  %d = tt.load %p : !tt.ptr<i32>
  %unused = tt.load %q : !tt.ptr<i32>
  %volatile = tt.load %p {isVolatile = true} : !tt.ptr<i32>
  %old = tt.atomic_rmw add, relaxed, gpu, %p, %a : (!tt.ptr<i32>, i32) -> i32
  %kept = tt.elementwise_inline_asm "nop" {constraints = "=r", packed_element = 1 : i32, pure = false} -> i32
  %gone = tt.elementwise_inline_asm "mov" {constraints = "=r", packed_element = 1 : i32, pure = true} -> i32
  tt.return %a, %b, %c, %d : i32, i32, i32, i32
}

// -----

// A reduction is as pure as its region.
// CHECK-LABEL: @reductions
tt.func @reductions(%x: tensor<4xi32>) {
  // CHECK: "tt.reduce"
  // CHECK: tt.print
  // CHECK-NOT: "tt.reduce"
  // CHECK: tt.return
  %0 = "tt.reduce"(%x) <{axis = 0 : i32}> ({
  ^bb0(%a: i32, %b: i32):
    tt.print "a: " {hex = false, isSigned = array<i32: 1>} : %a : i32
    tt.reduce.return %a : i32
  }) : (tensor<4xi32>) -> i32
  %1 = "tt.reduce"(%x) <{axis = 0 : i32}> ({
  ^bb0(%a: i32, %b: i32):
    %s = arith.addi %a, %b : i32
    tt.reduce.return %s : i32
  }) : (tensor<4xi32>) -> i32
  tt.return
}
