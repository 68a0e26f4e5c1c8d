// SPDX-License-Identifier: MIT
// RUN: triton-metal-opt %s -tt-check-kernel -split-input-file -verify-diagnostics

tt.func public @right(%p: !tt.ptr<f32>) {
  tt.return
}

// -----

// expected-error @+1 {{[builtin.module] There is no kernel in this module.}}
module {
}

// -----

tt.func public @one() {
  tt.return
}
// expected-error @+1 {{[tt.func] Two functions, 'one' and 'two', where one kernel is expected.}}
tt.func public @two() {
  tt.return
}

// -----

// expected-error @+1 {{[tt.func] 'hidden' is no public function with a body.}}
tt.func private @hidden() {
  tt.return
}

// -----

// expected-error @+1 {{[tt.func] The kernel 'value' returns a value.}}
tt.func public @value(%x: i32) -> i32 {
  tt.return %x : i32
}

// -----

tt.func public @branch(%c: i1) {
  // expected-error @+1 {{[cf.cond_br] Branches between blocks were not made structured.}}
  cf.cond_br %c, ^a, ^b
^a:
  tt.return
^b:
  tt.return
}

// -----

tt.func public @descriptor(%d: !tt.tensordesc<4xf32>, %i: i32) {
  // expected-error @+1 {{[tt.descriptor_load] This use of a tensor descriptor is not supported.}}
  %0 = tt.descriptor_load %d[%i] : !tt.tensordesc<4xf32> -> tensor<4xf32>
  tt.return
}

// -----

tt.func public @wide() {
  // expected-error @+1 {{[arith.constant] Triton has no values of type 'i128'.}}
  %c = arith.constant 0 : i128
  tt.return
}

// -----

tt.func public @block_argument(%n: i32) {
  %c0 = arith.constant 0 : index
  tt.return
}
// expected-error @-3 {{[arith.constant] Triton has no values of type 'index'.}}

// -----

// expected-error @+1 {{[tt.func] A kernel has no parameters of type 'tensor<4xf32>'.}}
tt.func public @blocks(%x: tensor<4xf32>) {
  tt.return
}
