// SPDX-License-Identifier: MIT
// RUN: triton-metal-opt %s -split-input-file -verify-diagnostics

// expected-error @+1 {{a pointer points to an integer or a float, not to '!tt.ptr<f32>'}}
tt.func @pointer_to_pointer(%p: !tt.ptr<!tt.ptr<f32>>)

// -----

// expected-error @+1 {{unknown address space 'attic'}}
tt.func @address_space(%p: !tt.ptr<f32, "attic">)

// -----

tt.func @load_result(%p: tensor<4x!tt.ptr<f32>>) {
  // expected-error @+1 {{'result' has the pointee type and shape of 'ptr'}}
  %0 = "tt.load"(%p) <{operandSegmentSizes = array<i32: 1, 0, 0>}> : (tensor<4x!tt.ptr<f32>>) -> tensor<4xf16>
  tt.return
}

// -----

tt.func @load_mask(%p: tensor<4x!tt.ptr<f32>>, %m: tensor<8xi1>) {
  // expected-error @+1 {{mask has the shape of 'ptr'}}
  %0 = "tt.load"(%p, %m) <{operandSegmentSizes = array<i32: 1, 1, 0>}> : (tensor<4x!tt.ptr<f32>>, tensor<8xi1>) -> tensor<4xf32>
  tt.return
}

// -----

tt.func @store_value(%p: tensor<4x!tt.ptr<f32>>, %v: tensor<4xi32>) {
  // expected-error @+1 {{'value' has the pointee type and shape of 'ptr'}}
  "tt.store"(%p, %v) : (tensor<4x!tt.ptr<f32>>, tensor<4xi32>) -> ()
  tt.return
}

// -----

tt.func @power_of_two(%p: tensor<3x!tt.ptr<f32>>) {
  // expected-error @+1 {{needs a power of two of elements, but 'tensor<3x!tt.ptr<f32>>' has 3}}
  %0 = tt.load %p : tensor<3x!tt.ptr<f32>>
  tt.return
}

// -----

tt.func @too_large(%x: i32) {
  // expected-error @+1 {{has a tensor of 2097152 elements; the limit is 1048576}}
  %0 = tt.splat %x : i32 -> tensor<2097152xi32>
  tt.return
}

// -----

tt.func @dynamic(%x: tensor<?xf32>) {
  // expected-error @+1 {{needs static shapes, but has 'tensor<?xf32>'}}
  %0 = tt.precise_sqrt %x : tensor<?xf32>
  tt.return
}

// -----

tt.func @range_count() {
  // expected-error @+1 {{counts 4 values, but 'tensor<8xi32>' holds 8}}
  %0 = tt.make_range {end = 4 : i32, start = 0 : i32} : tensor<8xi32>
  tt.return
}

// -----

tt.func @range_order() {
  // expected-error @+1 {{needs a start below the end, but has 4 and 0}}
  %0 = tt.make_range {end = 0 : i32, start = 4 : i32} : tensor<4xi32>
  tt.return
}

// -----

tt.func @bitcast_width(%x: f32) {
  // expected-error @+1 {{keeps the bits, but goes from 32 to 16 bits}}
  %0 = tt.bitcast %x : f32 -> i16
  tt.return
}

// -----

tt.func @rounding_mode(%x: f32) {
  // expected-error @+1 {{narrows 'f32' to 'f8E5M2' and needs a rounding mode}}
  %0 = tt.fp_to_fp %x : f32 -> f8E5M2
  tt.return
}

// -----

tt.func @reshape_count(%x: tensor<4x4xf32>) {
  // expected-error @+1 {{keeps the number of elements, but goes from 'tensor<4x4xf32>' to 'tensor<8xf32>'}}
  %0 = tt.reshape %x : tensor<4x4xf32> -> tensor<8xf32>
  tt.return
}

// -----

tt.func @broadcast_size(%x: tensor<2x4xf32>) {
  // expected-error @+1 {{repeats dimensions of size 1, but dimension 0 goes from 2 to 8}}
  %0 = tt.broadcast %x : tensor<2x4xf32> -> tensor<8x4xf32>
  tt.return
}

// -----

tt.func @broadcast_rank(%x: tensor<4xf32>) {
  // expected-error @+1 {{keeps the rank}}
  %0 = tt.broadcast %x : tensor<4xf32> -> tensor<8x4xf32>
  tt.return
}

// -----

tt.func @expand_axis(%x: tensor<4xf32>) {
  // expected-error @+2 {{axis 3 is outside of the 1 dimensions}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tt.expand_dims %x {axis = 3 : i32} : tensor<4xf32> -> tensor<4x1xf32>
  tt.return
}

// -----

tt.func @expand_type(%x: tensor<4xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{are incompatible with return type(s) of operation}}
  %0 = "tt.expand_dims"(%x) <{axis = 0 : i32}> : (tensor<4xf32>) -> tensor<4x1xf32>
  tt.return
}

// -----

tt.func @trans_order(%x: tensor<4x2xf32>) {
  // expected-error @+2 {{'order' is not a permutation of the dimensions}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = tt.trans %x {order = array<i32: 0, 0>} : tensor<4x2xf32> -> tensor<2x4xf32>
  tt.return
}

// -----

tt.func @split_size(%x: tensor<4x4xf32>) {
  // expected-error @+2 {{the last dimension of a tensor to split has size 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0, %1 = tt.split %x : tensor<4x4xf32> -> tensor<4xf32>
  tt.return
}

// -----

tt.func @cat_count(%x: tensor<4xf32>) {
  // expected-error @+1 {{gives as many elements as both operands have}}
  %0 = tt.cat %x, %x : tensor<4xf32> -> tensor<16xf32>
  tt.return
}

// -----

tt.func @gather_sizes(%x: tensor<4x8xf32>, %i: tensor<2x8xi32>) {
  // expected-error @+1 {{needs equal sizes along dimension 0, but has 4 and 2}}
  %0 = tt.gather %x[%i] {axis = 1 : i32} : (tensor<4x8xf32>, tensor<2x8xi32>) -> tensor<2x8xf32>
  tt.return
}

// -----

tt.func @unsplat_count(%x: tensor<2xf32>) {
  // expected-error @+1 {{takes a tensor of one element, not 'tensor<2xf32>'}}
  %0 = tt.unsplat %x : tensor<2xf32>
  tt.return
}

// -----

tt.func @reduce_axis(%x: tensor<4xf32>) {
  // expected-error @+1 {{has axis 1 outside of the 1 dimensions}}
  %0 = "tt.reduce"(%x) <{axis = 1 : i32}> ({
  ^bb0(%a: f32, %b: f32):
    tt.reduce.return %a : f32
  }) : (tensor<4xf32>) -> f32
  tt.return
}

// -----

tt.func @reduce_arguments(%x: tensor<4xf32>) {
  // expected-error @+1 {{has a region that does not take two elements of each operand}}
  %0 = "tt.reduce"(%x) <{axis = 0 : i32}> ({
  ^bb0(%a: f32, %b: i32):
    tt.reduce.return %a : f32
  }) : (tensor<4xf32>) -> f32
  tt.return
}

// -----

tt.func @scan_result(%x: tensor<4xf32>) {
  %0 = "tt.scan"(%x) <{axis = 0 : i32, reverse = false}> ({
  ^bb0(%a: f32, %b: f32):
    // expected-error @+1 {{does not return one element of each operand}}
    tt.scan.return %a, %b : f32, f32
  }) : (tensor<4xf32>) -> tensor<4xf32>
  tt.return
}

// -----

tt.func @dot_inner(%a: tensor<16x32xf16>, %c: tensor<16x16xf32>) {
  // expected-error @+1 {{has inner dimensions 32 and 16}}
  %0 = tt.dot %a, %a, %c : tensor<16x32xf16> * tensor<16x32xf16> -> tensor<16x16xf32>
  tt.return
}

// -----

tt.func @dot_kinds(%a: tensor<16x16xf16>, %b: tensor<16x16xf32>, %c: tensor<16x16xf32>) {
  // expected-error @+1 {{needs operands of one kind and width, but has 'f16' and 'f32'}}
  %0 = tt.dot %a, %b, %c : tensor<16x16xf16> * tensor<16x16xf32> -> tensor<16x16xf32>
  tt.return
}

// -----

tt.func @dot_scale_group(%a: tensor<16x64xi8>, %b: tensor<64x16xi8>, %c: tensor<16x16xf32>, %s: tensor<16x8xi8>) {
  // expected-error @+1 {{needs a scale per 16 or 32 elements of the left operand}}
  %0 = tt.dot_scaled %a scale %s, %b, %c lhs = e4m3 rhs = e4m3 {fastMath = false} : tensor<16x64xi8>, tensor<16x8xi8> * tensor<64x16xi8> -> tensor<16x16xf32>
  tt.return
}

// -----

tt.func @dot_scale_groups(%a: tensor<16x64xi8>, %b: tensor<64x16xi8>, %c: tensor<16x16xf32>, %s: tensor<16x4xi8>, %t: tensor<16x2xi8>) {
  // expected-error @+1 {{has a scale per 16 elements of the left operand, but per 32 of the right one}}
  %0 = tt.dot_scaled %a scale %s, %b scale %t, %c lhs = e4m3 rhs = e4m3 {fastMath = false} : tensor<16x64xi8>, tensor<16x4xi8> * tensor<64x16xi8>, tensor<16x2xi8> -> tensor<16x16xf32>
  tt.return
}

// -----

tt.func @dot_scale_batch(%a: tensor<2x16x32xi8>, %b: tensor<2x32x16xi8>, %c: tensor<2x16x16xf32>, %s: tensor<4x16x1xi8>) {
  // expected-error @+1 {{has 'tensor<4x16x1xi8>' as scales of the left operand with 16 rows}}
  %0 = tt.dot_scaled %a scale %s, %b, %c lhs = e4m3 rhs = e4m3 {fastMath = false} : tensor<2x16x32xi8>, tensor<4x16x1xi8> * tensor<2x32x16xi8> -> tensor<2x16x16xf32>
  tt.return
}

// -----

tt.func @dot_scaled_batches(%a: tensor<2x16x32xi8>, %b: tensor<4x32x16xi8>, %c: tensor<2x16x16xf32>) {
  // expected-error @+1 {{needs batches of one size}}
  %0 = tt.dot_scaled %a, %b, %c lhs = e4m3 rhs = e4m3 {fastMath = false} : tensor<2x16x32xi8> * tensor<4x32x16xi8> -> tensor<2x16x16xf32>
  tt.return
}

// -----

tt.func @dot_scaled_format(%a: tensor<16x32xf16>, %b: tensor<32x16xi8>, %c: tensor<16x16xf32>) {
  // expected-error @+1 {{cannot take 'tensor<16x32xf16>' for bf16}}
  %0 = tt.dot_scaled %a, %b, %c lhs = bf16 rhs = e4m3 {fastMath = false} : tensor<16x32xf16> * tensor<32x16xi8> -> tensor<16x16xf32>
  tt.return
}

// -----

tt.func @dot_scaled_format8(%a: tensor<16x32xf8E5M2>, %b: tensor<32x16xi8>, %c: tensor<16x16xf32>) {
  // expected-error @+1 {{cannot take 'tensor<16x32xf8E5M2>' for e4m3}}
  %0 = tt.dot_scaled %a, %b, %c lhs = e4m3 rhs = e4m3 {fastMath = false} : tensor<16x32xf8E5M2> * tensor<32x16xi8> -> tensor<16x16xf32>
  tt.return
}

// -----

tt.func @dot_scaled_packing(%a: tensor<16x32xi8>, %b: tensor<32x16xi8>, %c: tensor<16x16xf32>) {
  // expected-error @+1 {{packs only e2m1 along another dimension than the inner one, not e4m3}}
  %0 = tt.dot_scaled %a, %b, %c lhs = e4m3 rhs = e4m3 {fastMath = false, rhs_k_pack = false} : tensor<16x32xi8> * tensor<32x16xi8> -> tensor<16x16xf32>
  tt.return
}

// -----

tt.func @float_and(%p: !tt.ptr<f32>, %v: f32) {
  // expected-error @+1 {{'and' works on integers, not on 'f32'}}
  %0 = tt.atomic_rmw and, relaxed, gpu, %p, %v : (!tt.ptr<f32>, f32) -> f32
  tt.return
}

// -----

tt.func @poll_order(%p: !tt.ptr<i32>, %v: i32) {
  // expected-error @+1 {{is relaxed or acquire, not release}}
  %0 = tt.atomic_poll release, gpu, %p, %v : !tt.ptr<i32>, i32 -> i1
  tt.return
}

// -----

tt.func @descriptor_rank(%p: !tt.ptr<f32>, %i: i32, %l: i64) {
  // expected-error @+1 {{has blocks of rank 2, but 1 sizes and 1 strides}}
  %0 = tt.make_tensor_descriptor %p, [%i], [%l] : <f32>, <4x8xf32>
  tt.return
}

// -----

tt.func @descriptor_element(%d: !tt.tensordesc<4xf32>, %i: i32) {
  // expected-error @+1 {{moves 'tensor<4xf16>' through '!tt.tensordesc<4xf32>'}}
  %0 = tt.descriptor_load %d[%i] : !tt.tensordesc<4xf32> -> tensor<4xf16>
  tt.return
}

// -----

tt.func @descriptor_rows(%d: !tt.tensordesc<2x8xf32>, %x: tensor<8xi32>, %i: i32) {
  // expected-error @+1 {{needs blocks of one row}}
  %0 = tt.descriptor_gather %d[%x, %i] : (!tt.tensordesc<2x8xf32>, tensor<8xi32>, i32) -> tensor<8x8xf32>
  tt.return
}

// -----

tt.func @no_callee(%x: f32) {
  // expected-error @+1 {{calls 'missing', which is no function of this module}}
  tt.call @missing(%x) : (f32) -> ()
  tt.return
}

// -----

tt.func private @takes_float(%x: f32) {
  tt.return
}
tt.func @wrong_argument(%x: i32) {
  // expected-error @+1 {{does not pass what 'takes_float' takes}}
  tt.call @takes_float(%x) : (i32) -> ()
  tt.return
}

// -----

tt.func @wrong_return(%x: i32) -> f32 {
  // expected-error @+1 {{does not return what 'wrong_return' declares}}
  tt.return %x : i32
}

// -----

tt.func @print_signs(%x: i32) {
  // expected-error @+1 {{has 1 values, but 0 signs}}
  tt.print "x" {hex = false, isSigned = array<i32>} : %x : i32
  tt.return
}

// -----

tt.func @map_region(%x: tensor<4xf32>) {
  // expected-error @+1 {{has a region whose arguments are not 'pack' elements of each operand}}
  %0 = "tt.map_elementwise"(%x) <{pack = 2 : i32}> ({
  ^bb0(%a: f32):
    tt.map_elementwise.return %a : f32
  }) : (tensor<4xf32>) -> tensor<4xf32>
  tt.return
}

// -----

tt.func @map_pack(%x: tensor<4xf32>) {
  // expected-error @+1 {{takes 3 of 4 elements at a time}}
  %0 = "tt.map_elementwise"(%x) <{pack = 3 : i32}> ({
  ^bb0(%a: f32, %b: f32, %c: f32):
    tt.map_elementwise.return %a, %b, %c : f32, f32, f32
  }) : (tensor<4xf32>) -> tensor<4xf32>
  tt.return
}

// -----

tt.func @narrow_accumulator(%a: tensor<16x16xf8E5M2>, %c: tensor<16x16xf8E5M2>) {
  // expected-error @+1 {{cannot add in 'f8E5M2', which is a storage format}}
  %0 = tt.dot %a, %a, %c : tensor<16x16xf8E5M2> * tensor<16x16xf8E5M2> -> tensor<16x16xf8E5M2>
  tt.return
}
