// SPDX-License-Identifier: MIT
// A scan goes across lanes by shuffles; the totals of runs of 32 elements are joined in threadgroup memory.
// RUN: triton-metal-opt %s -split-input-file -tt-distribute -canonicalize -cse | FileCheck %s

// CHECK-LABEL: tm.kernel @runs
// CHECK: tm.shuffle_up %[[T:.*]] to %[[U:.*]] delta 1 :
// A lane takes what it gets from the lanes before it, if any, as the left operand.
// CHECK: %[[LANE:.*]] = tm.lane
// CHECK: %[[REACHED:.*]] = arith.cmpi sge, %{{.*}}, %c1_i32
// CHECK: %[[BEFORE:.*]] = tm.get %[[U]]
// CHECK: %[[OWN:.*]] = tm.get %[[T]]
// CHECK: %[[BOTH:.*]] = arith.subf %[[OWN]], %[[BEFORE]]
// CHECK: %[[NEW:.*]] = arith.select %[[REACHED]], %[[BOTH]], %[[OWN]]
// CHECK: tm.put %[[NEW]], %[[T]]
// CHECK: tm.shuffle_up {{.*}} delta 2 :
// CHECK: tm.shuffle_up {{.*}} delta 4 :
// CHECK: tm.shuffle_up {{.*}} delta 8 :
// CHECK: tm.shuffle_up {{.*}} delta 16 :
// The last lane stores the total of its run; one thread scans the eight totals; each run adds the one before it.
// CHECK: %[[TOTALS:.*]] = tm.shared : <8 x f32>
// CHECK: arith.cmpi eq, %{{.*}}, %c31_i32
// CHECK: tm.shared_store {{.*}}, %[[TOTALS]]
// CHECK: scf.if
// CHECK: scf.for
// CHECK: arith.subf
// CHECK: tm.shared_store {{.*}}, %[[TOTALS]]
// CHECK: tm.region
// CHECK: %[[LATER:.*]] = arith.cmpi ne
// CHECK: %[[EARLIER:.*]] = tm.shared_load %[[TOTALS]]
// CHECK: arith.subf %{{.*}}, %[[EARLIER]]
// CHECK: arith.select %[[LATER]]
tt.func public @runs(%x: !tt.ptr<f32>) {
  %range = tt.make_range {start = 0 : i32, end = 256 : i32} : tensor<256xi32>
  %xs = tt.splat %x : !tt.ptr<f32> -> tensor<256x!tt.ptr<f32>>
  %xp = tt.addptr %xs, %range : tensor<256x!tt.ptr<f32>>, tensor<256xi32>
  %v = tt.load %xp : tensor<256x!tt.ptr<f32>>
  %sum = "tt.scan"(%v) <{axis = 0 : i32, reverse = false}> ({
  ^bb0(%a: f32, %b: f32):
    %s = arith.subf %b, %a : f32
    tt.scan.return %s : f32
  }) : (tensor<256xf32>) -> tensor<256xf32>
  tt.store %xp, %sum : tensor<256x!tt.ptr<f32>>
  tt.return
}

// -----

// Fewer elements than lanes need only a shuffle for each bit of the index, and no memory for totals. A reverse scan is
// one of the mirrored block, in which all bits of the index are inverted.
// CHECK-LABEL: tm.kernel @reverse
// CHECK: tm.shared_store
// CHECK: %[[I:.*]] = tm.element
// CHECK-NEXT: %[[MIRRORED:.*]] = arith.xori %[[I]], %c15_i32
// CHECK: tm.shared_load %{{.*}}[%[[MIRRORED]]]
// CHECK-COUNT-4: tm.shuffle_up
// CHECK-NOT: tm.shuffle_up
// CHECK: arith.xori %{{.*}}, %c15_i32
tt.func public @reverse(%x: !tt.ptr<f32>) {
  %range = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<16xi32>
  %xs = tt.splat %x : !tt.ptr<f32> -> tensor<16x!tt.ptr<f32>>
  %xp = tt.addptr %xs, %range : tensor<16x!tt.ptr<f32>>, tensor<16xi32>
  %v = tt.load %xp : tensor<16x!tt.ptr<f32>>
  %sum = "tt.scan"(%v) <{axis = 0 : i32, reverse = true}> ({
  ^bb0(%a: f32, %b: f32):
    %s = arith.subf %b, %a : f32
    tt.scan.return %s : f32
  }) : (tensor<16xf32>) -> tensor<16xf32>
  tt.store %xp, %sum : tensor<16x!tt.ptr<f32>>
  tt.return
}

// -----

// Along the first dimension, its elements are spread over the lanes.
// CHECK-LABEL: tm.kernel @down
// CHECK: tm.tile : <i32, <shape = [32, 8], registers = [4], lanes = [8, 16, 32, 64, 128], simdgroups = [1, 2]>>
// CHECK-COUNT-5: tm.shuffle_up
// CHECK-NOT: tm.shuffle_up
tt.func public @down(%x: !tt.ptr<i32>) {
  %rows = tt.make_range {start = 0 : i32, end = 32 : i32} : tensor<32xi32>
  %columns = tt.make_range {start = 0 : i32, end = 8 : i32} : tensor<8xi32>
  %width = arith.constant dense<8> : tensor<32x1xi32>
  %row = tt.expand_dims %rows {axis = 1 : i32} : tensor<32xi32> -> tensor<32x1xi32>
  %start = arith.muli %row, %width : tensor<32x1xi32>
  %column = tt.expand_dims %columns {axis = 0 : i32} : tensor<8xi32> -> tensor<1x8xi32>
  %starts = tt.broadcast %start : tensor<32x1xi32> -> tensor<32x8xi32>
  %steps = tt.broadcast %column : tensor<1x8xi32> -> tensor<32x8xi32>
  %o = arith.addi %starts, %steps : tensor<32x8xi32>
  %xs = tt.splat %x : !tt.ptr<i32> -> tensor<32x8x!tt.ptr<i32>>
  %xp = tt.addptr %xs, %o : tensor<32x8x!tt.ptr<i32>>, tensor<32x8xi32>
  %v = tt.load %xp : tensor<32x8x!tt.ptr<i32>>
  %sum = "tt.scan"(%v) <{axis = 0 : i32, reverse = false}> ({
  ^bb0(%a: i32, %b: i32):
    %s = arith.addi %a, %b : i32
    tt.scan.return %s : i32
  }) : (tensor<32x8xi32>) -> tensor<32x8xi32>
  tt.store %xp, %sum : tensor<32x8x!tt.ptr<i32>>
  tt.return
}
