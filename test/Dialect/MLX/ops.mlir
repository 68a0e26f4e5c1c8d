// SPDX-License-Identifier: MIT
// One operation of each family, with the result types that are inferred.
// RUN: triton-metal-opt %s | triton-metal-opt | FileCheck %s

// CHECK-LABEL: func.func @elementwise
func.func @elementwise(%a: tensor<4x1xf32>, %b: tensor<1x8xf32>, %c: tensor<8xi1>) {
  // CHECK: mlx.add %{{.*}}, %{{.*}} : tensor<4x1xf32>, tensor<1x8xf32> -> tensor<4x8xf32>
  %sum = mlx.add %a, %b : tensor<4x1xf32>, tensor<1x8xf32> -> tensor<4x8xf32>
  // CHECK: mlx.less %{{.*}} -> tensor<4x8xi1>
  %less = mlx.less %a, %sum : tensor<4x1xf32>, tensor<4x8xf32> -> tensor<4x8xi1>
  // CHECK: mlx.isnan %{{.*}} : tensor<4x1xf32> -> tensor<4x1xi1>
  %nan = mlx.isnan %a : tensor<4x1xf32> -> tensor<4x1xi1>
  // An operand of lower rank is aligned at the last axis.
  // CHECK: mlx.where %{{.*}} : tensor<8xi1>, tensor<4x1xf32>, tensor<1x8xf32> -> tensor<4x8xf32>
  %where = mlx.where %c, %a, %b : tensor<8xi1>, tensor<4x1xf32>, tensor<1x8xf32> -> tensor<4x8xf32>
  return
}

// CHECK-LABEL: func.func @conversions
func.func @conversions(%a: tensor<4x8xf32>, %scalar: tensor<f32>) {
  // CHECK: mlx.astype %{{.*}} : tensor<4x8xf32> -> tensor<4x8xi32>
  %cast = mlx.astype %a : tensor<4x8xf32> -> tensor<4x8xi32>
  // CHECK: mlx.view %{{.*}} : tensor<4x8xf32> -> tensor<4x16xui16>
  %bits = mlx.view %a : tensor<4x8xf32> -> tensor<4x16xui16>
  // CHECK: mlx.view %{{.*}} : tensor<f32> -> tensor<i32>
  %one = mlx.view %scalar : tensor<f32> -> tensor<i32>
  return
}

// CHECK-LABEL: func.func @shapes
func.func @shapes(%a: tensor<4x8xf32>, %flat: tensor<32xf32>, %zero: tensor<f32>) {
  // CHECK: mlx.transpose %{{.*}} {axes = array<i64: 1, 0>} : tensor<4x8xf32> -> tensor<8x4xf32>
  %t = mlx.transpose %a {axes = array<i64: 1, 0>} : tensor<4x8xf32> -> tensor<8x4xf32>
  // Every other column, and the rows from the last one to the first.
  // CHECK: mlx.slice %{{.*}} -> tensor<4x4xf32>
  %s = mlx.slice %a {start = array<i64: 3, 1>, stop = array<i64: -5, 8>, strides = array<i64: -1, 2>} : tensor<4x8xf32> -> tensor<4x4xf32>
  // CHECK: mlx.as_strided %{{.*}} -> tensor<4x2xf32>
  %v = mlx.as_strided %flat {strides = array<i64: 8, -1>, offset = 1 : i64} : tensor<32xf32> -> tensor<4x2xf32>
  // CHECK: mlx.pad %{{.*}} -> tensor<5x10xf32>
  %p = mlx.pad %a, %zero {low = array<i64: 0, 1>, high = array<i64: 1, 1>} : tensor<4x8xf32>, tensor<f32> -> tensor<5x10xf32>
  // CHECK: mlx.concatenate %{{.*}} {axis = 0 : i64} : tensor<4x8xf32>, tensor<5x8xf32> -> tensor<9x8xf32>
  %more = mlx.slice %p {start = array<i64: 0, 0>, stop = array<i64: 5, 8>, strides = array<i64: 1, 1>} : tensor<5x10xf32> -> tensor<5x8xf32>
  %c = mlx.concatenate %a, %more {axis = 0 : i64} : tensor<4x8xf32>, tensor<5x8xf32> -> tensor<9x8xf32>
  // CHECK: mlx.slice_update %{{.*}} : tensor<9x8xf32>, tensor<4x8xf32> -> tensor<9x8xf32>
  %u = mlx.slice_update %c, %a {start = array<i64: 5, 0>, stop = array<i64: 9, 8>} : tensor<9x8xf32>, tensor<4x8xf32> -> tensor<9x8xf32>
  return
}

// CHECK-LABEL: func.func @indexing
func.func @indexing(%a: tensor<4x8x2xf16>, %i: tensor<3x5xi32>, %j: tensor<4x1x2xi32>, %flat: tensor<16xi32>,
                    %k: tensor<3xi64>, %x: tensor<3xi32>) {
  // CHECK: mlx.take %{{.*}} {axis = 1 : i64} : tensor<4x8x2xf16>, tensor<3x5xi32> -> tensor<4x3x5x2xf16>
  %taken = mlx.take %a, %i {axis = 1 : i64} : tensor<4x8x2xf16>, tensor<3x5xi32> -> tensor<4x3x5x2xf16>
  // CHECK: mlx.take_along_axis %{{.*}} -> tensor<4x1x2xf16>
  %along = mlx.take_along_axis %a, %j {axis = 1 : i64} : tensor<4x8x2xf16>, tensor<4x1x2xi32> -> tensor<4x1x2xf16>
  // CHECK: mlx.scatter %{{.*}} {reduction = "max"}
  %s = mlx.scatter %flat, %k, %x {reduction = "max"} : tensor<16xi32>, tensor<3xi64>, tensor<3xi32> -> tensor<16xi32>
  return
}

// CHECK-LABEL: func.func @reductions
func.func @reductions(%a: tensor<4x8xf32>, %m: tensor<4x8xi1>, %b: tensor<8x2xf32>) {
  // CHECK: mlx.sum %{{.*}} {axes = array<i64: 0, 1>} : tensor<4x8xf32> -> tensor<1x1xf32>
  %sum = mlx.sum %a {axes = array<i64: 0, 1>} : tensor<4x8xf32> -> tensor<1x1xf32>
  // CHECK: mlx.any %{{.*}} : tensor<4x8xi1> -> tensor<4x1xi1>
  %any = mlx.any %m {axes = array<i64: 1>} : tensor<4x8xi1> -> tensor<4x1xi1>
  // CHECK: mlx.cummax %{{.*}} : tensor<4x8xf32> -> tensor<4x8xf32>
  %scan = mlx.cummax %a {axis = 1 : i64, reverse = true} : tensor<4x8xf32> -> tensor<4x8xf32>
  // CHECK: mlx.matmul %{{.*}} : tensor<4x8xf32>, tensor<8x2xf32> -> tensor<4x2xf32>
  %product = mlx.matmul %a, %b : tensor<4x8xf32>, tensor<8x2xf32> -> tensor<4x2xf32>
  return
}
