// SPDX-License-Identifier: MIT
// Loops over truth values: MLX has no reduction for every combiner, so such a loop stays unrolled.
// RUN: triton-metal-opt %s --raise-to-mlx="grid=1 args=ptr:128,ptr:32" | FileCheck %s
// CHECK-LABEL: func.func @parity
// CHECK-NOT: mlx.while
// CHECK: mlx.not_equal
// CHECK: mlx.not_equal
// CHECK: mlx.not_equal
// CHECK-NOT: mlx.sum
tt.func public @parity(%p: !tt.ptr<i32>, %out: !tt.ptr<i8>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %c2 = arith.constant 2 : i32
  %c8 = arith.constant 8 : i32
  %zero = arith.constant dense<0> : tensor<8xi32>
  %no = arith.constant dense<false> : tensor<8xi1>
  %range = tt.make_range {end = 8 : i32, start = 0 : i32} : tensor<8xi32>
  %ps = tt.splat %p : !tt.ptr<i32> -> tensor<8x!tt.ptr<i32>>
  %odd = scf.for %i = %c0 to %c2 step %c1 iter_args(%sum = %no) -> (tensor<8xi1>) : i32 {
    %row = arith.muli %i, %c8 : i32
    %rows = tt.splat %row : i32 -> tensor<8xi32>
    %offsets = arith.addi %rows, %range : tensor<8xi32>
    %at = tt.addptr %ps, %offsets : tensor<8x!tt.ptr<i32>>, tensor<8xi32>
    %x = tt.load %at : tensor<8x!tt.ptr<i32>>
    %set = arith.cmpi ne, %x, %zero : tensor<8xi32>
    %next = arith.addi %sum, %set : tensor<8xi1>
    scf.yield %next : tensor<8xi1>
  }
  %bytes = arith.extui %odd : tensor<8xi1> to tensor<8xi8>
  %os = tt.splat %out : !tt.ptr<i8> -> tensor<8x!tt.ptr<i8>>
  %to = tt.addptr %os, %range : tensor<8x!tt.ptr<i8>>, tensor<8xi32>
  tt.store %to, %bytes : tensor<8x!tt.ptr<i8>>
  tt.return
}
