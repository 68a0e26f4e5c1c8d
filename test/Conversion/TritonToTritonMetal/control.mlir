// SPDX-License-Identifier: MIT
// Loops and branches are uniform. The blocks that they carry live in tiles, the scalars in variables.
// RUN: triton-metal-opt %s -split-input-file -tt-shared-pipeline -tt-distribute -canonicalize -cse | FileCheck %s

// CHECK-LABEL: tm.kernel @carried
// CHECK: %[[SUM:.*]] = tm.tile : <f32, <shape = [128]
// CHECK: tm.put %cst, %[[SUM]]
// CHECK: %[[N:.*]] = scf.for {{.*}} iter_args(%{{.*}} = %c0_i32) -> (i32)
// CHECK: %[[OLD:.*]] = tm.get %[[SUM]]
// CHECK: %[[NEW:.*]] = arith.addf %[[OLD]]
// CHECK: tm.put %[[NEW]], %[[SUM]]
// CHECK: scf.yield %{{.*}} : i32
// CHECK: %[[LAST:.*]] = tm.get %[[SUM]]
// CHECK: tm.store %[[LAST]]
// CHECK: tm.store %[[N]]
tt.func public @carried(%x: !tt.ptr<f32>, %out: !tt.ptr<f32>, %count: !tt.ptr<i32>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %zero = arith.constant dense<0.0> : tensor<128xf32>
  %range = tt.make_range {start = 0 : i32, end = 128 : i32} : tensor<128xi32>
  %xs = tt.splat %x : !tt.ptr<f32> -> tensor<128x!tt.ptr<f32>>
  %xp = tt.addptr %xs, %range : tensor<128x!tt.ptr<f32>>, tensor<128xi32>
  %os = tt.splat %out : !tt.ptr<f32> -> tensor<128x!tt.ptr<f32>>
  %op = tt.addptr %os, %range : tensor<128x!tt.ptr<f32>>, tensor<128xi32>
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%sum = %zero, %k = %c0) -> (tensor<128xf32>, i32) : i32 {
    %v = tt.load %xp : tensor<128x!tt.ptr<f32>>
    %next = arith.addf %sum, %v : tensor<128xf32>
    %more = arith.addi %k, %i : i32
    scf.yield %next, %more : tensor<128xf32>, i32
  }
  tt.store %op, %r#0 : tensor<128x!tt.ptr<f32>>
  tt.store %count, %r#1 : !tt.ptr<i32>
  tt.return
}

// -----

// Two blocks swap: both new values are computed before an old one is overwritten.
// CHECK-LABEL: tm.kernel @swap
// CHECK: tm.put %{{.*}}, %[[A:[0-9]+]][%{{.*}}] : f32
// CHECK: tm.put %{{.*}}, %[[B:[0-9]+]][%{{.*}}] : f32
// CHECK: scf.for
// CHECK: %[[OLD_B:.*]] = tm.get %[[B]]
// CHECK: tm.put %[[OLD_B]], %[[NEW_A:[0-9]+]][
// CHECK: %[[OLD_A:.*]] = tm.get %[[A]]
// CHECK: tm.put %[[OLD_A]], %[[NEW_B:[0-9]+]][
// CHECK: tm.region
// CHECK: %[[X:.*]] = tm.get %[[NEW_A]]
// CHECK: tm.put %[[X]], %[[A]]
// CHECK: %[[Y:.*]] = tm.get %[[NEW_B]]
// CHECK: tm.put %[[Y]], %[[B]]
tt.func public @swap(%x: !tt.ptr<f32>, %out: !tt.ptr<f32>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %range = tt.make_range {start = 0 : i32, end = 128 : i32} : tensor<128xi32>
  %xs = tt.splat %x : !tt.ptr<f32> -> tensor<128x!tt.ptr<f32>>
  %xp = tt.addptr %xs, %range : tensor<128x!tt.ptr<f32>>, tensor<128xi32>
  %v = tt.load %xp : tensor<128x!tt.ptr<f32>>
  %os = tt.splat %out : !tt.ptr<f32> -> tensor<128x!tt.ptr<f32>>
  %op = tt.addptr %os, %range : tensor<128x!tt.ptr<f32>>, tensor<128xi32>
  %w = tt.load %op : tensor<128x!tt.ptr<f32>>
  %r:2 = scf.for %i = %c0 to %n step %c1 iter_args(%a = %v, %b = %w) -> (tensor<128xf32>, tensor<128xf32>) : i32 {
    scf.yield %b, %a : tensor<128xf32>, tensor<128xf32>
  }
  tt.store %op, %r#0 : tensor<128x!tt.ptr<f32>>
  tt.store %xp, %r#1 : tensor<128x!tt.ptr<f32>>
  tt.return
}

// -----

// CHECK-LABEL: tm.kernel @while
// CHECK: tm.get
// CHECK-NEXT: tm.put %{{.*}}, %[[CARRIED:[0-9]+]][%{{.*}}] : i32
// CHECK: scf.while (%[[N:.*]] = %arg1) : (i32) -> i32 {
// CHECK: arith.cmpi sgt, %[[N]], %c0_i32
// CHECK: scf.condition
// CHECK: } do {
// CHECK: %[[NEXT:.*]] = arith.shli
// CHECK: tm.put %[[NEXT]], %[[CARRIED]]
// CHECK: scf.yield %{{.*}} : i32
tt.func public @while(%x: !tt.ptr<i32>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %one = arith.constant dense<1> : tensor<128xi32>
  %range = tt.make_range {start = 0 : i32, end = 128 : i32} : tensor<128xi32>
  %xs = tt.splat %x : !tt.ptr<i32> -> tensor<128x!tt.ptr<i32>>
  %xp = tt.addptr %xs, %range : tensor<128x!tt.ptr<i32>>, tensor<128xi32>
  %v = tt.load %xp : tensor<128x!tt.ptr<i32>>
  %r:2 = scf.while (%k = %n, %b = %v) : (i32, tensor<128xi32>) -> (i32, tensor<128xi32>) {
    %more = arith.cmpi sgt, %k, %c0 : i32
    scf.condition(%more) %k, %b : i32, tensor<128xi32>
  } do {
  ^bb0(%k: i32, %b: tensor<128xi32>):
    %next = arith.shli %b, %one : tensor<128xi32>
    %less = arith.subi %k, %c1 : i32
    scf.yield %less, %next : i32, tensor<128xi32>
  }
  tt.store %xp, %r#1 : tensor<128x!tt.ptr<i32>>
  tt.return
}

// -----

// Both branches put their block into the same tile; the branch itself is uniform code.
// CHECK-LABEL: tm.kernel @branch
// CHECK: %[[R:.*]] = tm.tile
// CHECK: scf.if %arg2 {
// CHECK: tm.load %arg0
// CHECK: tm.put %{{.*}}, %[[R]]
// CHECK: } else {
// CHECK: tm.load %arg1
// CHECK: tm.put %{{.*}}, %[[R]]
// CHECK: }
// CHECK: tm.get %[[R]]
tt.func public @branch(%x: !tt.ptr<f32>, %y: !tt.ptr<f32>, %c: i1) {
  %range = tt.make_range {start = 0 : i32, end = 128 : i32} : tensor<128xi32>
  %xs = tt.splat %x : !tt.ptr<f32> -> tensor<128x!tt.ptr<f32>>
  %xp = tt.addptr %xs, %range : tensor<128x!tt.ptr<f32>>, tensor<128xi32>
  %ys = tt.splat %y : !tt.ptr<f32> -> tensor<128x!tt.ptr<f32>>
  %yp = tt.addptr %ys, %range : tensor<128x!tt.ptr<f32>>, tensor<128xi32>
  %r = scf.if %c -> (tensor<128xf32>) {
    %v = tt.load %xp : tensor<128x!tt.ptr<f32>>
    scf.yield %v : tensor<128xf32>
  } else {
    %v = tt.load %yp : tensor<128x!tt.ptr<f32>>
    scf.yield %v : tensor<128xf32>
  }
  tt.store %xp, %r : tensor<128x!tt.ptr<f32>>
  tt.return
}

// -----

// An early return is a branch; a function marked noinline becomes part of the kernel.
// CHECK-LABEL: tm.kernel @early
// CHECK: %[[NONE:.*]] = arith.cmpi sle, %arg1, %c0_i32
// CHECK: scf.if %[[NONE]] {
// CHECK-NEXT: } else {
// CHECK: arith.mulf
// CHECK: tm.store
// CHECK-NOT: tt.call
tt.func public @early(%x: !tt.ptr<f32>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %none = arith.cmpi sle, %n, %c0 : i32
  cf.cond_br %none, ^out, ^work
^out:
  tt.return
^work:
  %range = tt.make_range {start = 0 : i32, end = 128 : i32} : tensor<128xi32>
  %xs = tt.splat %x : !tt.ptr<f32> -> tensor<128x!tt.ptr<f32>>
  %xp = tt.addptr %xs, %range : tensor<128x!tt.ptr<f32>>, tensor<128xi32>
  %v = tt.load %xp : tensor<128x!tt.ptr<f32>>
  %w = tt.call @square(%v) : (tensor<128xf32>) -> tensor<128xf32>
  tt.store %xp, %w : tensor<128x!tt.ptr<f32>>
  tt.return
}
tt.func private @square(%v: tensor<128xf32>) -> tensor<128xf32> attributes {noinline = true} {
  %w = arith.mulf %v, %v : tensor<128xf32>
  tt.return %w : tensor<128xf32>
}
