// SPDX-License-Identifier: MIT
// Threads exchange elements of a block through threadgroup memory: as a whole, or in parts if the block is too large.
// RUN: triton-metal-opt %s -tt-distribute -canonicalize -cse | FileCheck %s
// RUN: triton-metal-opt %s -tt-distribute="operand-bytes=2048" -canonicalize -cse | FileCheck %s --check-prefix=PARTS

// CHECK: tm.shared : <1024 x f32>
// CHECK-NOT: scf.for
// PARTS: %[[SOURCE:.*]] = tm.tile : <f32, <shape = [32, 32]
// PARTS: tm.load
// PARTS: tm.put %{{.*}}, %[[SOURCE]]
// PARTS: %[[RESULT:.*]] = tm.tile : <f32, <shape = [32, 32]
// PARTS: %[[PART:.*]] = tm.shared : <256 x f32>
// PARTS: scf.for %[[I:.*]] = %c0_i32 to %c4_i32
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
