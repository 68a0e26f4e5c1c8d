// SPDX-License-Identifier: MIT
// 8-bit floats are moved, selected and converted; arithmetic that tt-widen-storage-arithmetic has left, or cannot do, is
// refused with line, operation and type, also in the combiner of a reduction.
// RUN: split-file %s %t
// RUN: triton-metal-opt %t/moved.mlir -tt-distribute | FileCheck %s --check-prefix=MOVED
// RUN: triton-metal-opt %t/refused.mlir -split-input-file -tt-distribute -verify-diagnostics

//--- moved.mlir
// MOVED: arith.select {{.*}} : f8E5M2
// MOVED: tt.fp_to_fp {{.*}} : f8E5M2 -> f32
tt.func public @moved(%p: !tt.ptr<f8E5M2>, %q: !tt.ptr<f32>, %c: i1) {
  %i = tt.make_range {start = 0 : i32, end = 64 : i32} : tensor<64xi32>
  %ps = tt.splat %p : !tt.ptr<f8E5M2> -> tensor<64x!tt.ptr<f8E5M2>>
  %pp = tt.addptr %ps, %i : tensor<64x!tt.ptr<f8E5M2>>, tensor<64xi32>
  %x = tt.load %pp : tensor<64x!tt.ptr<f8E5M2>>
  %zero = arith.constant dense<0.0> : tensor<64xf8E5M2>
  %y = arith.select %c, %x, %zero : tensor<64xf8E5M2>
  %f = tt.fp_to_fp %y : tensor<64xf8E5M2> -> tensor<64xf32>
  %qs = tt.splat %q : !tt.ptr<f32> -> tensor<64x!tt.ptr<f32>>
  %qp = tt.addptr %qs, %i : tensor<64x!tt.ptr<f32>>, tensor<64xi32>
  tt.store %qp, %f : tensor<64x!tt.ptr<f32>>
  tt.return
}

//--- refused.mlir
// expected-error @+1 {{kernel.py:3:9: [arith.addf] f8E5M2 is a storage format, and tt-widen-storage-arithmetic has not run.}}
module {
  tt.func public @sum(%p: !tt.ptr<f8E5M2>) {
    %x = tt.load %p : !tt.ptr<f8E5M2>
    %y = arith.addf %x, %x : f8E5M2 loc("kernel.py":3:9)
    tt.store %p, %y : !tt.ptr<f8E5M2>
    tt.return
  }
}

// -----

// expected-error @+1 {{kernel.py:4:9: [arith.cmpf] f8E4M3FN is a storage format, and tt-widen-storage-arithmetic has not run.}}
module {
  tt.func public @comparison(%p: !tt.ptr<f8E4M3FN>) {
    %x = tt.load %p : !tt.ptr<f8E4M3FN>
    %y = arith.cmpf olt, %x, %x : f8E4M3FN loc("kernel.py":4:9)
    tt.assert %y, "less" : i1
    tt.return
  }
}

// -----

// expected-error @+1 {{kernel.py:5:9: [arith.maxnumf] f8E4M3FNUZ is a storage format, and tt-widen-storage-arithmetic has not run.}}
module {
  tt.func public @maximum(%p: !tt.ptr<f8E4M3FNUZ>) {
    %ps = tt.splat %p : !tt.ptr<f8E4M3FNUZ> -> tensor<64x!tt.ptr<f8E4M3FNUZ>>
    %x = tt.load %ps : tensor<64x!tt.ptr<f8E4M3FNUZ>>
    %y = "tt.reduce"(%x) <{axis = 0 : i32}> ({
    ^bb0(%a: f8E4M3FNUZ, %b: f8E4M3FNUZ):
      %m = arith.maxnumf %a, %b : f8E4M3FNUZ loc("kernel.py":5:9)
      tt.reduce.return %m : f8E4M3FNUZ
    }) : (tensor<64xf8E4M3FNUZ>) -> f8E4M3FNUZ
    tt.store %p, %y : !tt.ptr<f8E4M3FNUZ>
    tt.return
  }
}
