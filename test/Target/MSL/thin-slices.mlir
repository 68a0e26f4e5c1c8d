// SPDX-License-Identifier: MIT
// Operands that wait in threadgroup memory for the next trip count too. Four of 8 KiB and the one of the trip are too
// much, so that the operands pass in slices, although those of one product have less than half of the memory.
// RUN: triton-metal-translate %s --emit-msl --facts | FileCheck %s
// CHECK: // kernel kept_operands {{.*}} 16384 bytes of threadgroup memory
// CHECK-COUNT-8: = TM_SHARED(half,
tt.func public @kept_operands(%a: !tt.ptr<f16>, %b: !tt.ptr<f16>, %out: !tt.ptr<f32>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<64x64xf32>
  %width = arith.constant dense<64> : tensor<64x1xi32>
  %r = tt.make_range {start = 0 : i32, end = 64 : i32} : tensor<64xi32>
  %row = tt.expand_dims %r {axis = 1 : i32} : tensor<64xi32> -> tensor<64x1xi32>
  %start = arith.muli %row, %width : tensor<64x1xi32>
  %column = tt.expand_dims %r {axis = 0 : i32} : tensor<64xi32> -> tensor<1x64xi32>
  %starts = tt.broadcast %start : tensor<64x1xi32> -> tensor<64x64xi32>
  %steps = tt.broadcast %column : tensor<1x64xi32> -> tensor<64x64xi32>
  %o = arith.addi %starts, %steps : tensor<64x64xi32>
  %as = tt.splat %a : !tt.ptr<f16> -> tensor<64x64x!tt.ptr<f16>>
  %d0 = arith.constant dense<0> : tensor<64x64xi32>
  %o0 = arith.addi %o, %d0 : tensor<64x64xi32>
  %ap0 = tt.addptr %as, %o0 : tensor<64x64x!tt.ptr<f16>>, tensor<64x64xi32>
  %a0 = tt.load %ap0 : tensor<64x64x!tt.ptr<f16>>
  %d1 = arith.constant dense<4096> : tensor<64x64xi32>
  %o1 = arith.addi %o, %d1 : tensor<64x64xi32>
  %ap1 = tt.addptr %as, %o1 : tensor<64x64x!tt.ptr<f16>>, tensor<64x64xi32>
  %a1 = tt.load %ap1 : tensor<64x64x!tt.ptr<f16>>
  %d2 = arith.constant dense<8192> : tensor<64x64xi32>
  %o2 = arith.addi %o, %d2 : tensor<64x64xi32>
  %ap2 = tt.addptr %as, %o2 : tensor<64x64x!tt.ptr<f16>>, tensor<64x64xi32>
  %a2 = tt.load %ap2 : tensor<64x64x!tt.ptr<f16>>
  %d3 = arith.constant dense<12288> : tensor<64x64xi32>
  %o3 = arith.addi %o, %d3 : tensor<64x64xi32>
  %ap3 = tt.addptr %as, %o3 : tensor<64x64x!tt.ptr<f16>>, tensor<64x64xi32>
  %a3 = tt.load %ap3 : tensor<64x64x!tt.ptr<f16>>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%s = %zero) -> (tensor<64x64xf32>) : i32 {
    %bi = tt.addptr %b, %i : !tt.ptr<f16>, i32
    %bs = tt.splat %bi : !tt.ptr<f16> -> tensor<64x64x!tt.ptr<f16>>
    %bp = tt.addptr %bs, %o : tensor<64x64x!tt.ptr<f16>>, tensor<64x64xi32>
    %y = tt.load %bp : tensor<64x64x!tt.ptr<f16>>
    %s0 = tt.dot %a0, %y, %s : tensor<64x64xf16> * tensor<64x64xf16> -> tensor<64x64xf32>
    %s1 = tt.dot %a1, %y, %s0 : tensor<64x64xf16> * tensor<64x64xf16> -> tensor<64x64xf32>
    %s2 = tt.dot %a2, %y, %s1 : tensor<64x64xf16> * tensor<64x64xf16> -> tensor<64x64xf32>
    %s3 = tt.dot %a3, %y, %s2 : tensor<64x64xf16> * tensor<64x64xf16> -> tensor<64x64xf32>
    scf.yield %s3 : tensor<64x64xf32>
  }
  %os = tt.splat %out : !tt.ptr<f32> -> tensor<64x64x!tt.ptr<f32>>
  %op = tt.addptr %os, %o : tensor<64x64x!tt.ptr<f32>>, tensor<64x64xi32>
  tt.store %op, %sum : tensor<64x64x!tt.ptr<f32>>
  tt.return
}
