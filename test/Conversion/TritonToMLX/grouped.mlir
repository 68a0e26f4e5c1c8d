// SPDX-License-Identifier: MIT
// RUN: triton-metal-opt %s --raise-to-mlx="grid=12 args=ptr:96" | FileCheck %s

// Program ids that are grouped by division and remainder map one-to-one to a box, over which the addresses are affine.
// CHECK-NOT: mlx.take
// CHECK-NOT: mlx.scatter
// CHECK: return
module {
  tt.func public @grouped(%x: !tt.ptr<f32>) {
    %c2 = arith.constant 2 : i32
    %c3 = arith.constant 3 : i32
    %c4 = arith.constant 4 : i32
    %c6 = arith.constant 6 : i32
    %pid = tt.get_program_id x : i32
    %group = arith.divsi %pid, %c6 : i32
    %inside = arith.remsi %pid, %c6 : i32
    %first = arith.muli %group, %c2 : i32
    %low = arith.remsi %inside, %c2 : i32
    %m = arith.addi %first, %low : i32
    %n = arith.divsi %inside, %c2 : i32
    %row = arith.muli %m, %c6 : i32
    %column = arith.muli %n, %c2 : i32
    %range = tt.make_range {end = 2 : i32, start = 0 : i32} : tensor<2xi32>
    %offset = arith.addi %row, %column : i32
    %base = tt.splat %x : !tt.ptr<f32> -> tensor<2x!tt.ptr<f32>>
    %splat = tt.splat %offset : i32 -> tensor<2xi32>
    %lanes = arith.addi %splat, %range : tensor<2xi32>
    %p = tt.addptr %base, %lanes : tensor<2x!tt.ptr<f32>>, tensor<2xi32>
    %v = tt.load %p : tensor<2x!tt.ptr<f32>>
    %w = arith.addf %v, %v : tensor<2xf32>
    tt.store %p, %w : tensor<2x!tt.ptr<f32>>
    tt.return
  }
}
