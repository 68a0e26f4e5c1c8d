// SPDX-License-Identifier: MIT
// Atomics happen once for each element; results reach every thread that needs them.
// RUN: triton-metal-opt %s -split-input-file -tt-distribute -canonicalize -cse | FileCheck %s

// The old value is not used, so one thread adds.
// CHECK-LABEL: tm.kernel @count
// CHECK-NOT: tm.shared
// CHECK: tm.single {
// CHECK-NEXT: tm.atomic_rmw add, relaxed, gpu, %arg0, %c1_i32 :
tt.func public @count(%p: !tt.ptr<i32>) {
  %c1 = arith.constant 1 : i32
  %true = arith.constant true
  %old = tt.atomic_rmw add, relaxed, gpu, %p, %c1, %true : (!tt.ptr<i32>, i32, i1) -> i32
  tt.return
}

// -----

// A ticket is taken by one thread; all threads read it from threadgroup memory.
// CHECK-LABEL: tm.kernel @ticket
// CHECK: %[[CELL:.*]] = tm.shared : <1 x i32>
// CHECK: tm.single
// CHECK-NEXT: %[[OLD:.*]] = tm.atomic_rmw add, acq_rel, gpu, %arg0
// CHECK-NEXT: tm.shared_store %[[OLD]], %[[CELL]][%c0_i32]
// CHECK: %[[TICKET:.*]] = tm.shared_load %[[CELL]][%c0_i32]
// CHECK: tt.addptr %arg1, %[[TICKET]]
tt.func public @ticket(%p: !tt.ptr<i32>, %out: !tt.ptr<i32>) {
  %c1 = arith.constant 1 : i32
  %true = arith.constant true
  %old = tt.atomic_rmw add, acq_rel, gpu, %p, %c1, %true : (!tt.ptr<i32>, i32, i1) -> i32
  %to = tt.addptr %out, %old : !tt.ptr<i32>, i32
  tt.store %to, %c1 : !tt.ptr<i32>
  tt.return
}

// -----

// With 16 elements on 128 threads, the owners of the elements add and hand the old values to the other threads.
// CHECK-LABEL: tm.kernel @few
// CHECK: %[[OLDS:.*]] = tm.shared : <16 x i32>
// CHECK: tm.region <shape = [16], registers = [], lanes = [1, 2, 4, 8, 0], simdgroups = [0, 0]> {
// CHECK: %[[OWNER:.*]] = arith.andi %{{.*}}, %{{.*}} : i1
// CHECK: %[[MASK:.*]] = arith.andi %[[OWNER]], %{{.*}} : i1
// CHECK: %[[OLD:.*]] = tm.atomic_rmw max, relaxed, gpu, %arg0[%{{.*}} : i32], %{{.*}} mask %[[MASK]]
// CHECK: tm.shared_store %[[OLD]], %[[OLDS]]
// CHECK: tm.region
// CHECK: tm.shared_load %[[OLDS]]
tt.func public @few(%p: !tt.ptr<i32>, %out: !tt.ptr<i32>, %n: i32) {
  %range = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<16xi32>
  %xs = tt.splat %p : !tt.ptr<i32> -> tensor<16x!tt.ptr<i32>>
  %xp = tt.addptr %xs, %range : tensor<16x!tt.ptr<i32>>, tensor<16xi32>
  %os = tt.splat %out : !tt.ptr<i32> -> tensor<16x!tt.ptr<i32>>
  %op = tt.addptr %os, %range : tensor<16x!tt.ptr<i32>>, tensor<16xi32>
  %ns = tt.splat %n : i32 -> tensor<16xi32>
  %in = arith.cmpi slt, %range, %ns : tensor<16xi32>
  %old = tt.atomic_rmw max, relaxed, gpu, %xp, %range, %in : (tensor<16x!tt.ptr<i32>>, tensor<16xi32>, tensor<16xi1>) -> tensor<16xi32>
  tt.store %op, %old : tensor<16x!tt.ptr<i32>>
  tt.return
}

// -----

// With one element for each thread, the old value stays in its thread.
// CHECK-LABEL: tm.kernel @many
// CHECK-NOT: tm.shared
// CHECK: %[[OLD:.*]] = tm.atomic_rmw fadd, relaxed, gpu, %arg0[%{{[0-9]+}} : i32], %cst :
// CHECK: tm.store %[[OLD]], %arg1
tt.func public @many(%p: !tt.ptr<f32>, %out: !tt.ptr<f32>) {
  %range = tt.make_range {start = 0 : i32, end = 128 : i32} : tensor<128xi32>
  %xs = tt.splat %p : !tt.ptr<f32> -> tensor<128x!tt.ptr<f32>>
  %xp = tt.addptr %xs, %range : tensor<128x!tt.ptr<f32>>, tensor<128xi32>
  %os = tt.splat %out : !tt.ptr<f32> -> tensor<128x!tt.ptr<f32>>
  %op = tt.addptr %os, %range : tensor<128x!tt.ptr<f32>>, tensor<128xi32>
  %one = arith.constant dense<1.0> : tensor<128xf32>
  %true = arith.constant dense<true> : tensor<128xi1>
  %old = tt.atomic_rmw fadd, relaxed, gpu, %xp, %one, %true : (tensor<128x!tt.ptr<f32>>, tensor<128xf32>, tensor<128xi1>) -> tensor<128xf32>
  tt.store %op, %old : tensor<128x!tt.ptr<f32>>
  tt.return
}

// -----

// A lock: the condition of the loop must be the same for all threads, so one thread tries and passes on the result.
// CHECK-LABEL: tm.kernel @lock
// CHECK: scf.while
// CHECK: %[[CELL:.*]] = tm.shared : <1 x i32>
// CHECK: tm.single
// CHECK-NEXT: tm.atomic_cas acquire, gpu, %arg0, %c0_i32, %c1_i32
// CHECK: %[[WAS:.*]] = tm.shared_load %[[CELL]]
// CHECK: %[[TAKEN:.*]] = arith.cmpi ne, %[[WAS]], %c0_i32
// CHECK: scf.condition(%[[TAKEN]])
// CHECK: tm.single
// CHECK-NEXT: tm.atomic_rmw exch, release, gpu, %arg0, %c0_i32
tt.func public @lock(%p: !tt.ptr<i32>) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %true = arith.constant true
  scf.while : () -> () {
    %was = tt.atomic_cas acquire, gpu, %p, %c0, %c1 : (!tt.ptr<i32>, i32, i32) -> i32
    %taken = arith.cmpi ne, %was, %c0 : i32
    scf.condition(%taken)
  } do {
    scf.yield
  }
  %old = tt.atomic_rmw exch, release, gpu, %p, %c0, %true : (!tt.ptr<i32>, i32, i1) -> i32
  tt.return
}
