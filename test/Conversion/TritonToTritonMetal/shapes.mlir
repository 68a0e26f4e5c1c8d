// SPDX-License-Identifier: MIT
// Shape operations only change which element a thread asks for. If it does not hold that one, memory is used.
// RUN: triton-metal-opt %s -split-input-file -tt-distribute -canonicalize -cse | FileCheck %s

// Threads hold rows of x and need columns.
// CHECK-LABEL: tm.kernel @transpose
// CHECK: %[[COPY:.*]] = tm.shared : <512 x f32>
// CHECK: tm.load
// CHECK: tm.shared_store
// CHECK: tm.region <shape = [32, 16]
// CHECK: %[[I:.*]] = tm.element %{{.*}}, <shape = [16, 32], registers = [8, 16], lanes = [32, 64, 128, 256, 1], simdgroups = [2, 4]>
// CHECK: %[[V:.*]] = tm.shared_load %[[COPY]][%[[I]]]
// CHECK: arith.addf %[[V]]
tt.func public @transpose(%x: !tt.ptr<f32>, %out: !tt.ptr<f32>) {
  %rows = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<16xi32>
  %columns = tt.make_range {start = 0 : i32, end = 32 : i32} : tensor<32xi32>
  %width = arith.constant dense<32> : tensor<16x1xi32>
  %row = tt.expand_dims %rows {axis = 1 : i32} : tensor<16xi32> -> tensor<16x1xi32>
  %start = arith.muli %row, %width : tensor<16x1xi32>
  %column = tt.expand_dims %columns {axis = 0 : i32} : tensor<32xi32> -> tensor<1x32xi32>
  %starts = tt.broadcast %start : tensor<16x1xi32> -> tensor<16x32xi32>
  %steps = tt.broadcast %column : tensor<1x32xi32> -> tensor<16x32xi32>
  %o = arith.addi %starts, %steps : tensor<16x32xi32>
  %xs = tt.splat %x : !tt.ptr<f32> -> tensor<16x32x!tt.ptr<f32>>
  %xp = tt.addptr %xs, %o : tensor<16x32x!tt.ptr<f32>>, tensor<16x32xi32>
  %v = tt.load %xp : tensor<16x32x!tt.ptr<f32>>
  %r = tt.make_range {start = 0 : i32, end = 512 : i32} : tensor<512xi32>
  %m = tt.reshape %r : tensor<512xi32> -> tensor<32x16xi32>
  %os = tt.splat %out : !tt.ptr<f32> -> tensor<32x16x!tt.ptr<f32>>
  %op = tt.addptr %os, %m : tensor<32x16x!tt.ptr<f32>>, tensor<32x16xi32>
  %y = tt.load %op : tensor<32x16x!tt.ptr<f32>>
  %t = tt.trans %v {order = array<i32: 1, 0>} : tensor<16x32xf32> -> tensor<32x16xf32>
  %w = arith.addf %t, %y : tensor<32x16xf32>
  tt.store %op, %w : tensor<32x16x!tt.ptr<f32>>
  tt.return
}

// -----

// The same threads hold the same elements in another shape, in the register of the same number.
// CHECK-LABEL: tm.kernel @reshape
// CHECK-NOT: tm.shared
// CHECK: tm.put %{{.*}}, %[[T:.*]][%
// CHECK: tm.region <shape = [16, 16]
// CHECK-NEXT: ^bb0(%[[R:.*]]: i32):
// CHECK: %[[V:.*]] = tm.get %[[T]][%[[R]]]
// CHECK: tm.store %[[V]]
tt.func public @reshape(%x: !tt.ptr<f32>, %out: !tt.ptr<f32>) {
  %range = tt.make_range {start = 0 : i32, end = 256 : i32} : tensor<256xi32>
  %xs = tt.splat %x : !tt.ptr<f32> -> tensor<256x!tt.ptr<f32>>
  %xp = tt.addptr %xs, %range : tensor<256x!tt.ptr<f32>>, tensor<256xi32>
  %v = tt.load %xp : tensor<256x!tt.ptr<f32>>
  %m = tt.reshape %v : tensor<256xf32> -> tensor<16x16xf32>
  %i = tt.reshape %range : tensor<256xi32> -> tensor<16x16xi32>
  %os = tt.splat %out : !tt.ptr<f32> -> tensor<16x16x!tt.ptr<f32>>
  %op = tt.addptr %os, %i : tensor<16x16x!tt.ptr<f32>>, tensor<16x16xi32>
  tt.store %op, %m : tensor<16x16x!tt.ptr<f32>>
  tt.return
}

// -----

// The lowest bit of the element's index selects the operand of a join, and the result of a split.
// CHECK-LABEL: tm.kernel @join_split
// CHECK: tm.region <shape = [64, 2]
// CHECK: tm.element %{{.*}}, <shape = [64], registers = [], lanes = [0, 1, 2, 4, 8], simdgroups = [16, 32]>
// CHECK: %[[I:.*]] = tm.element %{{.*}}, <shape = [64, 2]
// CHECK: %[[BIT:.*]] = arith.andi %[[I]], %c1_i32
// CHECK: %[[SECOND:.*]] = arith.cmpi ne, %[[BIT]], %c0_i32
// CHECK: arith.select %[[SECOND]]
// CHECK: tm.store
// CHECK: tm.region <shape = [64],
// CHECK: tm.element %{{.*}}, <shape = [64, 2], registers = [], lanes = [2, 4, 8, 16, 32], simdgroups = [64, 0]>
// CHECK: arith.xori %{{.*}}, %c1_i32
// CHECK: tm.store
tt.func public @join_split(%x: !tt.ptr<f32>, %out: !tt.ptr<f32>) {
  %range = tt.make_range {start = 0 : i32, end = 64 : i32} : tensor<64xi32>
  %xs = tt.splat %x : !tt.ptr<f32> -> tensor<64x!tt.ptr<f32>>
  %xp = tt.addptr %xs, %range : tensor<64x!tt.ptr<f32>>, tensor<64xi32>
  %v = tt.load %xp : tensor<64x!tt.ptr<f32>>
  %c64 = arith.constant dense<64> : tensor<64xi32>
  %further = arith.addi %range, %c64 : tensor<64xi32>
  %yp = tt.addptr %xs, %further : tensor<64x!tt.ptr<f32>>, tensor<64xi32>
  %w = tt.load %yp : tensor<64x!tt.ptr<f32>>
  %j = tt.join %v, %w : tensor<64xf32> -> tensor<64x2xf32>
  %all = tt.make_range {start = 0 : i32, end = 128 : i32} : tensor<128xi32>
  %places = tt.reshape %all : tensor<128xi32> -> tensor<64x2xi32>
  %os = tt.splat %out : !tt.ptr<f32> -> tensor<64x2x!tt.ptr<f32>>
  %op = tt.addptr %os, %places : tensor<64x2x!tt.ptr<f32>>, tensor<64x2xi32>
  tt.store %op, %j : tensor<64x2x!tt.ptr<f32>>
  %again = tt.load %op : tensor<64x2x!tt.ptr<f32>>
  %first, %second = tt.split %again : tensor<64x2xf32> -> tensor<64xf32>
  tt.store %xp, %second : tensor<64x!tt.ptr<f32>>
  tt.return
}

// -----

// Triton's sort gets the partner, whose index differs in one bit, in this way: one shuffle and no memory.
// CHECK-LABEL: tm.kernel @flip
// CHECK-NOT: tm.shared
// CHECK: tm.shuffle_xor {{.*}} mask 2 :
// CHECK-NOT: {{tm.shared|tm.shuffle}}
// CHECK: tm.region <shape = [32, 2], registers = [], lanes = [1, 0, 2, 4, 8], simdgroups = [16, 32]>
// CHECK-NOT: {{tm.shared|tm.shuffle}}
// CHECK: tm.store
tt.func public @flip(%x: !tt.ptr<i32>) {
  %range = tt.make_range {start = 0 : i32, end = 128 : i32} : tensor<128xi32>
  %xs = tt.splat %x : !tt.ptr<i32> -> tensor<128x!tt.ptr<i32>>
  %xp = tt.addptr %xs, %range : tensor<128x!tt.ptr<i32>>, tensor<128xi32>
  %v = tt.load %xp : tensor<128x!tt.ptr<i32>>
  %m = tt.reshape %v : tensor<128xi32> -> tensor<32x2x2xi32>
  %sum = "tt.reduce"(%m) <{axis = 1 : i32}> ({
  ^bb0(%a: i32, %b: i32):
    %s = arith.xori %a, %b : i32
    tt.reduce.return %s : i32
  }) : (tensor<32x2x2xi32>) -> tensor<32x2xi32>
  %e = tt.expand_dims %sum {axis = 1 : i32} : tensor<32x2xi32> -> tensor<32x1x2xi32>
  %b = tt.broadcast %e : tensor<32x1x2xi32> -> tensor<32x2x2xi32>
  %flipped = arith.xori %b, %m : tensor<32x2x2xi32>
  %r = tt.reshape %flipped : tensor<32x2x2xi32> -> tensor<128xi32>
  tt.store %xp, %r : tensor<128x!tt.ptr<i32>>
  tt.return
}
