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

// f16 into f16 adds up in f32, and rounds once when the sums have left the fragments.
// CHECK-LABEL: tm.kernel @half_sums
// CHECK: %[[M:.*]] = tm.fragments : <16 by 16 x f32, 2 by 2>
// CHECK: tm.multiply_accumulate %[[M]]
// CHECK: %[[T:.*]] = tm.tile : <f32,
// CHECK: tm.fragments_store %[[M]]
// CHECK: tm.put %{{.*}}, %[[T]]
// CHECK: %[[SUM:.*]] = tm.get %[[T]]
// CHECK: %[[H:.*]] = arith.truncf %[[SUM]] : f32 to f16
// CHECK: tm.store %[[H]]
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

// -----

// The same for an accumulator that is not zero, and without fragments.
// CHECK-LABEL: tm.kernel @narrow_accumulators
// CHECK: tm.multiply_accumulate
// CHECK: tm.fragments_store
// CHECK: %[[C:.*]] = tm.get %{{.*}} -> f16
// CHECK: %[[SUM:.*]] = tm.get %{{.*}} -> f32
// CHECK: %[[WIDE:.*]] = arith.extf %[[C]] : f16 to f32
// CHECK: %[[ALL:.*]] = arith.addf %[[SUM]], %[[WIDE]] : f32
// CHECK: arith.truncf %[[ALL]] : f32 to f16
// CHECK: scf.for
// CHECK: arith.mulf {{.*}} : f32
// CHECK: arith.addf {{.*}} : f32
// CHECK: arith.truncf {{.*}} : f32 to bf16
tt.func public @narrow_accumulators(%a: !tt.ptr<f16>, %c: !tt.ptr<f16>, %small: !tt.ptr<bf16>) {
  %range = tt.make_range {start = 0 : i32, end = 256 : i32} : tensor<256xi32>
  %o = tt.reshape %range : tensor<256xi32> -> tensor<16x16xi32>
  %as = tt.splat %a : !tt.ptr<f16> -> tensor<16x16x!tt.ptr<f16>>
  %ap = tt.addptr %as, %o : tensor<16x16x!tt.ptr<f16>>, tensor<16x16xi32>
  %cs = tt.splat %c : !tt.ptr<f16> -> tensor<16x16x!tt.ptr<f16>>
  %cp = tt.addptr %cs, %o : tensor<16x16x!tt.ptr<f16>>, tensor<16x16xi32>
  %x = tt.load %ap : tensor<16x16x!tt.ptr<f16>>
  %y = tt.load %cp : tensor<16x16x!tt.ptr<f16>>
  %d = tt.dot %x, %x, %y : tensor<16x16xf16> * tensor<16x16xf16> -> tensor<16x16xf16>
  tt.store %cp, %d : tensor<16x16x!tt.ptr<f16>>
  %few = tt.make_range {start = 0 : i32, end = 16 : i32} : tensor<16xi32>
  %p = tt.reshape %few : tensor<16xi32> -> tensor<4x4xi32>
  %ss = tt.splat %small : !tt.ptr<bf16> -> tensor<4x4x!tt.ptr<bf16>>
  %sp = tt.addptr %ss, %p : tensor<4x4x!tt.ptr<bf16>>, tensor<4x4xi32>
  %z = tt.load %sp : tensor<4x4x!tt.ptr<bf16>>
  %e = tt.dot %z, %z, %z : tensor<4x4xbf16> * tensor<4x4xbf16> -> tensor<4x4xbf16>
  tt.store %sp, %e : tensor<4x4x!tt.ptr<bf16>>
  tt.return
}

// -----

// A batch: its matrices lie one below the other in fragments and arrays.
// CHECK-LABEL: tm.kernel @batch
// CHECK: %[[M:.*]] = tm.fragments : <32 by 8 x f32, 4 by 1>
// CHECK: tm.multiply_accumulate %[[M]], %[[X:.*]] stride 8, %[[X]] stride 8 transposed depth 8 batches 4
tt.func public @batch(%x: !tt.ptr<f32>) {
  %range = tt.make_range {start = 0 : i32, end = 256 : i32} : tensor<256xi32>
  %places = tt.reshape %range : tensor<256xi32> -> tensor<4x8x8xi32>
  %xs = tt.splat %x : !tt.ptr<f32> -> tensor<4x8x8x!tt.ptr<f32>>
  %xp = tt.addptr %xs, %places : tensor<4x8x8x!tt.ptr<f32>>, tensor<4x8x8xi32>
  %v = tt.load %xp : tensor<4x8x8x!tt.ptr<f32>>
  %t = tt.trans %v {order = array<i32: 0, 2, 1>} : tensor<4x8x8xf32> -> tensor<4x8x8xf32>
  %zero = arith.constant dense<0.0> : tensor<4x8x8xf32>
  %d = tt.dot %v, %t, %zero : tensor<4x8x8xf32> * tensor<4x8x8xf32> -> tensor<4x8x8xf32>
  tt.store %xp, %d : tensor<4x8x8x!tt.ptr<f32>>
  tt.return
}

// -----

// A transposed operand that passes in slices is sent from the layout of its source, without an exchange before.
// THIN-LABEL: tm.kernel @transposed_in_slices
// THIN: tm.load
// THIN-NOT: tm.shared_store
// THIN: tm.shared : <256 x f32>
// THIN: tm.shared : <256 x f32>
// THIN: scf.for
// THIN: tm.multiply_accumulate
// THIN-NOT: tm.shared : <4096
// THIN: tm.fragments_store
tt.func public @transposed_in_slices(%x: !tt.ptr<f32>) {
  %range = tt.make_range {start = 0 : i32, end = 1024 : i32} : tensor<1024xi32>
  %places = tt.reshape %range : tensor<1024xi32> -> tensor<32x32xi32>
  %xs = tt.splat %x : !tt.ptr<f32> -> tensor<32x32x!tt.ptr<f32>>
  %xp = tt.addptr %xs, %places : tensor<32x32x!tt.ptr<f32>>, tensor<32x32xi32>
  %v = tt.load %xp : tensor<32x32x!tt.ptr<f32>>
  %t = tt.trans %v {order = array<i32: 1, 0>} : tensor<32x32xf32> -> tensor<32x32xf32>
  %zero = arith.constant dense<0.0> : tensor<32x32xf32>
  %d = tt.dot %t, %v, %zero : tensor<32x32xf32> * tensor<32x32xf32> -> tensor<32x32xf32>
  tt.store %xp, %d : tensor<32x32x!tt.ptr<f32>>
  tt.return
}
