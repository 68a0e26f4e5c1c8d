// SPDX-License-Identifier: MIT
// Full tiles run a version without masks, which a condition outside of the region selects.
// RUN: triton-metal-opt %s -tt-distribute -tm-specialize-full-tiles | FileCheck %s

// CHECK: scf.if
// CHECK: tm.region
// CHECK: tm.load
// CHECK-NOT: mask
// CHECK: } else {
// CHECK: tm.load {{.*}} mask
// CHECK: tm.store {{.*}} mask
tt.func public @scale(%x: !tt.ptr<f32>, %out: !tt.ptr<f32>, %n: i32) {
  %c256 = arith.constant 256 : i32
  %pid = tt.get_program_id x : i32
  %start = arith.muli %pid, %c256 : i32
  %range = tt.make_range {start = 0 : i32, end = 256 : i32} : tensor<256xi32>
  %starts = tt.splat %start : i32 -> tensor<256xi32>
  %offsets = arith.addi %starts, %range : tensor<256xi32>
  %ns = tt.splat %n : i32 -> tensor<256xi32>
  %mask = arith.cmpi slt, %offsets, %ns : tensor<256xi32>
  %xs = tt.splat %x : !tt.ptr<f32> -> tensor<256x!tt.ptr<f32>>
  %xp = tt.addptr %xs, %offsets : tensor<256x!tt.ptr<f32>>, tensor<256xi32>
  %v = tt.load %xp, %mask : tensor<256x!tt.ptr<f32>>
  %w = arith.addf %v, %v : tensor<256xf32>
  %os = tt.splat %out : !tt.ptr<f32> -> tensor<256x!tt.ptr<f32>>
  %op = tt.addptr %os, %offsets : tensor<256x!tt.ptr<f32>>, tensor<256xi32>
  tt.store %op, %w, %mask : tensor<256x!tt.ptr<f32>>
  tt.return
}
