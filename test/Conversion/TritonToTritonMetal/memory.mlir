// SPDX-License-Identifier: MIT
// Loads and stores: masks, values of masked-off lanes, memory that the kernel itself writes.
// RUN: triton-metal-opt %s -split-input-file -tt-distribute="alias-groups=-1,-1" -canonicalize -cse | FileCheck %s
// RUN: triton-metal-opt %s -split-input-file -tt-distribute="alias-groups=0,0" -canonicalize -cse | FileCheck %s --check-prefix=OVERLAP

// CHECK-LABEL: tm.kernel @masked
// CHECK: %[[IN:.*]] = arith.cmpi slt
// CHECK: %[[A:.*]] = tm.load %arg0[%{{.*}} : i32] mask %[[IN]] other %cst : f32
// CHECK: %[[B:.*]] = tm.load %arg0[%{{.*}} : i32] mask %[[IN]] {isVolatile} : !tt.ptr<f32> -> f32
// CHECK: tm.store %{{.*}}, %arg1[%{{.*}} : i32] mask %[[IN]]
tt.func public @masked(%x: !tt.ptr<f32>, %out: !tt.ptr<f32>, %n: i32) {
  %range = tt.make_range {start = 0 : i32, end = 128 : i32} : tensor<128xi32>
  %xs = tt.splat %x : !tt.ptr<f32> -> tensor<128x!tt.ptr<f32>>
  %xp = tt.addptr %xs, %range : tensor<128x!tt.ptr<f32>>, tensor<128xi32>
  %os = tt.splat %out : !tt.ptr<f32> -> tensor<128x!tt.ptr<f32>>
  %op = tt.addptr %os, %range : tensor<128x!tt.ptr<f32>>, tensor<128xi32>
  %ns = tt.splat %n : i32 -> tensor<128xi32>
  %in = arith.cmpi slt, %range, %ns : tensor<128xi32>
  %one = arith.constant dense<1.0> : tensor<128xf32>
  %a = tt.load %xp, %in, %one : tensor<128x!tt.ptr<f32>>
  %b = tt.load %xp, %in {isVolatile = true} : tensor<128x!tt.ptr<f32>>
  %c = arith.addf %a, %b : tensor<128xf32>
  tt.store %op, %c, %in : tensor<128x!tt.ptr<f32>>
  tt.return
}

// -----

// All threads load a scalar, unless the kernel may store to it: then one thread loads it for all.
// CHECK-LABEL: tm.kernel @scalars
// CHECK-NOT: tm.shared
// CHECK: %[[V:.*]] = tm.load %arg0 : !tt.ptr<f32> -> f32
// CHECK: tm.single
// CHECK-NEXT: tm.store %[[V]], %arg1
// CHECK: %[[CELL:.*]] = tm.shared : <1 x f32>
// CHECK: tm.single
// CHECK-NEXT: %[[W:.*]] = tm.load %arg1
// CHECK-NEXT: tm.shared_store %[[W]], %[[CELL]][%c0_i32]
// CHECK: %[[ALL:.*]] = tm.shared_load %[[CELL]][%c0_i32]
// CHECK: tt.addptr %arg1
// CHECK: tm.single
// CHECK: tm.store %[[ALL]]
// OVERLAP-LABEL: tm.kernel @scalars
// OVERLAP: tm.shared
// OVERLAP: tm.single
// OVERLAP-NEXT: tm.load %arg0
tt.func public @scalars(%x: !tt.ptr<f32>, %out: !tt.ptr<f32>) {
  %c1 = arith.constant 1 : i32
  %v = tt.load %x : !tt.ptr<f32>
  tt.store %out, %v : !tt.ptr<f32>
  %w = tt.load %out : !tt.ptr<f32>
  %p = tt.addptr %out, %c1 : !tt.ptr<f32>, i32
  tt.store %p, %w : !tt.ptr<f32>
  tt.return
}

// -----

// A thread may reload its own elements in the same region; those of others need another region (and a barrier).
// CHECK-LABEL: tm.kernel @order
// CHECK: tm.region
// CHECK: tm.load %arg0
// CHECK: tm.store {{.*}}, %arg0
// CHECK: tm.load %arg0
// CHECK-NOT: tm.load
// CHECK: tm.region
// CHECK: tm.load %arg0
// Another argument may be loaded in the same region, unless the two may overlap.
// CHECK-NOT: tm.region
// CHECK: tm.store {{.*}}, %arg1
// OVERLAP-LABEL: tm.kernel @order
// OVERLAP-COUNT-3: tm.region
tt.func public @order(%x: !tt.ptr<i32>, %out: !tt.ptr<i32>) {
  %range = tt.make_range {start = 0 : i32, end = 128 : i32} : tensor<128xi32>
  %xs = tt.splat %x : !tt.ptr<i32> -> tensor<128x!tt.ptr<i32>>
  %xp = tt.addptr %xs, %range : tensor<128x!tt.ptr<i32>>, tensor<128xi32>
  %v = tt.load %xp : tensor<128x!tt.ptr<i32>>
  %two = arith.constant dense<2> : tensor<128xi32>
  %twice = arith.muli %v, %two : tensor<128xi32>
  tt.store %xp, %twice : tensor<128x!tt.ptr<i32>>
  %again = tt.load %xp : tensor<128x!tt.ptr<i32>>
  %all = arith.constant dense<127> : tensor<128xi32>
  %mirrored = arith.xori %range, %all : tensor<128xi32>
  %mp = tt.addptr %xs, %mirrored : tensor<128x!tt.ptr<i32>>, tensor<128xi32>
  %w = tt.load %mp : tensor<128x!tt.ptr<i32>>
  %sum = arith.addi %again, %w : tensor<128xi32>
  %os = tt.splat %out : !tt.ptr<i32> -> tensor<128x!tt.ptr<i32>>
  %op = tt.addptr %os, %range : tensor<128x!tt.ptr<i32>>, tensor<128xi32>
  tt.store %op, %sum : tensor<128x!tt.ptr<i32>>
  tt.return
}
