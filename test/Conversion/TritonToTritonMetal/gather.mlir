// SPDX-License-Identifier: MIT
// What any thread may need is in threadgroup memory: the sources of gathers and the bins of histograms.
// RUN: triton-metal-opt %s -split-input-file -tt-distribute -canonicalize -cse | FileCheck %s

// The index is masked, so that one out of range stays inside of the block.
// CHECK-LABEL: tm.kernel @gather
// CHECK: %[[SOURCE:.*]] = tm.shared : <64 x f32>
// CHECK: tm.shared_store {{.*}}, %[[SOURCE]]
// CHECK: tm.region <shape = [128]
// CHECK: tm.load {{.*}} -> i32
// CHECK: %[[I:.*]] = tm.get {{.*}} -> i32
// CHECK-NEXT: %[[INSIDE:.*]] = arith.andi %[[I]], %c63_i32
// CHECK: tm.shared_load %[[SOURCE]][%[[INSIDE]]]
tt.func public @gather(%x: !tt.ptr<f32>, %i: !tt.ptr<i32>, %out: !tt.ptr<f32>) {
  %short = tt.make_range {start = 0 : i32, end = 64 : i32} : tensor<64xi32>
  %ss = tt.splat %x : !tt.ptr<f32> -> tensor<64x!tt.ptr<f32>>
  %sp = tt.addptr %ss, %short : tensor<64x!tt.ptr<f32>>, tensor<64xi32>
  %source = tt.load %sp : tensor<64x!tt.ptr<f32>>
  %range = tt.make_range {start = 0 : i32, end = 128 : i32} : tensor<128xi32>
  %is = tt.splat %i : !tt.ptr<i32> -> tensor<128x!tt.ptr<i32>>
  %ip = tt.addptr %is, %range : tensor<128x!tt.ptr<i32>>, tensor<128xi32>
  %index = tt.load %ip : tensor<128x!tt.ptr<i32>>
  %os = tt.splat %out : !tt.ptr<f32> -> tensor<128x!tt.ptr<f32>>
  %op = tt.addptr %os, %range : tensor<128x!tt.ptr<f32>>, tensor<128xi32>
  %g = tt.gather %source[%index] {axis = 0 : i32} : (tensor<64xf32>, tensor<128xi32>) -> tensor<128xf32>
  tt.store %op, %g : tensor<128x!tt.ptr<f32>>
  tt.return
}

// -----

// Along the first dimension, the other coordinate is the one of the thread itself.
// CHECK-LABEL: tm.kernel @gather_rows
// CHECK: %[[SOURCE:.*]] = tm.shared : <256 x f32>
// CHECK: %[[ROW:.*]] = arith.andi %{{.*}}, %c15_i32
// CHECK: %[[COLUMN:.*]] = tm.coord {{.*}} dim 1
// CHECK: %[[START:.*]] = arith.muli %[[ROW]], %c16_i32
// CHECK: %[[AT:.*]] = arith.addi %[[START]], %[[COLUMN]]
// CHECK: tm.shared_load %[[SOURCE]][%[[AT]]]
tt.func public @gather_rows(%x: !tt.ptr<f32>, %i: !tt.ptr<i32>, %out: !tt.ptr<f32>) {
  %rows = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<16xi32>
  %columns = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<16xi32>
  %width = arith.constant dense<16> : tensor<16x1xi32>
  %row = tt.expand_dims %rows {axis = 1 : i32} : tensor<16xi32> -> tensor<16x1xi32>
  %start = arith.muli %row, %width : tensor<16x1xi32>
  %column = tt.expand_dims %columns {axis = 0 : i32} : tensor<16xi32> -> tensor<1x16xi32>
  %starts = tt.broadcast %start : tensor<16x1xi32> -> tensor<16x16xi32>
  %steps = tt.broadcast %column : tensor<1x16xi32> -> tensor<16x16xi32>
  %o = arith.addi %starts, %steps : tensor<16x16xi32>
  %xs = tt.splat %x : !tt.ptr<f32> -> tensor<16x16x!tt.ptr<f32>>
  %xp = tt.addptr %xs, %o : tensor<16x16x!tt.ptr<f32>>, tensor<16x16xi32>
  %source = tt.load %xp : tensor<16x16x!tt.ptr<f32>>
  %is = tt.splat %i : !tt.ptr<i32> -> tensor<16x16x!tt.ptr<i32>>
  %ip = tt.addptr %is, %o : tensor<16x16x!tt.ptr<i32>>, tensor<16x16xi32>
  %index = tt.load %ip : tensor<16x16x!tt.ptr<i32>>
  %o_s = tt.splat %out : !tt.ptr<f32> -> tensor<16x16x!tt.ptr<f32>>
  %o_p = tt.addptr %o_s, %o : tensor<16x16x!tt.ptr<f32>>, tensor<16x16xi32>
  %g = tt.gather %source[%index] {axis = 0 : i32} : (tensor<16x16xf32>, tensor<16x16xi32>) -> tensor<16x16xf32>
  tt.store %o_p, %g : tensor<16x16x!tt.ptr<f32>>
  tt.return
}

// -----

// Bins are cleared, counted into and read back. Values outside of all bins do not count; lanes may share a bin.
// CHECK-LABEL: tm.kernel @histogram
// CHECK: %[[BINS:.*]] = tm.shared : <16 x i32>
// CHECK: tm.region <shape = [16]
// CHECK: tm.shared_store %c0_i32, %[[BINS]]
// CHECK: tm.region <shape = [256], {{.*}}> {
// CHECK: %[[BIN:.*]] = tm.get
// CHECK: %[[INSIDE:.*]] = arith.cmpi ult, %[[BIN]], %c16_i32
// CHECK: tm.shared_atomic_add %c1_i32, %[[BINS]][%[[BIN]]] mask %[[INSIDE]]
// CHECK: tm.region <shape = [16]
// CHECK: tm.shared_load %[[BINS]]
tt.func public @histogram(%x: !tt.ptr<i32>, %out: !tt.ptr<i32>) {
  %range = tt.make_range {start = 0 : i32, end = 256 : i32} : tensor<256xi32>
  %xs = tt.splat %x : !tt.ptr<i32> -> tensor<256x!tt.ptr<i32>>
  %xp = tt.addptr %xs, %range : tensor<256x!tt.ptr<i32>>, tensor<256xi32>
  %v = tt.load %xp : tensor<256x!tt.ptr<i32>>
  %h = tt.histogram %v : tensor<256xi32> -> tensor<16xi32>
  %bins = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<16xi32>
  %os = tt.splat %out : !tt.ptr<i32> -> tensor<16x!tt.ptr<i32>>
  %op = tt.addptr %os, %bins : tensor<16x!tt.ptr<i32>>, tensor<16xi32>
  tt.store %op, %h : tensor<16x!tt.ptr<i32>>
  tt.return
}
