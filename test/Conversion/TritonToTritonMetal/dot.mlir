// SPDX-License-Identifier: MIT
// Products of f16, bf16 and f32 into f32 use 8x8 fragments; others loop over the inner dimension one step at a time.
// RUN: triton-metal-opt %s -split-input-file -tt-distribute -canonicalize -cse | FileCheck %s
// RUN: triton-metal-opt %s -split-input-file -tt-distribute="operand-bytes=2048" -canonicalize -cse | FileCheck %s --check-prefix=THIN

// CHECK-LABEL: tm.kernel @half
// CHECK: %[[A:.*]] = tm.shared : <1024 x f16>
// CHECK: %[[B:.*]] = tm.shared : <1024 x f16>
// CHECK: tm.shared_store {{.*}}, %[[A]]
// CHECK: tm.shared_store {{.*}}, %[[B]]
// CHECK: %[[M:.*]] = tm.fragments : <32 by 32 x f32, 2 by 2>
// CHECK: tm.fragments_fill %[[M]], %cst
// CHECK: tm.multiply_accumulate %[[M]], %[[A]] stride 32, %[[B]] stride 32 depth 32
// Fragments are converted to registers of threads through memory.
// CHECK: %[[D:.*]] = tm.shared : <1024 x f32>
// CHECK: tm.fragments_store %[[M]] rows 0 count 32 to %[[D]] stride 32
// CHECK: %[[V:.*]] = tm.shared_load %[[D]]
// CHECK: tm.put %[[V]]
// CHECK: tm.store
// When both operands together may have 2048 bytes, each product takes half of the inner dimension.
// THIN-LABEL: tm.kernel @half
// THIN: %[[A:.*]] = tm.shared : <512 x f16>
// THIN: %[[B:.*]] = tm.shared : <512 x f16>
// THIN: scf.for %[[S:.*]] = %c0_i32 to %c2_i32
// THIN: arith.cmpi eq, %{{.*}}, %[[S]]
// THIN: tm.shared_store {{.*}}, %[[A]]
// THIN: tm.shared_store {{.*}}, %[[B]]
// THIN: tm.multiply_accumulate %{{.*}}, %[[A]] stride 16, %[[B]] stride 32 depth 16
tt.func public @half(%a: !tt.ptr<f16>, %b: !tt.ptr<f16>, %out: !tt.ptr<f32>) {
  %rows = tt.make_range {start = 0 : i32, end = 32 : i32} : tensor<32xi32>
  %columns = tt.make_range {start = 0 : i32, end = 32 : i32} : tensor<32xi32>
  %width = arith.constant dense<32> : tensor<32x1xi32>
  %row = tt.expand_dims %rows {axis = 1 : i32} : tensor<32xi32> -> tensor<32x1xi32>
  %start = arith.muli %row, %width : tensor<32x1xi32>
  %column = tt.expand_dims %columns {axis = 0 : i32} : tensor<32xi32> -> tensor<1x32xi32>
  %starts = tt.broadcast %start : tensor<32x1xi32> -> tensor<32x32xi32>
  %steps = tt.broadcast %column : tensor<1x32xi32> -> tensor<32x32xi32>
  %o = arith.addi %starts, %steps : tensor<32x32xi32>
  %as = tt.splat %a : !tt.ptr<f16> -> tensor<32x32x!tt.ptr<f16>>
  %ap = tt.addptr %as, %o : tensor<32x32x!tt.ptr<f16>>, tensor<32x32xi32>
  %x = tt.load %ap : tensor<32x32x!tt.ptr<f16>>
  %bs = tt.splat %b : !tt.ptr<f16> -> tensor<32x32x!tt.ptr<f16>>
  %bp = tt.addptr %bs, %o : tensor<32x32x!tt.ptr<f16>>, tensor<32x32xi32>
  %y = tt.load %bp : tensor<32x32x!tt.ptr<f16>>
  %zero = arith.constant dense<0.0> : tensor<32x32xf32>
  %d = tt.dot %x, %y, %zero : tensor<32x32xf16> * tensor<32x32xf16> -> tensor<32x32xf32>
  %o_s = tt.splat %out : !tt.ptr<f32> -> tensor<32x32x!tt.ptr<f32>>
  %o_p = tt.addptr %o_s, %o : tensor<32x32x!tt.ptr<f32>>, tensor<32x32xi32>
  tt.store %o_p, %d : tensor<32x32x!tt.ptr<f32>>
  tt.return
}

// -----

// CHECK-LABEL: tm.kernel @bytes
// CHECK-NOT: tm.fragments
// CHECK: scf.for %[[K:.*]] = %c0_i32 to %c16_i32
// CHECK: tm.region
// CHECK: %[[X:.*]] = tm.shared_load {{.*}} -> i8
// CHECK: %[[Y:.*]] = tm.shared_load {{.*}} -> i8
// CHECK: %[[SUM:.*]] = tm.get
// CHECK: %[[WX:.*]] = arith.extsi %[[X]] : i8 to i32
// CHECK: %[[WY:.*]] = arith.extsi %[[Y]] : i8 to i32
// CHECK: %[[P:.*]] = arith.muli %[[WX]], %[[WY]]
// CHECK: %[[NEW:.*]] = arith.addi %[[SUM]], %[[P]]
// CHECK: tm.put %[[NEW]]
tt.func public @bytes(%a: !tt.ptr<i8>, %b: !tt.ptr<i8>, %out: !tt.ptr<i32>) {
  %rows = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<16xi32>
  %columns = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<16xi32>
  %width = arith.constant dense<16> : tensor<16x1xi32>
  %row = tt.expand_dims %rows {axis = 1 : i32} : tensor<16xi32> -> tensor<16x1xi32>
  %start = arith.muli %row, %width : tensor<16x1xi32>
  %column = tt.expand_dims %columns {axis = 0 : i32} : tensor<16xi32> -> tensor<1x16xi32>
  %starts = tt.broadcast %start : tensor<16x1xi32> -> tensor<16x16xi32>
  %steps = tt.broadcast %column : tensor<1x16xi32> -> tensor<16x16xi32>
  %o = arith.addi %starts, %steps : tensor<16x16xi32>
  %as = tt.splat %a : !tt.ptr<i8> -> tensor<16x16x!tt.ptr<i8>>
  %ap = tt.addptr %as, %o : tensor<16x16x!tt.ptr<i8>>, tensor<16x16xi32>
  %x = tt.load %ap : tensor<16x16x!tt.ptr<i8>>
  %bs = tt.splat %b : !tt.ptr<i8> -> tensor<16x16x!tt.ptr<i8>>
  %bp = tt.addptr %bs, %o : tensor<16x16x!tt.ptr<i8>>, tensor<16x16xi32>
  %y = tt.load %bp : tensor<16x16x!tt.ptr<i8>>
  %zero = arith.constant dense<0> : tensor<16x16xi32>
  %d = tt.dot %x, %y, %zero : tensor<16x16xi8> * tensor<16x16xi8> -> tensor<16x16xi32>
  %o_s = tt.splat %out : !tt.ptr<i32> -> tensor<16x16x!tt.ptr<i32>>
  %o_p = tt.addptr %o_s, %o : tensor<16x16x!tt.ptr<i32>>, tensor<16x16xi32>
  tt.store %o_p, %d : tensor<16x16x!tt.ptr<i32>>
  tt.return
}

// -----

// f16 into f16 rounds after each step, so it cannot use fragments.
// CHECK-LABEL: tm.kernel @half_sums
// CHECK-NOT: tm.fragments
// CHECK: scf.for
// CHECK: arith.mulf {{.*}} : f16
// CHECK: arith.addf {{.*}} : f16
tt.func public @half_sums(%a: !tt.ptr<f16>, %b: !tt.ptr<f16>, %out: !tt.ptr<f16>) {
  %rows = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<16xi32>
  %columns = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<16xi32>
  %width = arith.constant dense<16> : tensor<16x1xi32>
  %row = tt.expand_dims %rows {axis = 1 : i32} : tensor<16xi32> -> tensor<16x1xi32>
  %start = arith.muli %row, %width : tensor<16x1xi32>
  %column = tt.expand_dims %columns {axis = 0 : i32} : tensor<16xi32> -> tensor<1x16xi32>
  %starts = tt.broadcast %start : tensor<16x1xi32> -> tensor<16x16xi32>
  %steps = tt.broadcast %column : tensor<1x16xi32> -> tensor<16x16xi32>
  %o = arith.addi %starts, %steps : tensor<16x16xi32>
  %as = tt.splat %a : !tt.ptr<f16> -> tensor<16x16x!tt.ptr<f16>>
  %ap = tt.addptr %as, %o : tensor<16x16x!tt.ptr<f16>>, tensor<16x16xi32>
  %x = tt.load %ap : tensor<16x16x!tt.ptr<f16>>
  %bs = tt.splat %b : !tt.ptr<f16> -> tensor<16x16x!tt.ptr<f16>>
  %bp = tt.addptr %bs, %o : tensor<16x16x!tt.ptr<f16>>, tensor<16x16xi32>
  %y = tt.load %bp : tensor<16x16x!tt.ptr<f16>>
  %zero = arith.constant dense<0.0> : tensor<16x16xf16>
  %d = tt.dot %x, %y, %zero : tensor<16x16xf16> * tensor<16x16xf16> -> tensor<16x16xf16>
  %o_s = tt.splat %out : !tt.ptr<f16> -> tensor<16x16x!tt.ptr<f16>>
  %o_p = tt.addptr %o_s, %o : tensor<16x16x!tt.ptr<f16>>, tensor<16x16xi32>
  tt.store %o_p, %d : tensor<16x16x!tt.ptr<f16>>
  tt.return
}

// -----

// An accumulator to which a loop only adds products stays in fragments, and is stored to memory only after the loop.
// The second operand is transposed when it is read.
// CHECK-LABEL: tm.kernel @loop
// CHECK: %[[M:.*]] = tm.fragments : <16 by 16 x f32, 2 by 2>
// CHECK: tm.fragments_fill %[[M]]
// CHECK-NOT: tm.fragments
// CHECK: scf.for
// CHECK: tm.multiply_accumulate %[[M]], %{{.*}} stride 16, %{{.*}} stride 16 transposed depth 16
// CHECK-NOT: tm.fragments
// CHECK: }
// CHECK: tm.fragments_store %[[M]]
// CHECK: tm.store
tt.func public @loop(%a: !tt.ptr<f32>, %b: !tt.ptr<f32>, %out: !tt.ptr<f32>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %rows = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<16xi32>
  %columns = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<16xi32>
  %width = arith.constant dense<16> : tensor<16x1xi32>
  %row = tt.expand_dims %rows {axis = 1 : i32} : tensor<16xi32> -> tensor<16x1xi32>
  %start = arith.muli %row, %width : tensor<16x1xi32>
  %column = tt.expand_dims %columns {axis = 0 : i32} : tensor<16xi32> -> tensor<1x16xi32>
  %starts = tt.broadcast %start : tensor<16x1xi32> -> tensor<16x16xi32>
  %steps = tt.broadcast %column : tensor<1x16xi32> -> tensor<16x16xi32>
  %o = arith.addi %starts, %steps : tensor<16x16xi32>
  %as = tt.splat %a : !tt.ptr<f32> -> tensor<16x16x!tt.ptr<f32>>
  %ap = tt.addptr %as, %o : tensor<16x16x!tt.ptr<f32>>, tensor<16x16xi32>
  %bs = tt.splat %b : !tt.ptr<f32> -> tensor<16x16x!tt.ptr<f32>>
  %bp = tt.addptr %bs, %o : tensor<16x16x!tt.ptr<f32>>, tensor<16x16xi32>
  %zero = arith.constant dense<0.0> : tensor<16x16xf32>
  %d = scf.for %i = %c0 to %n step %c1 iter_args(%sum = %zero) -> (tensor<16x16xf32>) : i32 {
    %x = tt.load %ap : tensor<16x16x!tt.ptr<f32>>
    %y = tt.load %bp : tensor<16x16x!tt.ptr<f32>>
    %t = tt.trans %y {order = array<i32: 1, 0>} : tensor<16x16xf32> -> tensor<16x16xf32>
    %next = tt.dot %x, %t, %sum : tensor<16x16xf32> * tensor<16x16xf32> -> tensor<16x16xf32>
    scf.yield %next : tensor<16x16xf32>
  }
  %o_s = tt.splat %out : !tt.ptr<f32> -> tensor<16x16x!tt.ptr<f32>>
  %o_p = tt.addptr %o_s, %o : tensor<16x16x!tt.ptr<f32>>, tensor<16x16xi32>
  tt.store %o_p, %d : tensor<16x16x!tt.ptr<f32>>
  tt.return
}
