// SPDX-License-Identifier: MIT
// Loads, arithmetic and a masked store of one layout become one region, which also computes ranges and masks.
// RUN: triton-metal-opt %s -tt-distribute | FileCheck %s
// RUN: triton-metal-opt %s -tt-distribute="simdgroups=8" | FileCheck %s --check-prefix=SMALL

// CHECK-LABEL: tm.kernel @scale
// CHECK: tt.get_program_id x
// CHECK: tm.region <shape = [256], registers = [128], lanes = [1, 2, 4, 8, 16], simdgroups = [32, 64]> vectorizable
// CHECK: tm.coord
// CHECK: %[[MASK:.*]] = arith.cmpi slt
// CHECK: %[[X:.*]] = tm.load %{{.*}}[%{{.*}} : i32] mask %[[MASK]]
// CHECK: %[[Y:.*]] = arith.addf %[[X]], %[[X]] : f32
// CHECK: tm.store %[[Y]], %{{.*}}[%{{.*}} : i32] mask %[[MASK]]
// CHECK-NOT: tm.region
// SMALL-LABEL: tm.kernel @scale
// SMALL: registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = [32, 64, 128]>
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
