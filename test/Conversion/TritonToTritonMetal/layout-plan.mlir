// SPDX-License-Identifier: MIT
// The plan that distribution follows, as text: where each block is, what decided, and the layout.
// RUN: triton-metal-opt %s -split-input-file -tt-print-layout-plan="simdgroups=2" -o /dev/null | FileCheck %s
// RUN: triton-metal-opt %s -split-input-file -tt-print-layout-plan="simdgroups=2 operand-bytes=1024" -o /dev/null | FileCheck %s --check-prefix=THIN
// RUN: triton-metal-opt %s -split-input-file -tt-print-layout-plan="simdgroups=2 operand-bytes=512" -o /dev/null | FileCheck %s --check-prefix=THINNER

// CHECK-LABEL: layout plan of @sums for 2 SIMD groups
// CHECK: %0 : tensor<128xi32>: recomputed; row-major: registers [64], lanes [1, 2, 4, 8, 16], simdgroups [32]
// CHECK: %1 : tensor<4x32xi32>: recomputed; row-major
// CHECK: %[[X:.*]] : tensor<4x32xf32>: registers; row-major: registers [64], lanes [1, 2, 4, 8, 16], simdgroups [32]
// CHECK: %[[SUM:.*]] : tensor<4xf32>: registers; a slice of %[[X]]: registers [2], lanes [0, 0, 0, 0, 0], simdgroups [1]
// CHECK: %[[WIDE:.*]] : tensor<4x1xf32>: view; reshaped from %[[SUM]]
// CHECK: %[[ALL:.*]] : tensor<4x32xf32>: view; row-major
// CHECK: %[[Y:.*]] : tensor<4x32xf32>: registers; as its operand %[[X]]
// CHECK: %[[SCAN:.*]] : tensor<4x32xf32>: registers; along the scan: registers [16], lanes [32, 64, 1, 2, 4], simdgroups [8]
// CHECK: tt.store: registers [16]
tt.func public @sums(%p: !tt.ptr<f32>) {
  %range = tt.make_range {start = 0 : i32, end = 128 : i32} : tensor<128xi32>
  %o = tt.reshape %range : tensor<128xi32> -> tensor<4x32xi32>
  %ps = tt.splat %p : !tt.ptr<f32> -> tensor<4x32x!tt.ptr<f32>>
  %pp = tt.addptr %ps, %o : tensor<4x32x!tt.ptr<f32>>, tensor<4x32xi32>
  %x = tt.load %pp : tensor<4x32x!tt.ptr<f32>>
  %sum = "tt.reduce"(%x) <{axis = 1 : i32}> ({
  ^bb0(%l: f32, %r: f32):
    %v = arith.addf %l, %r : f32
    tt.reduce.return %v : f32
  }) : (tensor<4x32xf32>) -> tensor<4xf32>
  %wide = tt.expand_dims %sum {axis = 1 : i32} : tensor<4xf32> -> tensor<4x1xf32>
  %all = tt.broadcast %wide : tensor<4x1xf32> -> tensor<4x32xf32>
  %y = arith.divf %x, %all : tensor<4x32xf32>
  %run = "tt.scan"(%y) <{axis = 0 : i32, reverse = false}> ({
  ^bb0(%l: f32, %r: f32):
    %v = arith.addf %l, %r : f32
    tt.scan.return %v : f32
  }) : (tensor<4x32xf32>) -> tensor<4x32xf32>
  tt.store %pp, %run : tensor<4x32x!tt.ptr<f32>>
  tt.return
}

// -----

// An accumulator of a loop stays in fragments, and leaves them row-major.
// CHECK-LABEL: layout plan of @product
// CHECK: %[[X:.*]] : tensor<16x16xf32>: registers; row-major
// CHECK: %[[ACC:arg.*]] : tensor<16x16xf32>: fragments 2 by 1; row-major
// CHECK: product: fragments 2 by 1, accumulates, 1 slice
// CHECK: tensor<16x16xf32>: fragments 2 by 1; row-major
// CHECK: tensor<16x16xf32>: fragments 2 by 1; row-major
// THIN-LABEL: layout plan of @product
// THIN: product: fragments 2 by 1, accumulates, 2 slices
// Slices as thin as a fragment would be too large.
// THINNER-LABEL: layout plan of @product
// THINNER: product: step by step, 4 slices
tt.func public @product(%p: !tt.ptr<f32>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<16x16xf32>
  %range = tt.make_range {start = 0 : i32, end = 256 : i32} : tensor<256xi32>
  %o = tt.reshape %range : tensor<256xi32> -> tensor<16x16xi32>
  %ps = tt.splat %p : !tt.ptr<f32> -> tensor<16x16x!tt.ptr<f32>>
  %pp = tt.addptr %ps, %o : tensor<16x16x!tt.ptr<f32>>, tensor<16x16xi32>
  %x = tt.load %pp : tensor<16x16x!tt.ptr<f32>>
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%s = %zero) -> (tensor<16x16xf32>) : i32 {
    %d = tt.dot %x, %x, %s : tensor<16x16xf32> * tensor<16x16xf32> -> tensor<16x16xf32>
    scf.yield %d : tensor<16x16xf32>
  }
  tt.store %pp, %sum : tensor<16x16x!tt.ptr<f32>>
  tt.return
}

// -----

// The matrices of a batch lie one below the other in fragments: here, a SIMD group has two of them. What is sent for
// a transposed operand in slices is the source, in its own layout. A sum in f16 leaves the fragments to be rounded.
// CHECK-LABEL: layout plan of @batch
// CHECK: product: fragments 2 by 1, 1 slice
// CHECK-NEXT: tensor<4x16x16xf32>: fragments 2 by 1; row-major
// CHECK: product: fragments 2 by 1, 1 slice
// CHECK-NEXT: tensor<4x16x16xf16>: registers; row-major
// THIN-LABEL: layout plan of @batch
// THIN: %[[X:.*]] : tensor<4x16x16xf16>: registers; row-major
// THIN: tensor<4x16x16xf16>: view; row-major
// THIN: product: step by step, 4 slices
tt.func public @batch(%p: !tt.ptr<f16>, %q: !tt.ptr<f32>) {
  %zero = arith.constant dense<0.0> : tensor<4x16x16xf32>
  %none = arith.constant dense<0.0> : tensor<4x16x16xf16>
  %range = tt.make_range {start = 0 : i32, end = 1024 : i32} : tensor<1024xi32>
  %o = tt.reshape %range : tensor<1024xi32> -> tensor<4x16x16xi32>
  %ps = tt.splat %p : !tt.ptr<f16> -> tensor<4x16x16x!tt.ptr<f16>>
  %pp = tt.addptr %ps, %o : tensor<4x16x16x!tt.ptr<f16>>, tensor<4x16x16xi32>
  %qs = tt.splat %q : !tt.ptr<f32> -> tensor<4x16x16x!tt.ptr<f32>>
  %qp = tt.addptr %qs, %o : tensor<4x16x16x!tt.ptr<f32>>, tensor<4x16x16xi32>
  %x = tt.load %pp : tensor<4x16x16x!tt.ptr<f16>>
  %t = tt.trans %x {order = array<i32: 0, 2, 1>} : tensor<4x16x16xf16> -> tensor<4x16x16xf16>
  %d = tt.dot %x, %t, %zero : tensor<4x16x16xf16> * tensor<4x16x16xf16> -> tensor<4x16x16xf32>
  %h = tt.dot %x, %t, %none : tensor<4x16x16xf16> * tensor<4x16x16xf16> -> tensor<4x16x16xf16>
  tt.store %qp, %d : tensor<4x16x16x!tt.ptr<f32>>
  tt.store %pp, %h : tensor<4x16x16x!tt.ptr<f16>>
  tt.return
}
