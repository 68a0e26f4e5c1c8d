// SPDX-License-Identifier: MIT
// Operations with regions of scalars: a map of packed elements, a scan of several operands, batches of products.
// RUN: triton-metal-opt %s -split-input-file -tt-distribute -canonicalize -cse | FileCheck %s

// With pack = 2, a thread evaluates the pair that contains its element and selects its own of the two results.
// CHECK-LABEL: tm.kernel @pairs
// CHECK: %[[EVEN:.*]] = tm.element %{{.*}}, <shape = [128], registers = [], lanes = [0, 2, 4, 8, 16], simdgroups = [32, 64]>
// CHECK: %[[ODD:.*]] = arith.xori %[[EVEN]], %c1_i32
// CHECK: arith.select
tt.func public @pairs(%x: !tt.ptr<i32>) {
  %range = tt.make_range {start = 0 : i32, end = 128 : i32} : tensor<128xi32>
  %xs = tt.splat %x : !tt.ptr<i32> -> tensor<128x!tt.ptr<i32>>
  %xp = tt.addptr %xs, %range : tensor<128x!tt.ptr<i32>>, tensor<128xi32>
  %v = tt.load %xp : tensor<128x!tt.ptr<i32>>
  %w = "tt.map_elementwise"(%v) <{pack = 2 : i32}> ({
  ^bb0(%a: i32, %b: i32):
    %s = arith.addi %a, %b : i32
    %d = arith.subi %a, %b : i32
    tt.map_elementwise.return %s, %d : i32, i32
  }) : (tensor<128xi32>) -> tensor<128xi32>
  tt.store %xp, %w : tensor<128x!tt.ptr<i32>>
  tt.return
}

// -----

// A scan of pairs: both operands are shuffled, and one condition selects both.
// CHECK-LABEL: tm.kernel @linear
// CHECK: tm.shuffle_up {{.*}} delta 1 : <f32
// CHECK: tm.shuffle_up {{.*}} delta 1 : <f32
// CHECK: %[[REACHED:.*]] = arith.cmpi sge
// CHECK: arith.mulf
// CHECK: arith.select %[[REACHED]]
// CHECK: arith.select %[[REACHED]]
tt.func public @linear(%x: !tt.ptr<f32>, %y: !tt.ptr<f32>) {
  %range = tt.make_range {start = 0 : i32, end = 128 : i32} : tensor<128xi32>
  %xs = tt.splat %x : !tt.ptr<f32> -> tensor<128x!tt.ptr<f32>>
  %xp = tt.addptr %xs, %range : tensor<128x!tt.ptr<f32>>, tensor<128xi32>
  %ys = tt.splat %y : !tt.ptr<f32> -> tensor<128x!tt.ptr<f32>>
  %yp = tt.addptr %ys, %range : tensor<128x!tt.ptr<f32>>, tensor<128xi32>
  %v = tt.load %xp : tensor<128x!tt.ptr<f32>>
  %w = tt.load %yp : tensor<128x!tt.ptr<f32>>
  %r:2 = "tt.scan"(%v, %w) <{axis = 0 : i32, reverse = false}> ({
  ^bb0(%a: f32, %b: f32, %c: f32, %d: f32):
    %m = arith.mulf %a, %c : f32
    %n = arith.mulf %c, %b : f32
    %s = arith.addf %n, %d : f32
    tt.scan.return %m, %s : f32, f32
  }) : (tensor<128xf32>, tensor<128xf32>) -> (tensor<128xf32>, tensor<128xf32>)
  tt.store %yp, %r#1 : tensor<128x!tt.ptr<f32>>
  tt.return
}

// -----

// A batch of products of bytes: one loop over the inner dimension, in which each thread reads its row and column of
// the batch.
// CHECK-LABEL: tm.kernel @batch
// CHECK-NOT: tm.fragments
// CHECK: scf.for %[[K:.*]] = %c0_i32 to %c8_i32
// CHECK: tm.coord {{.*}} dim 1
// CHECK: tm.coord {{.*}} dim 2
// CHECK: tm.coord {{.*}} dim 0
// CHECK-COUNT-2: tm.shared_load
// CHECK: arith.muli
// CHECK: arith.addi
tt.func public @batch(%x: !tt.ptr<i8>, %y: !tt.ptr<i32>) {
  %range = tt.make_range {start = 0 : i32, end = 256 : i32} : tensor<256xi32>
  %places = tt.reshape %range : tensor<256xi32> -> tensor<4x8x8xi32>
  %xs = tt.splat %x : !tt.ptr<i8> -> tensor<4x8x8x!tt.ptr<i8>>
  %xp = tt.addptr %xs, %places : tensor<4x8x8x!tt.ptr<i8>>, tensor<4x8x8xi32>
  %v = tt.load %xp : tensor<4x8x8x!tt.ptr<i8>>
  %zero = arith.constant dense<0> : tensor<4x8x8xi32>
  %d = tt.dot %v, %v, %zero : tensor<4x8x8xi8> * tensor<4x8x8xi8> -> tensor<4x8x8xi32>
  %ys = tt.splat %y : !tt.ptr<i32> -> tensor<4x8x8x!tt.ptr<i32>>
  %yp = tt.addptr %ys, %places : tensor<4x8x8x!tt.ptr<i32>>, tensor<4x8x8xi32>
  tt.store %yp, %d : tensor<4x8x8x!tt.ptr<i32>>
  tt.return
}
