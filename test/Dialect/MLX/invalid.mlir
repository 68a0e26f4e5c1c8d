// SPDX-License-Identifier: MIT
// What the types or attributes of an operation do not permit: one near miss for each rule.
// RUN: triton-metal-opt %s -split-input-file -verify-diagnostics

func.func @broadcast(%a: tensor<4xf32>, %b: tensor<3xf32>) {
  // expected-error @+1 {{cannot broadcast 'tensor<3xf32>' to 'tensor<4xf32>'}}
  %0 = mlx.add %a, %b : tensor<4xf32>, tensor<3xf32> -> tensor<4xf32>
  return
}

// -----

func.func @wider_than_needed(%a: tensor<1xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{inferred type(s) 'tensor<1xf32>' are incompatible with return type(s) of operation 'tensor<4xf32>'}}
  %0 = mlx.exp %a : tensor<1xf32> -> tensor<4xf32>
  return
}

// -----

func.func @mixed(%a: tensor<4xf32>, %b: tensor<4xf16>) {
  // expected-error @+1 {{all of {a, b} have same element type}}
  %0 = mlx.add %a, %b : tensor<4xf32>, tensor<4xf16> -> tensor<4xf32>
  return
}

// -----

func.func @comparison(%a: tensor<4xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{inferred type(s) 'tensor<4xi1>'}}
  %0 = mlx.less %a, %a : tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  return
}

// -----

func.func @float_only(%a: tensor<4xi32>) {
  // expected-error @+1 {{operand #0 must be ranked tensor of 16-bit float}}
  %0 = mlx.exp %a : tensor<4xi32> -> tensor<4xi32>
  return
}

// -----

func.func @truth_only(%c: tensor<4xi32>, %a: tensor<4xf32>) {
  // expected-error @+1 {{operand #0 must be ranked tensor of 1-bit signless integer values}}
  %0 = mlx.where %c, %a, %a : tensor<4xi32>, tensor<4xf32>, tensor<4xf32> -> tensor<4xf32>
  return
}

// -----

func.func @astype(%a: tensor<4xf32>) {
  // expected-error @+1 {{requires the same shape for all operands and results}}
  %0 = mlx.astype %a : tensor<4xf32> -> tensor<5xi32>
  return
}

// -----

func.func @view(%a: tensor<4xf32>) {
  // expected-error @+1 {{cannot show the bits of 'tensor<4xf32>' as 'tensor<4xf16>'}}
  %0 = mlx.view %a : tensor<4xf32> -> tensor<4xf16>
  return
}

// -----

func.func @view_scalar(%a: tensor<f32>) {
  // expected-error @+1 {{changes the width of a single element}}
  %0 = mlx.view %a : tensor<f32> -> tensor<f16>
  return
}

// -----

func.func @constant() {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{inferred type(s) 'tensor<2xi32>'}}
  %0 = mlx.constant dense<1> : tensor<2xi32> : tensor<3xi32>
  return
}

// -----

func.func @arange() {
  // expected-error @+1 {{varies along more than one axis}}
  %0 = mlx.arange 0, 1 : tensor<2x3xi32>
  return
}

// -----

func.func @reshape(%a: tensor<4xf32>) {
  // expected-error @+1 {{changes the number of elements}}
  %0 = mlx.reshape %a : tensor<4xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @reshape_type(%a: tensor<4xf32>) {
  // expected-error @+1 {{all of {a, result} have same element type}}
  %0 = mlx.reshape %a : tensor<4xf32> -> tensor<2x2xi32>
  return
}

// -----

func.func @broadcast_to(%a: tensor<2xf32>) {
  // expected-error @+1 {{cannot broadcast}}
  %0 = mlx.broadcast_to %a : tensor<2xf32> -> tensor<4xf32>
  return
}

// -----

func.func @transpose_twice(%a: tensor<2x3xf32>) {
  // expected-error @+1 {{names axis 1 twice}}
  %0 = mlx.transpose %a {axes = array<i64: 1, 1>} : tensor<2x3xf32> -> tensor<3x3xf32>
  return
}

// -----

func.func @transpose_shape(%a: tensor<2x3xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{inferred type(s) 'tensor<3x2xf32>'}}
  %0 = mlx.transpose %a {axes = array<i64: 1, 0>} : tensor<2x3xf32> -> tensor<2x3xf32>
  return
}

// -----

func.func @slice_beyond(%a: tensor<4xf32>) {
  // expected-error @+1 {{leaves axis 0 of 4 elements}}
  %0 = mlx.slice %a {start = array<i64: 0>, stop = array<i64: 5>, strides = array<i64: 1>} : tensor<4xf32> -> tensor<5xf32>
  return
}

// -----

func.func @slice_rank(%a: tensor<4xf32>) {
  // expected-error @+1 {{needs one stride per axis}}
  %0 = mlx.slice %a {start = array<i64: 0>, stop = array<i64: 4>, strides = array<i64: 1, 1>} : tensor<4xf32> -> tensor<4xf32>
  return
}

// -----

func.func @as_strided_beyond(%a: tensor<8xf32>) {
  // expected-error @+1 {{reads elements 1 to 8 of an array of 8}}
  %0 = mlx.as_strided %a {strides = array<i64: 1>, offset = 1 : i64} : tensor<8xf32> -> tensor<8xf32>
  return
}

// -----

func.func @pad(%a: tensor<4xf32>, %v: tensor<1xf32>) {
  // expected-error @+1 {{needs a single element to pad with}}
  %0 = mlx.pad %a, %v {low = array<i64: 0>, high = array<i64: 1>} : tensor<4xf32>, tensor<1xf32> -> tensor<5xf32>
  return
}

// -----

func.func @concatenate(%a: tensor<4x2xf32>, %b: tensor<4x3xf32>) {
  // expected-error @+1 {{cannot join 'tensor<4x3xf32>' to 'tensor<4x2xf32>' along axis 0}}
  %0 = mlx.concatenate %a, %b {axis = 0 : i64} : tensor<4x2xf32>, tensor<4x3xf32> -> tensor<8x2xf32>
  return
}

// -----

func.func @slice_update(%a: tensor<4xf32>, %b: tensor<2xf32>) {
  // expected-error @+1 {{replaces a part of another shape than 'tensor<2xf32>'}}
  %0 = mlx.slice_update %a, %b {start = array<i64: 0>, stop = array<i64: 3>} : tensor<4xf32>, tensor<2xf32> -> tensor<4xf32>
  return
}

// -----

func.func @take(%a: tensor<4xf32>, %i: tensor<2xi32>) {
  // expected-error @+1 {{has no axis 1}}
  %0 = mlx.take %a, %i {axis = 1 : i64} : tensor<4xf32>, tensor<2xi32> -> tensor<2xf32>
  return
}

// -----

func.func @take_along_axis(%a: tensor<4x2xf32>, %i: tensor<4x1xi32>) {
  // expected-error @+1 {{cannot index 'tensor<4x2xf32>' by 'tensor<4x1xi32>' along axis 0}}
  %0 = mlx.take_along_axis %a, %i {axis = 0 : i64} : tensor<4x2xf32>, tensor<4x1xi32> -> tensor<4x1xf32>
  return
}

// -----

func.func @scatter_reduction(%a: tensor<4xf32>, %i: tensor<2xi32>, %u: tensor<2xf32>) {
  // expected-error @+1 {{none, add, max or min}}
  %0 = mlx.scatter %a, %i, %u {reduction = "umax"} : tensor<4xf32>, tensor<2xi32>, tensor<2xf32> -> tensor<4xf32>
  return
}

// -----

func.func @scatter_count(%a: tensor<4xf32>, %i: tensor<2xi32>, %u: tensor<3xf32>) {
  // expected-error @+1 {{needs one index per update}}
  %0 = mlx.scatter %a, %i, %u {reduction = "add"} : tensor<4xf32>, tensor<2xi32>, tensor<3xf32> -> tensor<4xf32>
  return
}

// -----

func.func @reduction(%a: tensor<4x2xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{inferred type(s) 'tensor<1x2xf32>'}}
  %0 = mlx.sum %a {axes = array<i64: 0>} : tensor<4x2xf32> -> tensor<2xf32>
  return
}

// -----

func.func @scan(%a: tensor<4xf32>) {
  // expected-error @+1 {{has no axis 1}}
  %0 = mlx.cumsum %a {axis = 1 : i64, reverse = false} : tensor<4xf32> -> tensor<4xf32>
  return
}

// -----

func.func @matmul(%a: tensor<4x2xf32>, %b: tensor<3x4xf32>) {
  // expected-error @+1 {{has an inner axis of 2 on one side and 3 on the other}}
  %0 = mlx.matmul %a, %b : tensor<4x2xf32>, tensor<3x4xf32> -> tensor<4x4xf32>
  return
}

// -----

func.func @matmul_batches(%a: tensor<2x4x2xf32>, %b: tensor<3x2x4xf32>) {
  // expected-error @+1 {{has different batches}}
  %0 = mlx.matmul %a, %b : tensor<2x4x2xf32>, tensor<3x2x4xf32> -> tensor<2x4x4xf32>
  return
}

// -----

func.func @while(%a: tensor<4xi1>, %b: tensor<4xf32>) {
  // expected-error @+1 {{must carry arrays of unchanging types}}
  %0:2 = mlx.while %a, %b : (tensor<4xi1>, tensor<4xf32>) -> (tensor<4xi1>, tensor<4xf32>) {
  ^bb0(%c: tensor<4xi1>, %x: tensor<4xf32>):
    mlx.yield %c, %c : tensor<4xi1>, tensor<4xi1>
  }
  return
}

// -----

// 8-bit floats are moved, never computed with.
func.func @arithmetic_on_storage(%a: tensor<4xf8E5M2>) {
  // expected-error @+1 {{operand #0 must be ranked tensor of integer or 16-bit float}}
  %0 = mlx.add %a, %a : tensor<4xf8E5M2>, tensor<4xf8E5M2> -> tensor<4xf8E5M2>
  return
}

// -----

func.func @comparison_of_storage(%a: tensor<4xf8E4M3FN>) {
  // expected-error @+1 {{operand #0 must be ranked tensor of integer or 16-bit float}}
  %0 = mlx.less %a, %a : tensor<4xf8E4M3FN>, tensor<4xf8E4M3FN> -> tensor<4xi1>
  return
}

// -----

func.func @function_of_storage(%a: tensor<4xf8E4M3FNUZ>) {
  // expected-error @+1 {{operand #0 must be ranked tensor of 16-bit float}}
  %0 = mlx.exp %a : tensor<4xf8E4M3FNUZ> -> tensor<4xf8E4M3FNUZ>
  return
}

// -----

func.func @conversion_of_storage(%a: tensor<4xf8E5M2FNUZ>) {
  // expected-error @+1 {{operand #0 must be ranked tensor of integer or 16-bit float}}
  %0 = mlx.astype %a : tensor<4xf8E5M2FNUZ> -> tensor<4xf32>
  return
}

// -----

func.func @sum_of_storage(%a: tensor<4xf8E4M3B11FNUZ>) {
  // expected-error @+1 {{operand #0 must be ranked tensor of integer or 16-bit float}}
  %0 = mlx.sum %a {axes = array<i64: 0>} : tensor<4xf8E4M3B11FNUZ> -> tensor<1xf8E4M3B11FNUZ>
  return
}

// -----

func.func @scan_of_storage(%a: tensor<4xf8E5M2>) {
  // expected-error @+1 {{operand #0 must be ranked tensor of integer or 16-bit float}}
  %0 = mlx.cumsum %a {axis = 0 : i64, reverse = false} : tensor<4xf8E5M2> -> tensor<4xf8E5M2>
  return
}

// -----

func.func @scattered_sum_of_storage(%a: tensor<8xf8E5M2>, %i: tensor<4xi32>, %u: tensor<4xf8E5M2>) {
  // expected-error @+1 {{cannot combine 'f8E5M2', which MLX only moves}}
  %0 = mlx.scatter %a, %i, %u {reduction = "add"} : tensor<8xf8E5M2>, tensor<4xi32>, tensor<4xf8E5M2> -> tensor<8xf8E5M2>
  return
}

// -----

func.func @uncountable(%a: tensor<9223372036854775807x4xf32>) {
  // expected-error @+1 {{operand #0 must be ranked tensor}}
  %0 = mlx.view %a : tensor<9223372036854775807x4xf32> -> tensor<9223372036854775807x4xi32>
  return
}

// -----

func.func @dynamic(%a: tensor<?xf32>) {
  // expected-error @+1 {{operand #0 must be ranked tensor}}
  %0 = mlx.exp %a : tensor<?xf32> -> tensor<?xf32>
  return
}

// -----

func.func @far(%a: tensor<4xf32>) {
  // expected-error @+1 {{has strides that exceed 64 bits}}
  %0 = mlx.as_strided %a {offset = 0 : i64, strides = array<i64: 9223372036854775807>} : tensor<4xf32> -> tensor<4xf32>
  return
}

// -----

func.func @pointers(%a: tensor<4x!tt.ptr<f32>>) {
  // expected-error @+1 {{operand #0 must be ranked tensor}}
  %0 = mlx.exp %a : tensor<4x!tt.ptr<f32>> -> tensor<4x!tt.ptr<f32>>
  return
}
