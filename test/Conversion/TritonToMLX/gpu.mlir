// SPDX-License-Identifier: MIT
// What MLX can do only on the CPU is refused for a GPU, by name.
// RUN: not triton-metal-opt %s --split-input-file --raise-to-mlx="grid=1 args=ptr:128,ptr:128 gpu=true" 2>&1 | FileCheck %s
// RUN: triton-metal-opt %s --split-input-file --raise-to-mlx="grid=1 args=ptr:128,ptr:128" | FileCheck %s --check-prefix=CPU

// CHECK: kernel.py:5:3: [tt.store] MLX has no scatter of i64 on a GPU, and the addresses are not a regular region.
// CPU: mlx.scatter
module {
  tt.func public @scatter(%x: !tt.ptr<i64>, %y: !tt.ptr<i64>) {
    %range = tt.make_range {end = 16 : i32, start = 0 : i32} : tensor<16xi32>
    %xs = tt.splat %x : !tt.ptr<i64> -> tensor<16x!tt.ptr<i64>>
    %xp = tt.addptr %xs, %range : tensor<16x!tt.ptr<i64>>, tensor<16xi32>
    %v = tt.load %xp : tensor<16x!tt.ptr<i64>>
    %ys = tt.splat %y : !tt.ptr<i64> -> tensor<16x!tt.ptr<i64>>
    %yp = tt.addptr %ys, %v : tensor<16x!tt.ptr<i64>>, tensor<16xi64>
    tt.store %yp, %v : tensor<16x!tt.ptr<i64>> loc("kernel.py":5:3)
    tt.return
  }
}

// -----

// CHECK: kernel.py:7:3: [tt.atomic_rmw] MLX has no scatter of i64 on a GPU
// CPU: mlx.scatter
module {
  tt.func public @atomic(%x: !tt.ptr<i64>, %y: !tt.ptr<i64>) {
    %on = arith.constant dense<true> : tensor<16xi1>
    %range = tt.make_range {end = 16 : i32, start = 0 : i32} : tensor<16xi32>
    %xs = tt.splat %x : !tt.ptr<i64> -> tensor<16x!tt.ptr<i64>>
    %xp = tt.addptr %xs, %range : tensor<16x!tt.ptr<i64>>, tensor<16xi32>
    %v = tt.load %xp : tensor<16x!tt.ptr<i64>>
    %ys = tt.splat %y : !tt.ptr<i64> -> tensor<16x!tt.ptr<i64>>
    %yp = tt.addptr %ys, %v : tensor<16x!tt.ptr<i64>>, tensor<16xi64>
    %old = tt.atomic_rmw add, acq_rel, gpu, %yp, %v, %on : (tensor<16x!tt.ptr<i64>>, tensor<16xi64>, tensor<16xi1>) -> tensor<16xi64> loc("kernel.py":7:3)
    tt.return
  }
}

// -----

// CHECK: [arith.extf] The device has no f64.
// CPU: mlx.astype
module {
  tt.func public @double(%x: !tt.ptr<f32>, %y: !tt.ptr<f32>) {
    %v = tt.load %x : !tt.ptr<f32>
    %wide = arith.extf %v : f32 to f64 loc("kernel.py":3:3)
    %sum = arith.addf %wide, %wide : f64
    %back = arith.truncf %sum : f64 to f32
    tt.store %y, %back : !tt.ptr<f32>
    tt.return
  }
}

// -----

// A strided region of 8-byte elements needs no scatter.
// CHECK: mlx.slice_update
// CPU: func.func @copy
module {
  tt.func public @copy(%x: !tt.ptr<i64>, %y: !tt.ptr<i64>) {
    %range = tt.make_range {end = 8 : i32, start = 0 : i32} : tensor<8xi32>
    %xs = tt.splat %x : !tt.ptr<i64> -> tensor<8x!tt.ptr<i64>>
    %xp = tt.addptr %xs, %range : tensor<8x!tt.ptr<i64>>, tensor<8xi32>
    %v = tt.load %xp : tensor<8x!tt.ptr<i64>>
    %ys = tt.splat %y : !tt.ptr<i64> -> tensor<8x!tt.ptr<i64>>
    %yp = tt.addptr %ys, %range : tensor<8x!tt.ptr<i64>>, tensor<8xi32>
    tt.store %yp, %v : tensor<8x!tt.ptr<i64>>
    tt.return
  }
}
