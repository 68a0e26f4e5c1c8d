// SPDX-License-Identifier: MIT
// What Metal cannot do correctly is refused with the source line, the operation and the reason.
// RUN: triton-metal-opt %s -split-input-file -tt-distribute -verify-diagnostics

// expected-error @+1 {{kernel.py:7:3: [tt.elementwise_inline_asm] Inline assembly is for another instruction set.}}
module {
  tt.func public @assembly(%x: i32) {
    %0 = tt.elementwise_inline_asm "not $0, $1;" {constraints = "=r,r", packed_element = 1 : i32, pure = true} %x : i32 -> i32 loc("kernel.py":7:3)
    tt.return
  }
}

// -----

// expected-error @+1 {{lib.py:2:1: [tt.int_to_ptr] An address made from an integer belongs to no argument.}}
module {
  tt.func public @address(%x: i64) {
    %p = tt.int_to_ptr %x : i64 -> !tt.ptr<f32> loc(callsite("lib.py":2:1 at "kernel.py":9:5))
    tt.return
  }
}

// -----

// A line of Triton's own library is not the user's: the call site is named.
// expected-error @+1 {{kernel.py:9:5: [tt.int_to_ptr] An address made from an integer belongs to no argument.}}
module {
  tt.func public @library(%x: i64) {
    %p = tt.int_to_ptr %x : i64 -> !tt.ptr<f32> loc(callsite("/usr/lib/triton/language/standard.py":2:1 at callsite("triton/tools/ragged.py":4:1 at "kernel.py":9:5)))
    tt.return
  }
}

// -----

module {
  tt.func public @caller(%x: i32) {
    tt.call @callee(%x) : (i32) -> ()
    tt.return
  }
  // expected-error @+1 {{[tt.func] Two functions, 'caller' and 'callee', where one kernel is expected.}}
  tt.func private @callee(%x: i32)
}

// -----

// expected-error @+1 {{[tt.dot_scaled] Scaled products become plain ones before; what is left cannot.}}
module {
  tt.func public @scaled(%p: !tt.ptr<f32>) {
    %a = arith.constant dense<0.0> : tensor<32x64xf8E4M3FN>
    %b = arith.constant dense<0.0> : tensor<64x32xf8E4M3FN>
    %s = arith.constant dense<0> : tensor<32x2xi8>
    %c = arith.constant dense<0.0> : tensor<32x32xf32>
    %d = tt.dot_scaled %a scale %s, %b scale %s, %c lhs = e4m3 rhs = e4m3 {fastMath = false} : tensor<32x64xf8E4M3FN>, tensor<32x2xi8> * tensor<64x32xf8E4M3FN>, tensor<32x2xi8> -> tensor<32x32xf32>
    tt.return
  }
}

// -----

// expected-error @+1 {{[math.ipowi] This operation has no form in Metal yet.}}
module {
  tt.func public @unknown(%x: i32) {
    %0 = math.ipowi %x, %x : i32
    tt.return
  }
}

// -----

// expected-error @+1 {{[arith.constant] A block constant with different elements is not supported.}}
module {
  tt.func public @elements(%p: !tt.ptr<i32>) {
    %v = arith.constant dense<[1, 2, 3, 4]> : tensor<4xi32>
    %ps = tt.splat %p : !tt.ptr<i32> -> tensor<4x!tt.ptr<i32>>
    tt.store %ps, %v : tensor<4x!tt.ptr<i32>>
    tt.return
  }
}

// -----

// expected-error @+1 {{[tt.print] Blocks of different shapes cannot be printed together.}}
module {
  tt.func public @shapes() {
    %a = tt.make_range {start = 0 : i32, end = 4 : i32} : tensor<4xi32>
    %b = tt.make_range {start = 0 : i32, end = 8 : i32} : tensor<8xi32>
    tt.print " " {hex = false, isSigned = array<i32: 1, 1>} : %a, %b : tensor<4xi32>, tensor<8xi32>
    tt.return
  }
}
