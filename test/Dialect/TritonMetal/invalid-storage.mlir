// SPDX-License-Identifier: MIT
// A kernel has only the bytes of 8-bit floats, so that arithmetic on them is an error wherever it stands.
// RUN: triton-metal-opt %s -split-input-file -verify-diagnostics -o /dev/null

// Moved and converted: right.
tm.kernel @moved attributes {simdgroups = 1 : i64, parameterNames = ["p", "q", "c"]} {
^bb0(%p: !tt.ptr<f8E5M2>, %q: !tt.ptr<f32>, %c: i1):
  %x = tm.load %p : !tt.ptr<f8E5M2> -> f8E5M2
  %zero = arith.constant 0.0 : f8E5M2
  %y = arith.select %c, %x, %zero : f8E5M2
  %b = arith.bitcast %y : f8E5M2 to i8
  %w = tt.fp_to_fp %y : f8E5M2 -> f32
  tm.single {
    tm.store %w, %q : f32, !tt.ptr<f32>
  }
}

// -----

tm.kernel @sum attributes {simdgroups = 1 : i64, parameterNames = ["p"]} {
^bb0(%p: !tt.ptr<f8E5M2>):
  %x = tm.load %p : !tt.ptr<f8E5M2> -> f8E5M2
  // expected-error @+1 {{'arith.addf' op is arithmetic on 'f8E5M2', of which a kernel only has the bytes}}
  %y = arith.addf %x, %x : f8E5M2
}

// -----

#l = #tm.linear<shape = [32], registers = [], lanes = [1, 2, 4, 8, 16], simdgroups = []>
tm.kernel @comparison_in_region attributes {simdgroups = 1 : i64, parameterNames = ["p"]} {
^bb0(%p: !tt.ptr<f8E4M3FN>):
  tm.region #l {
  ^bb0(%r: i32):
    %x = tm.load %p : !tt.ptr<f8E4M3FN> -> f8E4M3FN
    // expected-error @+1 {{'arith.cmpf' op is arithmetic on 'f8E4M3FN'}}
    %y = arith.cmpf olt, %x, %x : f8E4M3FN
  }
}

// -----

tm.kernel @function attributes {simdgroups = 1 : i64, parameterNames = ["p"]} {
^bb0(%p: !tt.ptr<f8E4M3FNUZ>):
  %x = tm.load %p : !tt.ptr<f8E4M3FNUZ> -> f8E4M3FNUZ
  // expected-error @+1 {{'math.exp' op is arithmetic on 'f8E4M3FNUZ'}}
  %y = math.exp %x : f8E4M3FNUZ
}

// -----

tm.kernel @integer attributes {simdgroups = 1 : i64, parameterNames = ["n"]} {
^bb0(%n: i32):
  // expected-error @+1 {{'arith.sitofp' op is arithmetic on 'f8E4M3B11FNUZ'}}
  %y = arith.sitofp %n : i32 to f8E4M3B11FNUZ
}

// -----

tm.kernel @atomic_sum attributes {simdgroups = 1 : i64, parameterNames = ["p", "x"]} {
^bb0(%p: !tt.ptr<f8E5M2FNUZ>, %x: f8E5M2FNUZ):
  tm.single {
    // expected-error @+1 {{'fadd' is for floats, not 'f8E5M2FNUZ'}}
    %0 = tm.atomic_rmw fadd, relaxed, gpu, %p, %x : !tt.ptr<f8E5M2FNUZ>, f8E5M2FNUZ -> f8E5M2FNUZ
  }
}
