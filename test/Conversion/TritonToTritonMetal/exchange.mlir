// SPDX-License-Identifier: MIT
// Threads exchange elements of a block through threadgroup memory: as a whole, or in parts if the block is too large.
// RUN: triton-metal-opt %s -split-input-file -tt-distribute -canonicalize -cse | FileCheck %s
// RUN: triton-metal-opt %s -split-input-file -tt-distribute="operand-bytes=2048" -canonicalize -cse | FileCheck %s --check-prefix=PARTS

// CHECK-LABEL: tm.kernel @transpose
// PARTS-LABEL: tm.kernel @transpose
// CHECK: tm.shared : <1024 x f32>
// CHECK-NOT: scf.for
// PARTS: %[[SOURCE:.*]] = tm.tile : <f32, <shape = [32, 32]
// PARTS: tm.load
// PARTS: tm.put %{{.*}}, %[[SOURCE]]
// PARTS: %[[RESULT:.*]] = tm.tile : <f32, <shape = [32, 32]
// PARTS: scf.for %[[I:.*]] = %c0_i32 to %c4_i32
// PARTS: %[[PART:.*]] = tm.shared : <256 x f32>
// PARTS: %[[INDEX:.*]] = tm.element
// PARTS: %[[NUMBER:.*]] = arith.shrui %[[INDEX]], %c8_i32
// PARTS: %[[HERE:.*]] = arith.cmpi eq, %[[NUMBER]], %[[I]]
// PARTS: %[[PLACE:.*]] = arith.andi %[[INDEX]], %c255_i32
// PARTS: %[[SENT:.*]] = tm.get %[[SOURCE]]
// PARTS: tm.shared_store %[[SENT]], %[[PART]][%[[PLACE]]] mask %[[HERE]]
// PARTS: scf.if
// PARTS: %[[RECEIVED:.*]] = tm.shared_load %[[PART]]
// PARTS: tm.put %[[RECEIVED]], %[[RESULT]]
// PARTS: tm.get %[[RESULT]]
// PARTS: tm.store
tt.func public @transpose(%x: !tt.ptr<f32>, %y: !tt.ptr<f32>) {
  %range = tt.make_range {start = 0 : i32, end = 1024 : i32} : tensor<1024xi32>
  %places = tt.reshape %range : tensor<1024xi32> -> tensor<32x32xi32>
  %xs = tt.splat %x : !tt.ptr<f32> -> tensor<32x32x!tt.ptr<f32>>
  %xp = tt.addptr %xs, %places : tensor<32x32x!tt.ptr<f32>>, tensor<32x32xi32>
  %v = tt.load %xp : tensor<32x32x!tt.ptr<f32>>
  %t = tt.trans %v {order = array<i32: 1, 0>} : tensor<32x32xf32> -> tensor<32x32xf32>
  %u = arith.addf %t, %t : tensor<32x32xf32>
  %ys = tt.splat %y : !tt.ptr<f32> -> tensor<32x32x!tt.ptr<f32>>
  %yp = tt.addptr %ys, %places : tensor<32x32x!tt.ptr<f32>>, tensor<32x32xi32>
  tt.store %yp, %u : tensor<32x32x!tt.ptr<f32>>
  tt.return
}

// -----

// A gather in parts keeps the positions that it reads, and takes in each trip those of the part.
// PARTS-LABEL: tm.kernel @gather
// PARTS: tm.tile : <i32
// PARTS: %[[PLACES:.*]] = tm.tile : <i32
// PARTS: tm.put %{{.*}}, %[[PLACES]][
// PARTS: scf.for
// PARTS: %[[PART:.*]] = tm.shared : <256 x f32>
// PARTS: tm.shared_store {{.*}}, %[[PART]]
// PARTS: tm.get %[[PLACES]][
// PARTS: scf.if
// PARTS: tm.shared_load %[[PART]]
// CHECK-LABEL: tm.kernel @gather
// CHECK-NOT: scf.for
tt.func public @gather(%x: !tt.ptr<f32>, %y: !tt.ptr<i32>) {
  %i = tt.make_range {start = 0 : i32, end = 1024 : i32} : tensor<1024xi32>
  %xs = tt.splat %x : !tt.ptr<f32> -> tensor<1024x!tt.ptr<f32>>
  %xp = tt.addptr %xs, %i : tensor<1024x!tt.ptr<f32>>, tensor<1024xi32>
  %v = tt.load %xp : tensor<1024x!tt.ptr<f32>>
  %ys = tt.splat %y : !tt.ptr<i32> -> tensor<1024x!tt.ptr<i32>>
  %yp = tt.addptr %ys, %i : tensor<1024x!tt.ptr<i32>>, tensor<1024xi32>
  %w = tt.load %yp : tensor<1024x!tt.ptr<i32>>
  %g = tt.gather %v[%w] {axis = 0 : i32} : (tensor<1024xf32>, tensor<1024xi32>) -> tensor<1024xf32>
  tt.store %xp, %g : tensor<1024x!tt.ptr<f32>>
  tt.return
}

// -----

// A histogram counts the bins of one part in each trip.
// PARTS-LABEL: tm.kernel @histogram
// PARTS: scf.for %[[I:.*]] = %c0_i32 to %c4_i32
// PARTS: %[[BINS:.*]] = tm.shared : <256 x i32>
// PARTS: tm.shared_store %c0_i32, %[[BINS]]
// PARTS: %[[NUMBER:.*]] = arith.shrui %{{.*}}, %c8_i32
// PARTS: arith.cmpi eq, %[[NUMBER]], %[[I]]
// PARTS: tm.shared_atomic_add
// PARTS: scf.if
// PARTS: tm.shared_load %[[BINS]]
tt.func public @histogram(%x: !tt.ptr<i32>) {
  %i = tt.make_range {start = 0 : i32, end = 1024 : i32} : tensor<1024xi32>
  %xs = tt.splat %x : !tt.ptr<i32> -> tensor<1024x!tt.ptr<i32>>
  %xp = tt.addptr %xs, %i : tensor<1024x!tt.ptr<i32>>, tensor<1024xi32>
  %v = tt.load %xp : tensor<1024x!tt.ptr<i32>>
  %h = tt.histogram %v : tensor<1024xi32> -> tensor<1024xi32>
  tt.store %xp, %h : tensor<1024x!tt.ptr<i32>>
  tt.return
}

// -----

// Partial results of 4 SIMD groups for 256 results: 64 results in each trip.
// PARTS-LABEL: tm.kernel @partials
// PARTS: scf.for %{{.*}} = %c0_i32 to %c4_i32
// PARTS: %[[PARTIALS:.*]] = tm.shared : <256 x f32>
// PARTS: tm.shared_store {{.*}}, %[[PARTIALS]]
// PARTS: scf.if
// PARTS-COUNT-4: tm.shared_load %[[PARTIALS]]
// PARTS: tm.put
tt.func public @partials(%x: !tt.ptr<f32>) {
  %i = tt.make_range {start = 0 : i32, end = 32768 : i32} : tensor<32768xi32>
  %xs = tt.splat %x : !tt.ptr<f32> -> tensor<32768x!tt.ptr<f32>>
  %xp = tt.addptr %xs, %i : tensor<32768x!tt.ptr<f32>>, tensor<32768xi32>
  %v = tt.load %xp : tensor<32768x!tt.ptr<f32>>
  %m = tt.reshape %v : tensor<32768xf32> -> tensor<256x128xf32>
  %s = "tt.reduce"(%m) <{axis = 1 : i32}> ({
  ^bb0(%l: f32, %r: f32):
    %a = arith.addf %l, %r : f32
    tt.reduce.return %a : f32
  }) : (tensor<256x128xf32>) -> tensor<256xf32>
  %j = tt.make_range {start = 0 : i32, end = 256 : i32} : tensor<256xi32>
  %ys = tt.splat %x : !tt.ptr<f32> -> tensor<256x!tt.ptr<f32>>
  %yp = tt.addptr %ys, %j : tensor<256x!tt.ptr<f32>>, tensor<256xi32>
  tt.store %yp, %s : tensor<256x!tt.ptr<f32>>
  tt.return
}
