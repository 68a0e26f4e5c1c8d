// SPDX-License-Identifier: MIT
// 8-bit floats are moved, selected and converted; arithmetic that tt-widen-storage-arithmetic has left, or cannot do, is
// refused before any launch.
// RUN: split-file %s %t
// RUN: triton-metal-opt %t/moved.mlir --raise-to-mlx="grid=1 args=ptr:64,ptr:256" | FileCheck %s --check-prefix=MOVED
// RUN: not triton-metal-opt %t/refused.mlir --split-input-file --raise-to-mlx="grid=1 args=ptr:64,ptr:256" 2>&1 | FileCheck %s

//--- moved.mlir
// MOVED: mlx.where {{.*}} -> tensor<{{.*}}xf8E5M2>
tt.func public @moved(%p: !tt.ptr<f8E5M2>, %q: !tt.ptr<f32>) {
  %i = tt.make_range {start = 0 : i32, end = 64 : i32} : tensor<64xi32>
  %ps = tt.splat %p : !tt.ptr<f8E5M2> -> tensor<64x!tt.ptr<f8E5M2>>
  %pp = tt.addptr %ps, %i : tensor<64x!tt.ptr<f8E5M2>>, tensor<64xi32>
  %x = tt.load %pp : tensor<64x!tt.ptr<f8E5M2>>
  %zero = arith.constant dense<0.0> : tensor<64xf8E5M2>
  %five = arith.constant dense<5> : tensor<64xi32>
  %c = arith.cmpi slt, %i, %five : tensor<64xi32>
  %y = arith.select %c, %x, %zero : tensor<64xi1>, tensor<64xf8E5M2>
  %f = tt.fp_to_fp %y : tensor<64xf8E5M2> -> tensor<64xf32>
  %qs = tt.splat %q : !tt.ptr<f32> -> tensor<64x!tt.ptr<f32>>
  %qp = tt.addptr %qs, %i : tensor<64x!tt.ptr<f32>>, tensor<64xi32>
  tt.store %qp, %f : tensor<64x!tt.ptr<f32>>
  tt.return
}

//--- refused.mlir
// CHECK: kernel.py:3:9: [arith.addf] f8E5M2 is a storage format, and tt-widen-storage-arithmetic has not run.
tt.func public @sum(%p: !tt.ptr<f8E5M2>, %q: !tt.ptr<f32>) {
  %x = tt.load %p : !tt.ptr<f8E5M2>
  %y = arith.addf %x, %x : f8E5M2 loc("kernel.py":3:9)
  tt.store %p, %y : !tt.ptr<f8E5M2>
  tt.return
}

// -----

// CHECK: kernel.py:4:9: [math.exp] f8E4M3B11FNUZ is a storage format: convert to float32 first.
tt.func public @function(%p: !tt.ptr<f8E4M3B11FNUZ>, %q: !tt.ptr<f32>) {
  %x = tt.load %p : !tt.ptr<f8E4M3B11FNUZ>
  %y = math.exp %x : f8E4M3B11FNUZ loc("kernel.py":4:9)
  tt.store %p, %y : !tt.ptr<f8E4M3B11FNUZ>
  tt.return
}
