// SPDX-License-Identifier: MIT
// Reductions go over the registers of a thread, then across lanes by shuffles, then across SIMD groups through memory.
// RUN: triton-metal-opt %s -split-input-file -tt-distribute | FileCheck %s
// RUN: triton-metal-opt %s -split-input-file -tt-distribute="simdgroups=1" | FileCheck %s --check-prefix=ONE
// RUN: triton-metal-opt %s -split-input-file -tt-distribute="simdgroups=8" | FileCheck %s --check-prefix=EIGHT

// CHECK-LABEL: tm.kernel @sum
// The first register starts the accumulator, the others are added to it.
// CHECK: tm.region <shape = [1024], registers = [128, 256, 512]
// CHECK: tm.load
// CHECK: scf.if
// CHECK-NEXT: tm.put
// CHECK: } else {
// CHECK-NEXT: tm.get
// CHECK-NEXT: arith.addf
// CHECK-NEXT: tm.put
// CHECK: tm.shuffle_xor {{.*}} mask 1 :
// CHECK: tm.shuffle_xor {{.*}} mask 2 :
// CHECK: tm.shuffle_xor {{.*}} mask 4 :
// CHECK: tm.shuffle_xor {{.*}} mask 8 :
// CHECK: tm.shuffle_xor {{.*}} mask 16 :
// CHECK: arith.addf
// Each SIMD group stores one value; all threads then add these in the same order.
// CHECK: %[[ARRAY:.*]] = tm.shared : <4 x f32>
// CHECK: tm.shared_store {{.*}}, %[[ARRAY]]
// CHECK: tm.region <shape = [], registers = [], lanes = [0, 0, 0, 0, 0], simdgroups = [0, 0]>
// CHECK-COUNT-4: tm.shared_load %[[ARRAY]]
// CHECK: %[[SUM:.*]] = tm.get {{.*}}shape = []
// CHECK: tm.single
// CHECK-NEXT: tm.store %[[SUM]]
// ONE-LABEL: tm.kernel @sum
// ONE-COUNT-5: tm.shuffle_xor
// ONE-NOT: tm.shared
// ONE: tm.single
// EIGHT-LABEL: tm.kernel @sum
// EIGHT: %[[ARRAY:.*]] = tm.shared : <8 x f32>
// EIGHT: tm.shared_store
// EIGHT: scf.for {{.*}} iter_args
// EIGHT: tm.shared_load %[[ARRAY]]
tt.func public @sum(%x: !tt.ptr<f32>, %out: !tt.ptr<f32>) {
  %range = tt.make_range {start = 0 : i32, end = 1024 : i32} : tensor<1024xi32>
  %xs = tt.splat %x : !tt.ptr<f32> -> tensor<1024x!tt.ptr<f32>>
  %xp = tt.addptr %xs, %range : tensor<1024x!tt.ptr<f32>>, tensor<1024xi32>
  %v = tt.load %xp : tensor<1024x!tt.ptr<f32>>
  %sum = "tt.reduce"(%v) <{axis = 0 : i32}> ({
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    tt.reduce.return %s : f32
  }) : (tensor<1024xf32>) -> f32
  tt.store %out, %sum : !tt.ptr<f32>
  tt.return
}

// -----

// Two operands are reduced together, by any combiner. Rows lie within a SIMD group, so no memory is needed, and the
// elements of the result belong to the lanes that hold them.
// CHECK-LABEL: tm.kernel @argmax
// CHECK-NOT: tm.shared
// CHECK: tm.put %{{.*}} : f32
// CHECK: tm.put %{{.*}} : i32
// CHECK-COUNT-8: tm.shuffle_xor
// CHECK: %[[LARGER:.*]] = arith.cmpf ogt
// CHECK: arith.select %[[LARGER]], {{.*}} : f32
// CHECK: arith.select %[[LARGER]], {{.*}} : i32
// CHECK-NOT: tm.shuffle_xor
// CHECK: tm.region <shape = [64], registers = [8, 16, 32], lanes = [0, 0, 0, 0, 1], simdgroups = [2, 4]>
// CHECK: %[[LANE:.*]] = tm.lane
// CHECK: %[[BITS:.*]] = arith.andi %[[LANE]], %c15_i32
// CHECK: %[[OWNER:.*]] = arith.cmpi eq, %[[BITS]]
// CHECK: tm.store {{.*}} mask %[[OWNER]]
tt.func public @argmax(%x: !tt.ptr<f32>, %out: !tt.ptr<i32>) {
  %rows = tt.make_range {start = 0 : i32, end = 64 : i32} : tensor<64xi32>
  %columns = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<16xi32>
  %width = arith.constant dense<16> : tensor<64x1xi32>
  %row = tt.expand_dims %rows {axis = 1 : i32} : tensor<64xi32> -> tensor<64x1xi32>
  %start = arith.muli %row, %width : tensor<64x1xi32>
  %column = tt.expand_dims %columns {axis = 0 : i32} : tensor<16xi32> -> tensor<1x16xi32>
  %starts = tt.broadcast %start : tensor<64x1xi32> -> tensor<64x16xi32>
  %steps = tt.broadcast %column : tensor<1x16xi32> -> tensor<64x16xi32>
  %o = arith.addi %starts, %steps : tensor<64x16xi32>
  %xs = tt.splat %x : !tt.ptr<f32> -> tensor<64x16x!tt.ptr<f32>>
  %xp = tt.addptr %xs, %o : tensor<64x16x!tt.ptr<f32>>, tensor<64x16xi32>
  %v = tt.load %xp : tensor<64x16x!tt.ptr<f32>>
  %m:2 = "tt.reduce"(%v, %steps) <{axis = 1 : i32}> ({
  ^bb0(%a: f32, %i: i32, %b: f32, %j: i32):
    %g = arith.cmpf ogt, %a, %b : f32
    %w = arith.select %g, %a, %b : f32
    %k = arith.select %g, %i, %j : i32
    tt.reduce.return %w, %k : f32, i32
  }) : (tensor<64x16xf32>, tensor<64x16xi32>) -> (tensor<64xf32>, tensor<64xi32>)
  %os = tt.splat %out : !tt.ptr<i32> -> tensor<64x!tt.ptr<i32>>
  %op = tt.addptr %os, %rows : tensor<64x!tt.ptr<i32>>, tensor<64xi32>
  tt.store %op, %m#1 : tensor<64x!tt.ptr<i32>>
  tt.return
}

// -----

// Down the columns of a narrow matrix: over registers, SIMD groups, and only the bit of the lane that counts rows.
// CHECK-LABEL: tm.kernel @columns
// CHECK: scf.if
// CHECK: arith.maxnumf
// CHECK: tm.shuffle_xor {{.*}} mask 16 :
// CHECK-NOT: tm.shuffle_xor
// CHECK: tm.shared : <64 x f32>
tt.func public @columns(%x: !tt.ptr<f32>, %out: !tt.ptr<f32>) {
  %rows = tt.make_range {start = 0 : i32, end = 64 : i32} : tensor<64xi32>
  %columns = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<16xi32>
  %width = arith.constant dense<16> : tensor<64x1xi32>
  %row = tt.expand_dims %rows {axis = 1 : i32} : tensor<64xi32> -> tensor<64x1xi32>
  %start = arith.muli %row, %width : tensor<64x1xi32>
  %column = tt.expand_dims %columns {axis = 0 : i32} : tensor<16xi32> -> tensor<1x16xi32>
  %starts = tt.broadcast %start : tensor<64x1xi32> -> tensor<64x16xi32>
  %steps = tt.broadcast %column : tensor<1x16xi32> -> tensor<64x16xi32>
  %o = arith.addi %starts, %steps : tensor<64x16xi32>
  %xs = tt.splat %x : !tt.ptr<f32> -> tensor<64x16x!tt.ptr<f32>>
  %xp = tt.addptr %xs, %o : tensor<64x16x!tt.ptr<f32>>, tensor<64x16xi32>
  %v = tt.load %xp : tensor<64x16x!tt.ptr<f32>>
  %m = "tt.reduce"(%v) <{axis = 0 : i32}> ({
  ^bb0(%a: f32, %b: f32):
    %w = arith.maxnumf %a, %b : f32
    tt.reduce.return %w : f32
  }) : (tensor<64x16xf32>) -> tensor<16xf32>
  %os = tt.splat %out : !tt.ptr<f32> -> tensor<16x!tt.ptr<f32>>
  %op = tt.addptr %os, %columns : tensor<16x!tt.ptr<f32>>, tensor<16xi32>
  tt.store %op, %m : tensor<16x!tt.ptr<f32>>
  tt.return
}
