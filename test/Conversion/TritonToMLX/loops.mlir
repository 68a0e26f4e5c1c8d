// SPDX-License-Identifier: MIT
// RUN: split-file %s %t
// RUN: triton-metal-opt %t/sum.mlir --raise-to-mlx="grid=4 args=ptr:4096,ptr:16" | FileCheck %s --check-prefix=LIFT
// RUN: triton-metal-opt %t/narrow.mlir --raise-to-mlx="grid=4 args=ptr:2048,ptr:8" | FileCheck %s --check-prefix=STEP
// RUN: triton-metal-opt %t/halve.mlir --raise-to-mlx="grid=4 args=ptr:16,ptr:16" | FileCheck %s --check-prefix=WHILE

// A loop that only accumulates becomes a leading axis.
// LIFT: %[[V:.*]] = mlx.as_strided %{{.*}} {offset = 0 : i64, strides = array<i64: 1, 256>} : tensor<1024xf32> -> tensor<256x4xf32>
// LIFT: mlx.sum %[[V]] {axes = array<i64: 0>}
// LIFT-NOT: mlx.add{{.*}}mlx.add

// A bf16 accumulator is rounded in every trip, so the loop is run step by step.
// STEP-NOT: mlx.sum
// STEP-COUNT-4: mlx.add

// When the trip count depends on memory, the executor counts, and programs that are done keep their values.
// WHILE: %[[R:.*]]:{{[0-9]+}} = mlx.while
// WHILE: mlx.where
// WHILE: mlx.yield

//--- sum.mlir
module {
  tt.func public @sum(%x: !tt.ptr<f32>, %z: !tt.ptr<f32>) {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c256 = arith.constant 256 : i32
    %zero = arith.constant 0.0 : f32
    %pid = tt.get_program_id x : i32
    %row = arith.muli %pid, %c256 : i32
    %base = tt.addptr %x, %row : !tt.ptr<f32>, i32
    %sum = scf.for %i = %c0 to %c256 step %c1 iter_args(%acc = %zero) -> f32 : i32 {
      %p = tt.addptr %base, %i : !tt.ptr<f32>, i32
      %v = tt.load %p : !tt.ptr<f32>
      %next = arith.addf %acc, %v : f32
      scf.yield %next : f32
    }
    %zp = tt.addptr %z, %pid : !tt.ptr<f32>, i32
    tt.store %zp, %sum : !tt.ptr<f32>
    tt.return
  }
}

//--- narrow.mlir
module {
  tt.func public @sum(%x: !tt.ptr<bf16>, %z: !tt.ptr<bf16>) {
    %c0 = arith.constant 0 : i32
    %c1 = arith.constant 1 : i32
    %c4 = arith.constant 4 : i32
    %zero = arith.constant 0.0 : bf16
    %pid = tt.get_program_id x : i32
    %row = arith.muli %pid, %c4 : i32
    %base = tt.addptr %x, %row : !tt.ptr<bf16>, i32
    %sum = scf.for %i = %c0 to %c4 step %c1 iter_args(%acc = %zero) -> bf16 : i32 {
      %p = tt.addptr %base, %i : !tt.ptr<bf16>, i32
      %v = tt.load %p : !tt.ptr<bf16>
      %next = arith.addf %acc, %v : bf16
      scf.yield %next : bf16
    }
    %zp = tt.addptr %z, %pid : !tt.ptr<bf16>, i32
    tt.store %zp, %sum : !tt.ptr<bf16>
    tt.return
  }
}

//--- halve.mlir
module {
  tt.func public @halve(%x: !tt.ptr<i32>, %z: !tt.ptr<i32>) {
    %c1 = arith.constant 1 : i32
    %c0 = arith.constant 0 : i32
    %pid = tt.get_program_id x : i32
    %xp = tt.addptr %x, %pid : !tt.ptr<i32>, i32
    %start = tt.load %xp : !tt.ptr<i32>
    %r:2 = scf.while (%v = %start, %n = %c0) : (i32, i32) -> (i32, i32) {
      %go = arith.cmpi sgt, %v, %c1 : i32
      scf.condition(%go) %v, %n : i32, i32
    } do {
    ^bb0(%v: i32, %n: i32):
      %half = arith.shrsi %v, %c1 : i32
      %more = arith.addi %n, %c1 : i32
      scf.yield %half, %more : i32, i32
    }
    %zp = tt.addptr %z, %pid : !tt.ptr<i32>, i32
    tt.store %zp, %r#1 : !tt.ptr<i32>
    tt.return
  }
}
