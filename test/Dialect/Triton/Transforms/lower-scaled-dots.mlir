// SPDX-License-Identifier: MIT
// RUN: triton-metal-opt %s -tt-lower-scaled-dots -canonicalize -split-input-file -verify-diagnostics | FileCheck %s

// Two elements in a byte, the first one in the lower bits: the byte is repeated, and shifted for the second one.
// A scale is the exponent of an f32, but 0 is 2^-127 and 255 is NaN.
// CHECK-LABEL: tt.func public @packed_along_k
tt.func public @packed_along_k(%a: tensor<16x32xi8>, %b: tensor<64x8xbf16>, %s: tensor<16x2xi8>, %c: tensor<16x8xf32>) -> tensor<16x8xf32> {
  // CHECK-DAG: %[[NAN:.*]] = arith.constant dense<2143289344> : tensor<16x2xi32>
  // CHECK-DAG: %[[LEAST:.*]] = arith.constant dense<4194304> : tensor<16x2xi32>
  // CHECK-DAG: %[[HALF:.*]] = arith.constant dense<5.000000e-01> : tensor<16x64xf32>
  // CHECK-DAG: %[[DIGITS:.*]] = arith.constant dense<-932957680> : tensor<16x64xi32>
  // CHECK: %[[E:.*]] = tt.expand_dims %arg0 {axis = 2 : i32} : tensor<16x32xi8> -> tensor<16x32x1xi8>
  // CHECK: %[[TWICE:.*]] = tt.broadcast %[[E]] : tensor<16x32x1xi8> -> tensor<16x32x2xi8>
  // CHECK: %[[BYTES:.*]] = tt.reshape %[[TWICE]] : tensor<16x32x2xi8> -> tensor<16x64xi8>
  // CHECK: tt.make_range {end = 64 : i32, start = 0 : i32} : tensor<64xi32>
  // CHECK: %[[SHIFT:.*]] = arith.trunci %{{.*}} : tensor<16x64xi32> to tensor<16x64xi8>
  // CHECK: %[[SHIFTED:.*]] = arith.shrui %[[BYTES]], %[[SHIFT]] : tensor<16x64xi8>
  // CHECK: %[[CODE:.*]] = arith.andi %[[SHIFTED]], %{{.*}} : tensor<16x64xi8>
  // CHECK: %[[WIDE:.*]] = arith.extui %[[CODE]] : tensor<16x64xi8> to tensor<16x64xi32>
  // CHECK: arith.shrui %[[DIGITS]], %{{.*}} : tensor<16x64xi32>
  // CHECK: arith.uitofp
  // CHECK: %[[NUMBER:.*]] = arith.mulf %{{.*}}, %[[HALF]] : tensor<16x64xf32>
  // CHECK: %[[BYTE:.*]] = arith.extui %arg2 : tensor<16x2xi8> to tensor<16x2xi32>
  // CHECK: %[[EXPONENT:.*]] = arith.shli %[[BYTE]], %{{.*}} : tensor<16x2xi32>
  // CHECK: %[[IS_LEAST:.*]] = arith.cmpi eq, %[[BYTE]], %{{.*}} : tensor<16x2xi32>
  // CHECK: %[[BITS:.*]] = arith.select %[[IS_LEAST]], %[[LEAST]], %[[EXPONENT]]
  // CHECK: %[[IS_NAN:.*]] = arith.cmpi eq, %[[BYTE]], %{{.*}} : tensor<16x2xi32>
  // CHECK: %[[ALL:.*]] = arith.select %[[IS_NAN]], %[[NAN]], %[[BITS]]
  // CHECK: %[[SCALE:.*]] = tt.bitcast %[[ALL]] : tensor<16x2xi32> -> tensor<16x2xf32>
  // CHECK: %[[X:.*]] = tt.expand_dims %[[SCALE]] {axis = 2 : i32}
  // CHECK: %[[Y:.*]] = tt.broadcast %[[X]] : tensor<16x2x1xf32> -> tensor<16x2x32xf32>
  // CHECK: %[[SCALES:.*]] = tt.reshape %[[Y]] : tensor<16x2x32xf32> -> tensor<16x64xf32>
  // CHECK: %[[A:.*]] = arith.mulf %[[NUMBER]], %[[SCALES]] : tensor<16x64xf32>
  // The other operand needs no scale, but the type of this one.
  // CHECK: %[[B:.*]] = arith.extf %arg1 : tensor<64x8xbf16> to tensor<64x8xf32>
  // CHECK: tt.dot %[[A]], %[[B]], %arg3 : tensor<16x64xf32> * tensor<64x8xf32> -> tensor<16x8xf32>
  %d = tt.dot_scaled %a scale %s, %b, %c lhs = e2m1 rhs = bf16 {fastMath = false} : tensor<16x32xi8>, tensor<16x2xi8> * tensor<64x8xbf16> -> tensor<16x8xf32>
  tt.return %d : tensor<16x8xf32>
}

// -----

// Bytes may hold two rows of the left operand, or two columns of the right one.
// CHECK-LABEL: tt.func public @packed_along_rows
tt.func public @packed_along_rows(%a: tensor<8x32xi8>, %b: tensor<32x8xi8>, %c: tensor<16x16xf32>) -> tensor<16x16xf32> {
  // CHECK: tt.expand_dims %arg0 {axis = 1 : i32} : tensor<8x32xi8> -> tensor<8x1x32xi8>
  // CHECK: tt.broadcast %{{.*}} : tensor<8x1x32xi8> -> tensor<8x2x32xi8>
  // CHECK: tt.reshape %{{.*}} : tensor<8x2x32xi8> -> tensor<16x32xi8>
  // CHECK: tt.make_range {end = 16 : i32, start = 0 : i32}
  // CHECK: %[[A:.*]] = arith.truncf %{{.*}} : tensor<16x32xf32> to tensor<16x32xf16>
  // CHECK: tt.expand_dims %arg1 {axis = 2 : i32} : tensor<32x8xi8> -> tensor<32x8x1xi8>
  // CHECK: tt.reshape %{{.*}} : tensor<32x8x2xi8> -> tensor<32x16xi8>
  // CHECK: %[[B:.*]] = arith.truncf %{{.*}} : tensor<32x16xf32> to tensor<32x16xf16>
  // Without scales, f16 holds all values of narrow formats.
  // CHECK: tt.dot %[[A]], %[[B]], %arg2 : tensor<16x32xf16> * tensor<32x16xf16> -> tensor<16x16xf32>
  %d = tt.dot_scaled %a, %b, %c lhs = e2m1 rhs = e2m1 {fastMath = true, lhs_k_pack = false, rhs_k_pack = false} : tensor<8x32xi8> * tensor<32x8xi8> -> tensor<16x16xf32>
  tt.return %d : tensor<16x16xf32>
}

// -----

// The scales of the right operand are not transposed with it. Scales of e4m3 are numbers.
// CHECK-LABEL: tt.func public @right_scale
tt.func public @right_scale(%a: tensor<2x16x32xf16>, %b: tensor<2x32x8xf8E4M3FN>, %s: tensor<2x8x2xf8E4M3FN>, %c: tensor<2x16x8xf32>) -> tensor<2x16x8xf32> {
  // CHECK: %[[A:.*]] = arith.extf %arg0 : tensor<2x16x32xf16> to tensor<2x16x32xf32>
  // CHECK: %[[B:.*]] = tt.fp_to_fp %arg1 : tensor<2x32x8xf8E4M3FN> -> tensor<2x32x8xf32>
  // CHECK: %[[S:.*]] = tt.fp_to_fp %arg2 : tensor<2x8x2xf8E4M3FN> -> tensor<2x8x2xf32>
  // CHECK-NOT: arith.select
  // CHECK: %[[T:.*]] = tt.trans %[[S]] {order = array<i32: 0, 2, 1>} : tensor<2x8x2xf32> -> tensor<2x2x8xf32>
  // CHECK: tt.expand_dims %[[T]] {axis = 2 : i32} : tensor<2x2x8xf32> -> tensor<2x2x1x8xf32>
  // CHECK: tt.broadcast %{{.*}} : tensor<2x2x1x8xf32> -> tensor<2x2x16x8xf32>
  // CHECK: %[[R:.*]] = tt.reshape %{{.*}} : tensor<2x2x16x8xf32> -> tensor<2x32x8xf32>
  // CHECK: arith.mulf %[[B]], %[[R]] : tensor<2x32x8xf32>
  // CHECK: tt.dot %[[A]],
  %d = tt.dot_scaled %a, %b scale %s, %c lhs = fp16 rhs = e4m3 {fastMath = false} : tensor<2x16x32xf16> * tensor<2x32x8xf8E4M3FN>, tensor<2x8x2xf8E4M3FN> -> tensor<2x16x8xf32>
  tt.return %d : tensor<2x16x8xf32>
}

// -----

// The narrowest type that holds both formats; 8-bit floats may come as bytes.
// CHECK-LABEL: tt.func public @without_scales
tt.func public @without_scales(%h: tensor<16x16xf16>, %b: tensor<16x16xbf16>, %e: tensor<16x16xi8>, %c: tensor<16x16xf32>) -> tensor<16x16xf32> {
  // CHECK: tt.dot %arg0, %arg0, %arg3 : tensor<16x16xf16> * tensor<16x16xf16> -> tensor<16x16xf32>
  %0 = tt.dot_scaled %h, %h, %c lhs = fp16 rhs = fp16 {fastMath = false} : tensor<16x16xf16> * tensor<16x16xf16> -> tensor<16x16xf32>
  // CHECK: tt.bitcast %arg2 : tensor<16x16xi8> -> tensor<16x16xf8E5M2>
  // CHECK: %[[E:.*]] = tt.fp_to_fp %{{.*}} : tensor<16x16xf8E5M2> -> tensor<16x16xbf16>
  // CHECK: tt.dot %arg1, %[[E]], %{{.*}} : tensor<16x16xbf16> * tensor<16x16xbf16> -> tensor<16x16xf32>
  %1 = tt.dot_scaled %b, %e, %0 lhs = bf16 rhs = e5m2 {fastMath = false} : tensor<16x16xbf16> * tensor<16x16xi8> -> tensor<16x16xf32>
  // CHECK: tt.fp_to_fp %{{.*}} : tensor<16x16xf8E4M3FN> -> tensor<16x16xf16>
  // CHECK: tt.dot {{.*}} : tensor<16x16xf16> * tensor<16x16xf16> -> tensor<16x16xf32>
  %2 = tt.dot_scaled %h, %e, %1 lhs = fp16 rhs = e4m3 {fastMath = false} : tensor<16x16xf16> * tensor<16x16xi8> -> tensor<16x16xf32>
  // No type of 16 bits holds both of these.
  // CHECK: tt.dot {{.*}} : tensor<16x16xf32> * tensor<16x16xf32> -> tensor<16x16xf32>
  %3 = tt.dot_scaled %h, %b, %2 lhs = fp16 rhs = bf16 {fastMath = false} : tensor<16x16xf16> * tensor<16x16xbf16> -> tensor<16x16xf32>
  tt.return %3 : tensor<16x16xf32>
}

// -----

tt.func public @six_bits(%a: tensor<16x32xi8>, %b: tensor<32x16xi8>, %c: tensor<16x16xf32>) -> tensor<16x16xf32> {
  // expected-error @+1 {{[tt.dot_scaled] The format e3m2 is not supported: its elements have 6 bits.}}
  %d = tt.dot_scaled %a, %b, %c lhs = e5m2 rhs = e3m2 {fastMath = false} : tensor<16x32xi8> * tensor<32x16xi8> -> tensor<16x16xf32>
  tt.return %d : tensor<16x16xf32>
}

// -----

tt.func public @wide_scale(%a: tensor<16x32xi8>, %b: tensor<32x16xi8>, %s: tensor<16x1xf64>, %c: tensor<16x16xf32>) -> tensor<16x16xf32> {
  // expected-error @+1 {{[tt.dot_scaled] Scales of type f64 are not supported: operands are scaled in f32.}}
  %d = tt.dot_scaled %a scale %s, %b, %c lhs = e5m2 rhs = e4m3 {fastMath = false} : tensor<16x32xi8>, tensor<16x1xf64> * tensor<32x16xi8> -> tensor<16x16xf32>
  tt.return %d : tensor<16x16xf32>
}
