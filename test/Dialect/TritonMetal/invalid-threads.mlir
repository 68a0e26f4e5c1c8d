// SPDX-License-Identifier: MIT
// Shuffles, barriers and matrix fragments that the verifiers reject.
// RUN: triton-metal-opt %s -split-input-file -verify-diagnostics

#l = #tm.linear<shape = [32], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = []>
tm.kernel @barrier_place attributes {simdgroups = 1 : i64, parameterNames = []} {
  tm.region #l {
  ^bb0(%r: i32):
    // expected-error @+1 {{belongs in uniform code}}
    tm.barrier threadgroup
  }
}

// -----

#l = #tm.linear<shape = [32], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = []>
tm.kernel @mask attributes {simdgroups = 1 : i64, parameterNames = []} {
  %t = tm.tile : !tm.tile<f32, #l>
  %u = tm.tile : !tm.tile<f32, #l>
  // expected-error @+1 {{has a mask of 32; lanes differ by 1 to 31}}
  tm.shuffle_xor %t to %u mask 32 : !tm.tile<f32, #l> to !tm.tile<f32, #l>
}

// -----

#l = #tm.linear<shape = [32], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = []>
tm.kernel @delta attributes {simdgroups = 1 : i64, parameterNames = []} {
  %t = tm.tile : !tm.tile<f32, #l>
  %u = tm.tile : !tm.tile<f32, #l>
  // expected-error @+1 {{has a delta of 0; lanes differ by 1 to 31}}
  tm.shuffle_up %t to %u delta 0 : !tm.tile<f32, #l> to !tm.tile<f32, #l>
}

// -----

#l = #tm.linear<shape = [32], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = []>
tm.kernel @shuffle_itself attributes {simdgroups = 1 : i64, parameterNames = []} {
  %t = tm.tile : !tm.tile<f32, #l>
  // expected-error @+1 {{overwrites what it reads}}
  tm.shuffle_xor %t to %t mask 1 : !tm.tile<f32, #l> to !tm.tile<f32, #l>
}

// -----

#l = #tm.linear<shape = [32], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = []>
#m = #tm.linear<shape = [32], registers = [], lanes = [16, 8, 4, 2, 1], simdgroups = []>
tm.kernel @shuffle_layouts attributes {simdgroups = 1 : i64, parameterNames = []} {
  %t = tm.tile : !tm.tile<f32, #l>
  %u = tm.tile : !tm.tile<f32, #m>
  // expected-error @+1 {{to another type}}
  tm.shuffle_xor %t to %u mask 1 : !tm.tile<f32, #l> to !tm.tile<f32, #m>
}

// -----

#u = #tm.linear<shape = [2], registers = [1], lanes = [0, 0, 0, 0, 0], simdgroups = []>
tm.kernel @shuffle_uniform attributes {simdgroups = 1 : i64, parameterNames = []} {
  %t = tm.tile : !tm.tile<f32, #u>
  %u = tm.tile : !tm.tile<f32, #u>
  // expected-error @+1 {{moves a tile that is the same in all lanes}}
  tm.shuffle_up %t to %u delta 1 : !tm.tile<f32, #u> to !tm.tile<f32, #u>
}

// -----

#l = #tm.linear<shape = [32], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = []>
tm.kernel @shuffle_place attributes {simdgroups = 1 : i64, parameterNames = []} {
  %t = tm.tile : !tm.tile<f32, #l>
  %u = tm.tile : !tm.tile<f32, #l>
  tm.single {
    // expected-error @+1 {{belongs in uniform code}}
    tm.shuffle_xor %t to %u mask 1 : !tm.tile<f32, #l> to !tm.tile<f32, #l>
  }
}

// -----

// expected-error @+1 {{fragments hold f16, bf16 or f32, not 'i8'}}
func.func @fragment_type(%f: !tm.fragments<8 by 8 x i8, 1 by 1>)

// -----

// expected-error @+1 {{24 by 8 is not made of 8x8 fragments for 2 by 1 SIMD groups}}
func.func @fragment_shape(%f: !tm.fragments<24 by 8 x f32, 2 by 1>)

// -----

tm.kernel @fragments_groups attributes {simdgroups = 1 : i64, parameterNames = []} {
  // expected-error @+1 {{is spread over 4 SIMD groups in a kernel of 1}}
  %f = tm.fragments : !tm.fragments<16 by 16 x f32, 2 by 2>
}

// -----

tm.kernel @fill_type attributes {simdgroups = 1 : i64, parameterNames = ["x"]} {
^bb0(%x: f16):
  %f = tm.fragments : !tm.fragments<8 by 8 x f32, 1 by 1>
  // expected-error @+1 {{has a value of type 'f16' where 'f32' is kept}}
  tm.fragments_fill %f, %x : !tm.fragments<8 by 8 x f32, 1 by 1>, f16
}

// -----

tm.kernel @copy_type attributes {simdgroups = 1 : i64, parameterNames = []} {
  %f = tm.fragments : !tm.fragments<8 by 8 x f32, 1 by 1>
  %g = tm.fragments : !tm.fragments<8 by 8 x f16, 1 by 1>
  // expected-error @+1 {{has a source of type}}
  tm.fragments_copy %f to %g : !tm.fragments<8 by 8 x f32, 1 by 1> to !tm.fragments<8 by 8 x f16, 1 by 1>
}

// -----

tm.kernel @store_rows attributes {simdgroups = 1 : i64, parameterNames = []} {
  %f = tm.fragments : !tm.fragments<16 by 8 x f32, 1 by 1>
  %a = tm.shared : <128 x f32>
  // expected-error @+1 {{names rows 8 to 24 of 16; both are multiples of 8}}
  tm.fragments_store %f rows 8 count 16 to %a stride 8 : !tm.fragments<16 by 8 x f32, 1 by 1>, !tm.shared<128 x f32>
}

// -----

tm.kernel @store_element attributes {simdgroups = 1 : i64, parameterNames = []} {
  %f = tm.fragments : !tm.fragments<8 by 8 x f32, 1 by 1>
  %a = tm.shared : <64 x f16>
  // expected-error @+1 {{has an array of type 'f16' where 'f32' is kept}}
  tm.fragments_store %f rows 0 count 8 to %a stride 8 : !tm.fragments<8 by 8 x f32, 1 by 1>, !tm.shared<64 x f16>
}

// -----

tm.kernel @store_stride attributes {simdgroups = 1 : i64, parameterNames = []} {
  %f = tm.fragments : !tm.fragments<8 by 16 x f32, 1 by 1>
  %a = tm.shared : <128 x f32>
  // expected-error @+1 {{has rows of 16 elements every 8}}
  tm.fragments_store %f rows 0 count 8 to %a stride 8 : !tm.fragments<8 by 16 x f32, 1 by 1>, !tm.shared<128 x f32>
}

// -----

tm.kernel @store_end attributes {simdgroups = 1 : i64, parameterNames = []} {
  %f = tm.fragments : !tm.fragments<8 by 8 x f32, 1 by 1>
  %a = tm.shared : <64 x f32>
  // expected-error @+1 {{ends at element 71 of an array of 64}}
  tm.fragments_store %f rows 0 count 8 to %a stride 9 : !tm.fragments<8 by 8 x f32, 1 by 1>, !tm.shared<64 x f32>
}

// -----

tm.kernel @multiply_depth attributes {simdgroups = 1 : i64, parameterNames = []} {
  %f = tm.fragments : !tm.fragments<8 by 8 x f32, 1 by 1>
  %a = tm.shared : <64 x f32>
  // expected-error @+1 {{has a depth of 4, which is not made of 8x8 fragments}}
  tm.multiply_accumulate %f, %a stride 8, %a stride 8 depth 4 : !tm.fragments<8 by 8 x f32, 1 by 1>, !tm.shared<64 x f32>, !tm.shared<64 x f32>
}

// -----

tm.kernel @multiply_types attributes {simdgroups = 1 : i64, parameterNames = []} {
  %f = tm.fragments : !tm.fragments<8 by 8 x f32, 1 by 1>
  %a = tm.shared : <64 x f32>
  %b = tm.shared : <64 x f16>
  // expected-error @+1 {{multiplies f16, bf16 or f32 of one type, not 'f32' and 'f16'}}
  tm.multiply_accumulate %f, %a stride 8, %b stride 8 depth 8 : !tm.fragments<8 by 8 x f32, 1 by 1>, !tm.shared<64 x f32>, !tm.shared<64 x f16>
}

// -----

tm.kernel @multiply_sum attributes {simdgroups = 1 : i64, parameterNames = []} {
  %f = tm.fragments : !tm.fragments<8 by 8 x f16, 1 by 1>
  %a = tm.shared : <64 x f32>
  // expected-error @+1 {{adds products of 'f32' to 'f16'}}
  tm.multiply_accumulate %f, %a stride 8, %a stride 8 depth 8 : !tm.fragments<8 by 8 x f16, 1 by 1>, !tm.shared<64 x f32>, !tm.shared<64 x f32>
}

// -----

// The first operand of a 16x8 product with a depth of 8 has 128 elements.
tm.kernel @multiply_first attributes {simdgroups = 1 : i64, parameterNames = []} {
  %f = tm.fragments : !tm.fragments<16 by 8 x f32, 1 by 1>
  %a = tm.shared : <64 x f32>
  // expected-error @+1 {{ends at element 128 of an array of 64}}
  tm.multiply_accumulate %f, %a stride 8, %a stride 8 depth 8 : !tm.fragments<16 by 8 x f32, 1 by 1>, !tm.shared<64 x f32>, !tm.shared<64 x f32>
}

// -----

tm.kernel @multiply_transposed attributes {simdgroups = 1 : i64, parameterNames = []} {
  %f = tm.fragments : !tm.fragments<16 by 8 x f32, 1 by 1>
  %a = tm.shared : <128 x f32>
  %b = tm.shared : <64 x f32>
  // expected-error @+1 {{has rows of 16 elements every 8}}
  tm.multiply_accumulate %f, %a stride 8 transposed, %b stride 8 depth 8 : !tm.fragments<16 by 8 x f32, 1 by 1>, !tm.shared<128 x f32>, !tm.shared<64 x f32>
}

// -----

tm.kernel @multiply_batches attributes {simdgroups = 1 : i64, parameterNames = []} {
  %f = tm.fragments : !tm.fragments<16 by 8 x f32, 1 by 1>
  %a = tm.shared : <128 x f32>
  // expected-error @+1 {{has 4 batches in 16 rows}}
  tm.multiply_accumulate %f, %a stride 8, %a stride 8 depth 8 batches 4 : !tm.fragments<16 by 8 x f32, 1 by 1>, !tm.shared<128 x f32>, !tm.shared<128 x f32>
}

// -----

tm.kernel @multiply_uneven_batches attributes {simdgroups = 2 : i64, parameterNames = []} {
  %f = tm.fragments : !tm.fragments<48 by 8 x f32, 2 by 1>
  %a = tm.shared : <384 x f32>
  // expected-error @+1 {{has matrices of 16 rows in rectangles of 24}}
  tm.multiply_accumulate %f, %a stride 8, %a stride 8 depth 8 batches 3 : !tm.fragments<48 by 8 x f32, 2 by 1>, !tm.shared<384 x f32>, !tm.shared<384 x f32>
}

// -----

tm.kernel @multiply_batch_of_b attributes {simdgroups = 1 : i64, parameterNames = []} {
  %f = tm.fragments : !tm.fragments<16 by 8 x f32, 1 by 1>
  %a = tm.shared : <128 x f32>
  %b = tm.shared : <64 x f32>
  // expected-error @+1 {{ends at element 128 of an array of 64}}
  tm.multiply_accumulate %f, %a stride 8, %b stride 8 depth 8 batches 2 : !tm.fragments<16 by 8 x f32, 1 by 1>, !tm.shared<128 x f32>, !tm.shared<64 x f32>
}

// -----

tm.kernel @multiply_second attributes {simdgroups = 1 : i64, parameterNames = []} {
  %f = tm.fragments : !tm.fragments<8 by 16 x f32, 1 by 1>
  %a = tm.shared : <64 x f32>
  // expected-error @+1 {{ends at element 128 of an array of 64}}
  tm.multiply_accumulate %f, %a stride 8, %a stride 16 depth 8 : !tm.fragments<8 by 16 x f32, 1 by 1>, !tm.shared<64 x f32>, !tm.shared<64 x f32>
}
