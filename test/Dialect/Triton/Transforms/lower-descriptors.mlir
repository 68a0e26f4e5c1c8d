// SPDX-License-Identifier: MIT
// RUN: triton-metal-opt %s -tt-lower-descriptors -canonicalize -cse -mlir-use-nameloc-as-prefix -split-input-file -verify-diagnostics | FileCheck %s

// A block access becomes positions and bounds for each axis, and an address for each element.
// CHECK-LABEL: tt.func public @made_here(%arg0: !tt.ptr<f16>, %arg1: i32, %arg2: i64, %arg3: i32)
// CHECK-DAG: %[[ZERO:.*]] = arith.constant dense<0> : tensor<4xi64>
// CHECK-DAG: %[[NAN:.*]] = arith.constant dense<0x7E00> : tensor<4x8xf16>
// CHECK-DAG: %[[SIZE:.*]] = arith.extsi %arg1 : i32 to i64
// CHECK-DAG: %[[ROW:.*]] = arith.extsi %arg3 : i32 to i64
// CHECK-DAG: %[[RANGE:.*]] = tt.make_range {end = 4 : i32, start = 0 : i32} : tensor<4xi32>
// CHECK-DAG: %[[WIDE:.*]] = arith.extsi %[[RANGE]] : tensor<4xi32> to tensor<4xi64>
// CHECK-DAG: %[[FIRST:.*]] = tt.splat %[[ROW]] : i64 -> tensor<4xi64>
// CHECK-DAG: %[[ROWS:.*]] = arith.addi %[[FIRST]], %[[WIDE]] : tensor<4xi64>
// CHECK-DAG: %[[LIMIT:.*]] = tt.splat %[[SIZE]] : i64 -> tensor<4xi64>
// CHECK-DAG: arith.muli %[[ROWS]], %{{.*}} : tensor<4xi64>
// CHECK-DAG: %[[LOW:.*]] = arith.cmpi sge, %[[ROWS]], %[[ZERO]]
// CHECK-DAG: %[[HIGH:.*]] = arith.cmpi slt, %[[ROWS]], %[[LIMIT]]
// CHECK-DAG: arith.andi %[[LOW]], %[[HIGH]] : tensor<4xi1>
// CHECK: %[[OFFSET:.*]] = arith.addi %{{.*}}, %{{.*}} : tensor<4x8xi64>
// CHECK: %[[MASK:.*]] = arith.andi %{{.*}}, %{{.*}} : tensor<4x8xi1>
// CHECK: %[[BASE:.*]] = tt.splat %arg0 : !tt.ptr<f16> -> tensor<4x8x!tt.ptr<f16>>
// CHECK: %[[PTR:.*]] = tt.addptr %[[BASE]], %[[OFFSET]]
// CHECK: %[[V:.*]] = tt.load %[[PTR]], %[[MASK]], %[[NAN]] {cachePolicy
// CHECK: %[[FLAT:.*]] = tt.reshape %[[V]] : tensor<4x8xf16> -> tensor<32xf16>
// CHECK: tt.print "v" {{.*}} : %[[FLAT]]
tt.func public @made_here(%p: !tt.ptr<f16>, %n: i32, %s: i64, %i: i32) {
  %d = tt.make_tensor_descriptor %p, [%n, %n], [%s, %s] {padding = 2 : i32} : <f16>, <4x8xf16>
  %0 = tt.descriptor_load %d[%i, %i] {cachePolicy = #tt.cache_policy<cache_modifier = cg, eviction_policy = evict_normal>} : !tt.tensordesc<4x8xf16> -> tensor<32xf16>
  tt.print "v" {hex = false, isSigned = array<i32: 0>} : %0 : tensor<32xf16>
  tt.return
}

// -----

// A descriptor argument is passed in parts. Attributes stay with the pointer and with the later arguments.
// CHECK-LABEL: tt.func public @argument(
// CHECK-SAME: %d: !tt.ptr<f32> {tt.divisibility = 16 : i32},
// CHECK-SAME: %d.shape.0: i64, %d.shape.1: i64, %d.stride.0: i64, %d.stride.1: i64, %d.padding: i1, %d.round_f32_to_tf32: i1, %n: i32 {tt.divisibility = 8 : i32}
// CHECK: %[[PAD:.*]] = arith.select %d.padding, %{{.*}}, %{{.*}} : f32
// CHECK: %[[OTHER:.*]] = tt.splat %[[PAD]]
// CHECK: %[[X:.*]] = tt.load %{{.*}}, %{{.*}}, %[[OTHER]]
// CHECK: scf.if %d.round_f32_to_tf32 -> (tensor<4x8xf32>)
// CHECK: tt.store
tt.func public @argument(%d: !tt.tensordesc<4x8xf32> {tt.divisibility = 16 : i32} loc("d"("k.py":1:1)),
                         %n: i32 {tt.divisibility = 8 : i32} loc("n"("k.py":1:1))) {
  %0 = tt.descriptor_load %d[%n, %n] : !tt.tensordesc<4x8xf32> -> tensor<4x8xf32>
  tt.descriptor_store %d[%n, %n], %0 : !tt.tensordesc<4x8xf32>, tensor<4x8xf32>
  tt.return
}

// -----

// CHECK-LABEL: tt.func public @rows(
// CHECK: %[[LIST:.*]] = arith.extsi %{{.*}} : tensor<8xi32> to tensor<8xi64>
// CHECK: arith.cmpi sge, %[[LIST]]
// CHECK: tt.load %{{.*}} : tensor<8x16x!tt.ptr<i8>>
// CHECK: tt.store %{{.*}} : tensor<8x16x!tt.ptr<i8>>
tt.func public @rows(%d: !tt.tensordesc<1x16xui8>, %x: tensor<8xi32>, %y: i32) {
  %0 = tt.descriptor_gather %d[%x, %y] : (!tt.tensordesc<1x16xui8>, tensor<8xi32>, i32) -> tensor<8x16xi8>
  tt.descriptor_scatter %d[%x, %y], %0 : !tt.tensordesc<1x16xui8>, tensor<8xi32>, i32, tensor<8x16xi8>
  tt.return
}

// -----

// The signedness of the element type decides the comparison.
// CHECK-LABEL: tt.func public @updates(
// CHECK: tt.atomic_rmw umin, relaxed, gpu
// CHECK: tt.atomic_rmw min, relaxed, gpu
// CHECK: tt.atomic_rmw add, relaxed, gpu
// CHECK: tt.atomic_rmw xor, relaxed, gpu
tt.func public @updates(%u: !tt.tensordesc<4xui32>, %s: !tt.tensordesc<4xsi32>, %v: tensor<4xi32>, %i: i32) {
  tt.descriptor_reduce min, %u[%i], %v : !tt.tensordesc<4xui32>, tensor<4xi32>
  tt.descriptor_reduce min, %s[%i], %v : !tt.tensordesc<4xsi32>, tensor<4xi32>
  tt.descriptor_reduce add, %s[%i], %v : !tt.tensordesc<4xsi32>, tensor<4xi32>
  tt.descriptor_reduce xor, %s[%i], %v : !tt.tensordesc<4xsi32>, tensor<4xi32>
  tt.return
}

// -----

// CHECK-LABEL: tt.func public @through_control_flow(
// CHECK-NOT: tensordesc
// CHECK: tt.return
tt.func public @through_control_flow(%a: !tt.ptr<i32>, %b: !tt.ptr<i32>, %n: i32, %s: i64, %c: i1) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %da = tt.make_tensor_descriptor %a, [%n], [%s] : <i32>, <4xsi32>
  %db = tt.make_tensor_descriptor %b, [%n], [%s] : <i32>, <4xsi32>
  %d = scf.if %c -> !tt.tensordesc<4xsi32> {
    scf.yield %da : !tt.tensordesc<4xsi32>
  } else {
    scf.yield %db : !tt.tensordesc<4xsi32>
  }
  %e = arith.select %c, %d, %db : !tt.tensordesc<4xsi32>
  %f:2 = scf.for %i = %c0 to %n step %c1 iter_args(%x = %d, %y = %e) -> (!tt.tensordesc<4xsi32>, !tt.tensordesc<4xsi32>) : i32 {
    %v = tt.descriptor_load %x[%i] : !tt.tensordesc<4xsi32> -> tensor<4xi32>
    tt.descriptor_store %y[%i], %v : !tt.tensordesc<4xsi32>, tensor<4xi32>
    scf.yield %y, %x : !tt.tensordesc<4xsi32>, !tt.tensordesc<4xsi32>
  }
  tt.return
}

// -----

tt.func public @no_atomic(%d: !tt.tensordesc<4xf32>, %v: tensor<4xf32>, %i: i32) {
  // expected-error @+2 {{[tt.descriptor_reduce] 'min' of 'f32' has no atomic operation.}}
  // expected-error @+1 {{failed to legalize operation 'tt.descriptor_reduce'}}
  tt.descriptor_reduce min, %d[%i], %v : !tt.tensordesc<4xf32>, tensor<4xf32>
  tt.return
}
