// SPDX-License-Identifier: MIT
// RUN: triton-metal-opt %s -split-input-file -tt-fuse-multiply-add | FileCheck %s

// CHECK-LABEL: @sum_of_either_side
// CHECK-SAME: %[[A:.*]]: tensor<8xf32>, %[[B:.*]]: tensor<8xf32>, %[[C:.*]]: tensor<8xf32>
tt.func @sum_of_either_side(%a: tensor<8xf32>, %b: tensor<8xf32>, %c: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  // CHECK-NOT: arith
  // CHECK: %[[LEFT:.*]] = math.fma %[[A]], %[[B]], %[[C]] : tensor<8xf32>
  // CHECK: %[[RIGHT:.*]] = math.fma %[[A]], %[[C]], %[[B]] : tensor<8xf32>
  // CHECK: tt.return %[[LEFT]], %[[RIGHT]]
  %0 = arith.mulf %a, %b : tensor<8xf32>
  %1 = arith.addf %0, %c : tensor<8xf32>
  %2 = arith.mulf %a, %c : tensor<8xf32>
  %3 = arith.addf %b, %2 : tensor<8xf32>
  tt.return %1, %3 : tensor<8xf32>, tensor<8xf32>
}

// -----

// CHECK-LABEL: @differences
// CHECK-SAME: %[[A:.*]]: f16, %[[B:.*]]: f16, %[[C:.*]]: f16
tt.func @differences(%a: f16, %b: f16, %c: f16) -> (f16, f16) {
  // CHECK: %[[MINUS_C:.*]] = arith.negf %[[C]]
  // CHECK: math.fma %[[A]], %[[B]], %[[MINUS_C]] : f16
  // CHECK: %[[MINUS_A:.*]] = arith.negf %[[A]]
  // CHECK: math.fma %[[MINUS_A]], %[[B]], %[[C]] : f16
  %0 = arith.mulf %a, %b : f16
  %1 = arith.subf %0, %c : f16
  %2 = arith.mulf %a, %b : f16
  %3 = arith.subf %c, %2 : f16
  tt.return %1, %3 : f16, f16
}

// -----

// Of two products, the left one is fused.
// CHECK-LABEL: @two_products
// CHECK-SAME: %[[A:.*]]: f64, %[[B:.*]]: f64, %[[C:.*]]: f64, %[[D:.*]]: f64
tt.func @two_products(%a: f64, %b: f64, %c: f64, %d: f64) -> f64 {
  // CHECK: %[[RIGHT:.*]] = arith.mulf %[[C]], %[[D]]
  // CHECK: math.fma %[[A]], %[[B]], %[[RIGHT]]
  %0 = arith.mulf %a, %b : f64
  %1 = arith.mulf %c, %d : f64
  %2 = arith.addf %0, %1 : f64
  tt.return %2 : f64
}

// -----

// In a chain of sums each one takes its own product.
// CHECK-LABEL: @chain
// CHECK-COUNT-2: math.fma
// CHECK-NOT: arith.{{mulf|addf}}
// CHECK: tt.return
tt.func @chain(%a: f32, %b: f32, %c: f32) -> f32 {
  %0 = arith.mulf %a, %b : f32
  %1 = arith.addf %0, %c : f32
  %2 = arith.mulf %1, %b : f32
  %3 = arith.addf %2, %c : f32
  tt.return %3 : f32
}

// -----

// Not fused: a product with another use, one that is computed outside of the loop, and one of bfloat.
// CHECK-LABEL: @stays
// CHECK-NOT: math.fma
// CHECK: tt.return
tt.func @stays(%a: f32, %b: f32, %h: bf16, %n: i32) -> (f32, f32, f32, bf16) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %0 = arith.mulf %a, %b : f32
  %1 = arith.addf %0, %a : f32
  %2 = arith.mulf %a, %a : f32
  %3 = scf.for %i = %c0 to %n step %c1 iter_args(%x = %b) -> f32 : i32 {
    %y = arith.addf %2, %x : f32
    scf.yield %y : f32
  }
  %4 = arith.mulf %h, %h : bf16
  %5 = arith.addf %4, %h : bf16
  tt.return %0, %1, %3, %5 : f32, f32, f32, bf16
}
