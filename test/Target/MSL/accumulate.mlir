// SPDX-License-Identifier: MIT
// A region with a short body that adds to a tile is marked; one with a long body (exp), and one without tiles are not.
// The body tests for the first register by its number, so that compilers can peel its trip.
// RUN: triton-metal-translate --emit-msl %s | FileCheck %s
// CHECK-NOT: TM_REGION_ACCUMULATE
// CHECK: for (int r = 0; r < 8; ++r) TM_REGION_ACCUMULATE {
// CHECK: r == 0
// CHECK: tm::exp(
// CHECK-NOT: TM_REGION_ACCUMULATE
tt.func public @sums(%x: !tt.ptr<f32>, %y: !tt.ptr<f32>, %z: !tt.ptr<f32>) {
  %range = tt.make_range {start = 0 : i32, end = 1024 : i32} : tensor<1024xi32>
  %xs = tt.splat %x : !tt.ptr<f32> -> tensor<1024x!tt.ptr<f32>>
  %xp = tt.addptr %xs, %range : tensor<1024x!tt.ptr<f32>>, tensor<1024xi32>
  %v = tt.load %xp : tensor<1024x!tt.ptr<f32>>
  %s = "tt.reduce"(%v) <{axis = 0 : i32}> ({
  ^bb0(%a: f32, %b: f32):
    %c = arith.addf %a, %b : f32
    tt.reduce.return %c : f32
  }) : (tensor<1024xf32>) -> f32
  tt.store %y, %s : !tt.ptr<f32>
  %ys = tt.splat %y : !tt.ptr<f32> -> tensor<1024x!tt.ptr<f32>>
  %yp = tt.addptr %ys, %range : tensor<1024x!tt.ptr<f32>>, tensor<1024xi32>
  %w = tt.load %yp : tensor<1024x!tt.ptr<f32>>
  %e = math.exp %w : tensor<1024xf32>
  %t = "tt.reduce"(%e) <{axis = 0 : i32}> ({
  ^bb0(%a: f32, %b: f32):
    %c = arith.addf %a, %b : f32
    tt.reduce.return %c : f32
  }) : (tensor<1024xf32>) -> f32
  tt.store %z, %t : !tt.ptr<f32>
  tt.return
}
