// SPDX-License-Identifier: MIT
// What Triton 3.9 does not put into TTIR is an error at its place in the text.
// RUN: triton-metal-opt %s -split-input-file -verify-diagnostics

tt.func @unknown_operation(%p: !tt.ptr<f32>) {
  // expected-error @+1 {{custom op 'tt.frobnicate' is unknown}}
  tt.frobnicate %p : !tt.ptr<f32>
  tt.return
}

// -----

tt.func @layouts_come_later(%x: tensor<4xf32>) {
  // expected-error @+1 {{unregistered operation 'ttg.convert_layout' found in dialect ('ttg')}}
  %0 = "ttg.convert_layout"(%x) : (tensor<4xf32>) -> tensor<4xf32>
  tt.return
}

// -----

tt.func @other_target() {
  // expected-error @+1 {{operation being parsed with an unregistered dialect}}
  "nvgpu.fence"() : () -> ()
  tt.return
}

// -----

// expected-error @+1 {{unknown  type `memdesc` in dialect `tt`}}
tt.func @unknown_type(%x: !tt.memdesc<f32>)
