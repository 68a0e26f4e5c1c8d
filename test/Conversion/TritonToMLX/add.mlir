// SPDX-License-Identifier: MIT
// RUN: triton-metal-opt %s --raise-to-mlx="grid=4 args=ptr:16384,ptr:16384,ptr:16384,int:4096" | FileCheck %s --check-prefix=WHOLE
// RUN: triton-metal-opt %s --raise-to-mlx="grid=4 args=ptr:16384,ptr:16384,ptr:16384,int:4000" | FileCheck %s --check-prefix=MASKED
// RUN: triton-metal-opt %s --raise-to-mlx="grid=4 args=ptr:16384,same:0:4,ptr:16384,int:4000" | FileCheck %s --check-prefix=ALIAS

// A mask that always holds disappears; a store that covers its storage replaces it.
// WHOLE-LABEL: func.func @add(
// WHOLE-SAME: %[[X:.*]]: tensor<4096xf32>, %[[Y:.*]]: tensor<4096xf32>, %{{.*}}: tensor<4096xf32>) -> tensor<4096xf32>
// WHOLE-DAG: %[[XV:.*]] = mlx.as_strided %[[X]] {offset = 0 : i64, strides = array<i64: 1024, 1>} : tensor<4096xf32> -> tensor<4x1024xf32>
// WHOLE-DAG: %[[YV:.*]] = mlx.as_strided %[[Y]] {offset = 0 : i64, strides = array<i64: 1024, 1>} : tensor<4096xf32> -> tensor<4x1024xf32>
// WHOLE: %[[SUM:.*]] = mlx.add %[[XV]], %[[YV]]
// WHOLE: %[[FLAT:.*]] = mlx.reshape %[[SUM]]
// WHOLE: return %[[FLAT]]

// Program and lane become one axis that the mask clips; masked-off lanes become padding.
// MASKED: mlx.as_strided %{{.*}} {offset = 0 : i64, strides = array<i64: 1>} : tensor<4096xf32> -> tensor<4000xf32>
// MASKED: mlx.pad
// MASKED: mlx.add
// MASKED: mlx.slice %{{.*}} {start = array<i64: 0>, stop = array<i64: 4000>
// MASKED: mlx.slice_update %{{.*}} {start = array<i64: 0>, stop = array<i64: 4000>}

// ALIAS-LABEL: func.func @add(
// ALIAS-SAME: %[[X:.*]]: tensor<4096xf32>, %{{.*}}: tensor<4096xf32>) -> tensor<4096xf32>
// ALIAS: mlx.as_strided %[[X]] {offset = 1 : i64, strides = array<i64: 1>} : tensor<4096xf32> -> tensor<4000xf32>
module {
  tt.func public @add(%x: !tt.ptr<f32>, %y: !tt.ptr<f32>, %z: !tt.ptr<f32>, %n: i32) {
    %c1024 = arith.constant 1024 : i32
    %pid = tt.get_program_id x : i32
    %base = arith.muli %pid, %c1024 : i32
    %range = tt.make_range {end = 1024 : i32, start = 0 : i32} : tensor<1024xi32>
    %splat = tt.splat %base : i32 -> tensor<1024xi32>
    %offsets = arith.addi %splat, %range : tensor<1024xi32>
    %limit = tt.splat %n : i32 -> tensor<1024xi32>
    %mask = arith.cmpi slt, %offsets, %limit : tensor<1024xi32>
    %xs = tt.splat %x : !tt.ptr<f32> -> tensor<1024x!tt.ptr<f32>>
    %xp = tt.addptr %xs, %offsets : tensor<1024x!tt.ptr<f32>>, tensor<1024xi32>
    %xv = tt.load %xp, %mask : tensor<1024x!tt.ptr<f32>>
    %ys = tt.splat %y : !tt.ptr<f32> -> tensor<1024x!tt.ptr<f32>>
    %yp = tt.addptr %ys, %offsets : tensor<1024x!tt.ptr<f32>>, tensor<1024xi32>
    %yv = tt.load %yp, %mask : tensor<1024x!tt.ptr<f32>>
    %sum = arith.addf %xv, %yv : tensor<1024xf32>
    %zs = tt.splat %z : !tt.ptr<f32> -> tensor<1024x!tt.ptr<f32>>
    %zp = tt.addptr %zs, %offsets : tensor<1024x!tt.ptr<f32>>, tensor<1024xi32>
    tt.store %zp, %sum, %mask : tensor<1024x!tt.ptr<f32>>
    tt.return
  }
}
