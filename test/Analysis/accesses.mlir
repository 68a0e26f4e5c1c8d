// SPDX-License-Identifier: MIT
// The description of a kernel's accesses. A coordinate that is used in the mask and in the pointers is the same node.
// RUN: triton-metal-translate --emit-accesses %s | FileCheck %s

// CHECK: %[[PID:[0-9]+]] = program_id.i32 0
// CHECK: %[[START:[0-9]+]] = mul.i32 %[[PID]] %
// CHECK: %[[INDEX:[0-9]+]] = add.i32 %[[START]] %[[LANE:[0-9]+]]
// CHECK: %[[WIDE:[0-9]+]] = sext.i64 %[[INDEX]]
// CHECK: %[[OFFSET:[0-9]+]] = mul.i64 %[[WIDE]] %
// CHECK: %[[N:[0-9]+]] = argument.i32 2
// CHECK: %[[MASK:[0-9]+]] = cmp.i1 lt %[[INDEX]] %[[N]]
// CHECK: line 3: argument 0, 4 bytes at %[[OFFSET]] if %[[MASK]]
// CHECK: line 5: argument 1, 4 bytes at %[[GATHERED:[0-9]+]] if %[[MASK]] (depends on data)
// CHECK: line 9: argument 1, 4 bytes at %{{.*}} if %{{.*}} and %{{.*}}
tt.func public @k(%x: !tt.ptr<i32>, %out: !tt.ptr<f32>, %n: i32) {
  %c64 = arith.constant 64 : i32
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant 0.0 : f32
  %zeros = arith.constant dense<0.0> : tensor<64xf32>
  %pid = tt.get_program_id x : i32
  %start = arith.muli %pid, %c64 : i32
  %range = tt.make_range {end = 64 : i32, start = 0 : i32} : tensor<64xi32>
  %starts = tt.splat %start : i32 -> tensor<64xi32>
  %index = arith.addi %starts, %range : tensor<64xi32>
  %ns = tt.splat %n : i32 -> tensor<64xi32>
  %mask = arith.cmpi slt, %index, %ns : tensor<64xi32>
  %xs = tt.splat %x : !tt.ptr<i32> -> tensor<64x!tt.ptr<i32>>
  %from = tt.addptr %xs, %index : tensor<64x!tt.ptr<i32>>, tensor<64xi32>
  %where = tt.load %from, %mask : tensor<64x!tt.ptr<i32>> loc("k.py":3:1)
  %outs = tt.splat %out : !tt.ptr<f32> -> tensor<64x!tt.ptr<f32>>
  %to = tt.addptr %outs, %where : tensor<64x!tt.ptr<f32>>, tensor<64xi32>
  tt.store %to, %zeros, %mask : tensor<64x!tt.ptr<f32>> loc("k.py":5:1)
  %some = arith.cmpi sgt, %n, %c0 : i32
  scf.if %some {
    scf.for %i = %c0 to %n step %c1 : i32 {
      %at = tt.addptr %out, %i : !tt.ptr<f32>, i32
      tt.store %at, %zero : !tt.ptr<f32> loc("k.py":9:1)
    }
  }
  tt.return
}
