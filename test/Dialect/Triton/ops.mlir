// SPDX-License-Identifier: MIT
// Every operation as Triton 3.9 prints it survives two round trips, also through the generic form.
// RUN: triton-metal-opt %s | triton-metal-opt | FileCheck %s
// RUN: triton-metal-opt %s -mlir-print-op-generic | triton-metal-opt | FileCheck %s

// CHECK-LABEL: tt.func public @pointers(
// CHECK-SAME: %arg0: !tt.ptr<f32> {tt.divisibility = 16 : i32}, %arg1: !tt.ptr<f32, "constant">
// CHECK-SAME: attributes {noinline = false}
tt.func public @pointers(%p: !tt.ptr<f32> {tt.divisibility = 16 : i32}, %pc: !tt.ptr<f32, "constant">,
                         %pg: !tt.ptr<f16, "global">, %i: i32, %l: i64) attributes {noinline = false} {
  // CHECK: tt.addptr %arg0, %arg3 : !tt.ptr<f32>, i32
  %0 = tt.addptr %p, %i : !tt.ptr<f32>, i32
  // CHECK: tt.splat %arg1 : !tt.ptr<f32, "constant"> -> tensor<4x!tt.ptr<f32, "constant">>
  %1 = tt.splat %pc : !tt.ptr<f32, "constant"> -> tensor<4x!tt.ptr<f32, "constant">>
  %2 = tt.splat %l : i64 -> tensor<4xi64>
  // CHECK: tt.addptr %{{.*}}, %{{.*}} : tensor<4x!tt.ptr<f32, "constant">>, tensor<4xi64>
  %3 = tt.addptr %1, %2 : tensor<4x!tt.ptr<f32, "constant">>, tensor<4xi64>
  // CHECK: tt.int_to_ptr %arg4 : i64 -> !tt.ptr<i8>
  %4 = tt.int_to_ptr %l : i64 -> !tt.ptr<i8>
  // CHECK: tt.ptr_to_int %arg2 : !tt.ptr<f16> -> i64
  %5 = tt.ptr_to_int %pg : !tt.ptr<f16> -> i64
  // CHECK: tt.bitcast %arg0 : !tt.ptr<f32> -> !tt.ptr<i8>
  %6 = tt.bitcast %p : !tt.ptr<f32> -> !tt.ptr<i8>
  // CHECK: tt.return
  tt.return
}

// CHECK-LABEL: tt.func @memory
tt.func @memory(%p: !tt.ptr<f32>, %m: i1, %o: f32, %pt: tensor<4x!tt.ptr<f32>>, %mt: tensor<4xi1>,
                %ot: tensor<4xf32>) {
  // CHECK: tt.load %arg0 : !tt.ptr<f32>
  %0 = tt.load %p : !tt.ptr<f32>
  // CHECK: tt.load %arg0, %arg1 {cachePolicy = #tt.cache_policy<cache_modifier = ca, eviction_policy = evict_normal>, isVolatile = true} : !tt.ptr<f32>
  %1 = tt.load %p, %m {cachePolicy = #tt.cache_policy<cache_modifier = ca, eviction_policy = evict_normal>, isVolatile = true} : !tt.ptr<f32>
  // CHECK: tt.load %arg3, %arg4, %arg5 {tt.divisibility = 8 : i32} : tensor<4x!tt.ptr<f32>>
  %2 = tt.load %pt, %mt, %ot {tt.divisibility = 8 : i32} : tensor<4x!tt.ptr<f32>>
  // CHECK: tt.store %arg3, %{{.*}}, %arg4 {cachePolicy = #tt.cache_policy<cache_modifier = none, eviction_policy = evict_last>} : tensor<4x!tt.ptr<f32>>
  tt.store %pt, %2, %mt {cachePolicy = #tt.cache_policy<cache_modifier = none, eviction_policy = evict_last>} : tensor<4x!tt.ptr<f32>>
  // CHECK: tt.store %arg0, %arg2 {ignore_cta} : !tt.ptr<f32>
  tt.store %p, %o {ignore_cta} : !tt.ptr<f32>
  tt.return
}

// CHECK-LABEL: tt.func @atomics
tt.func @atomics(%p: !tt.ptr<i32>, %v: i32, %ns: i64, %pt: tensor<4x!tt.ptr<i32>>, %mt: tensor<4xi1>,
                 %vt: tensor<4xi32>) {
  // CHECK: tt.atomic_load relaxed, gpu, %arg0 : (!tt.ptr<i32>) -> i32
  %0 = tt.atomic_load relaxed, gpu, %p : (!tt.ptr<i32>) -> i32
  // CHECK: tt.atomic_load acquire, cta, %arg3, %arg4 : (tensor<4x!tt.ptr<i32>>, tensor<4xi1>) -> tensor<4xi32>
  %1 = tt.atomic_load acquire, cta, %pt, %mt : (tensor<4x!tt.ptr<i32>>, tensor<4xi1>) -> tensor<4xi32>
  // CHECK: tt.atomic_store release, sys, %arg0, %arg1 : !tt.ptr<i32>
  tt.atomic_store release, sys, %p, %v : !tt.ptr<i32>
  // CHECK: tt.atomic_store release, sys, %arg3, %arg5, %arg4 : tensor<4x!tt.ptr<i32>>
  tt.atomic_store release, sys, %pt, %vt, %mt : tensor<4x!tt.ptr<i32>>
  // CHECK: tt.atomic_poll acquire, gpu, %arg0, %arg1 : !tt.ptr<i32>, i32 -> i1
  %2 = tt.atomic_poll acquire, gpu, %p, %v : !tt.ptr<i32>, i32 -> i1
  // CHECK: tt.atomic_poll relaxed, gpu, %arg3, %arg5 timeout %arg2 : tensor<4x!tt.ptr<i32>>, tensor<4xi32> -> tensor<4xi1>
  %3 = tt.atomic_poll relaxed, gpu, %pt, %vt timeout %ns : tensor<4x!tt.ptr<i32>>, tensor<4xi32> -> tensor<4xi1>
  // CHECK: tt.atomic_rmw umax, acq_rel, gpu, %arg3, %arg5, %arg4 : (tensor<4x!tt.ptr<i32>>, tensor<4xi32>, tensor<4xi1>) -> tensor<4xi32>
  %4 = tt.atomic_rmw umax, acq_rel, gpu, %pt, %vt, %mt : (tensor<4x!tt.ptr<i32>>, tensor<4xi32>, tensor<4xi1>) -> tensor<4xi32>
  // CHECK: tt.atomic_rmw exch, acq_rel, sys, %arg0, %arg1 : (!tt.ptr<i32>, i32) -> i32
  %5 = tt.atomic_rmw exch, acq_rel, sys, %p, %v : (!tt.ptr<i32>, i32) -> i32
  // CHECK: tt.atomic_cas acq_rel, gpu, %arg0, %arg1, %arg1 : (!tt.ptr<i32>, i32, i32) -> i32
  %6 = tt.atomic_cas acq_rel, gpu, %p, %v, %v : (!tt.ptr<i32>, i32, i32) -> i32
  tt.return
}

// CHECK-LABEL: tt.func @update_kinds
tt.func @update_kinds(%p: !tt.ptr<i32>, %v: i32, %q: !tt.ptr<f32>, %f: f32) {
  // CHECK: atomic_rmw and, {{.*}}
  %0 = tt.atomic_rmw and, relaxed, gpu, %p, %v : (!tt.ptr<i32>, i32) -> i32
  // CHECK: atomic_rmw or, {{.*}}
  %1 = tt.atomic_rmw or, relaxed, gpu, %p, %v : (!tt.ptr<i32>, i32) -> i32
  // CHECK: atomic_rmw xor, {{.*}}
  %2 = tt.atomic_rmw xor, relaxed, gpu, %p, %v : (!tt.ptr<i32>, i32) -> i32
  // CHECK: atomic_rmw add, {{.*}}
  %3 = tt.atomic_rmw add, relaxed, gpu, %p, %v : (!tt.ptr<i32>, i32) -> i32
  // CHECK: atomic_rmw fadd, {{.*}}
  %4 = tt.atomic_rmw fadd, relaxed, gpu, %q, %f : (!tt.ptr<f32>, f32) -> f32
  // CHECK: atomic_rmw max, {{.*}}
  %5 = tt.atomic_rmw max, relaxed, gpu, %p, %v : (!tt.ptr<i32>, i32) -> i32
  // CHECK: atomic_rmw min, {{.*}}
  %6 = tt.atomic_rmw min, relaxed, gpu, %p, %v : (!tt.ptr<i32>, i32) -> i32
  // CHECK: atomic_rmw umin, {{.*}}
  %7 = tt.atomic_rmw umin, relaxed, gpu, %p, %v : (!tt.ptr<i32>, i32) -> i32
  tt.return
}

// CHECK-LABEL: tt.func @elementwise
tt.func @elementwise(%x: f32, %h: tensor<4xf16>, %b: f8E5M2, %i: i32) {
  // CHECK: tt.fp_to_fp %arg0, rounding = rtne : f32 -> f8E4M3FN
  %0 = tt.fp_to_fp %x, rounding = rtne : f32 -> f8E4M3FN
  // CHECK: tt.fp_to_fp %arg1, rounding = rtz : tensor<4xf16> -> tensor<4xf8E5M2>
  %1 = tt.fp_to_fp %h, rounding = rtz : tensor<4xf16> -> tensor<4xf8E5M2>
  // CHECK: tt.fp_to_fp %arg2 : f8E5M2 -> f32
  %2 = tt.fp_to_fp %b : f8E5M2 -> f32
  // CHECK: tt.bitcast %arg2 : f8E5M2 -> i8
  %3 = tt.bitcast %b : f8E5M2 -> i8
  // CHECK: tt.clampf %arg0, %arg0, %arg0, propagateNan = all : f32
  %4 = tt.clampf %x, %x, %x, propagateNan = all : f32
  // CHECK: tt.clampf %arg0, %arg0, %arg0, propagateNan = none : f32
  %5 = tt.clampf %x, %x, %x, propagateNan = none : f32
  // CHECK: tt.precise_divf %arg0, %arg0 : f32
  %6 = tt.precise_divf %x, %x : f32
  // CHECK: tt.approx_divf %arg0, %arg0 : f32
  %7 = tt.approx_divf %x, %x : f32
  // CHECK: tt.precise_sqrt %arg0 : f32
  %8 = tt.precise_sqrt %x : f32
  // CHECK: tt.mulhiui %arg3, %arg3 : i32
  %9 = tt.mulhiui %i, %i : i32
  // CHECK: tt.extern_elementwise %arg1 {libname = "l", libpath = "p", pure = true, symbol = "s"} : (tensor<4xf16>) -> tensor<4xf32>
  %10 = tt.extern_elementwise %h {libname = "l", libpath = "p", pure = true, symbol = "s"} : (tensor<4xf16>) -> tensor<4xf32>
  // CHECK: tt.elementwise_inline_asm "a $0" {constraints = "=r,r", packed_element = 2 : i32, pure = false} %arg1, %arg1 : tensor<4xf16>, tensor<4xf16> -> tensor<4xf16>, tensor<4xf16>
  %11:2 = tt.elementwise_inline_asm "a $0" {constraints = "=r,r", packed_element = 2 : i32, pure = false} %h, %h : tensor<4xf16>, tensor<4xf16> -> tensor<4xf16>, tensor<4xf16>
  // CHECK: tt.elementwise_inline_asm "b" {constraints = "=r", packed_element = 1 : i32, pure = true} -> i32
  %12 = tt.elementwise_inline_asm "b" {constraints = "=r", packed_element = 1 : i32, pure = true} -> i32
  // CHECK: "tt.map_elementwise"(%arg1) <{pack = 2 : i32}> ({
  // CHECK-NEXT: ^bb0(%[[A:.*]]: f16, %[[B:.*]]: f16):
  // CHECK-NEXT: tt.map_elementwise.return %[[B]], %[[A]] : f16, f16
  // CHECK-NEXT: }) : (tensor<4xf16>) -> tensor<4xf16>
  %13 = "tt.map_elementwise"(%h) <{pack = 2 : i32}> ({
  ^bb0(%a: f16, %c: f16):
    tt.map_elementwise.return %c, %a : f16, f16
  }) : (tensor<4xf16>) -> tensor<4xf16>
  tt.return
}

// CHECK-LABEL: tt.func @shapes
tt.func @shapes(%x: tensor<4x2xf32>, %v: tensor<4xf32>, %i: tensor<4xi32>, %m: tensor<4xi1>, %u: tensor<1x1xf32>) {
  // CHECK: tt.get_program_id x : i32
  %0 = tt.get_program_id x : i32
  // CHECK: tt.get_program_id y : i32
  %1 = tt.get_program_id y : i32
  // CHECK: tt.get_num_programs z : i32
  %2 = tt.get_num_programs z : i32
  // CHECK: tt.make_range {end = 132 : i32, start = 4 : i32} : tensor<128xi32>
  %3 = tt.make_range {end = 132 : i32, start = 4 : i32} : tensor<128xi32>
  // CHECK: tt.unsplat %arg4 : tensor<1x1xf32>
  %4 = tt.unsplat %u : tensor<1x1xf32>
  // CHECK: tt.splat %{{.*}} : f32 -> tensor<8xf32>
  %5 = tt.splat %4 : f32 -> tensor<8xf32>
  // CHECK: tt.expand_dims %arg1 {axis = 1 : i32} : tensor<4xf32> -> tensor<4x1xf32>
  %6 = tt.expand_dims %v {axis = 1 : i32} : tensor<4xf32> -> tensor<4x1xf32>
  // CHECK: tt.broadcast %{{.*}} : tensor<4x1xf32> -> tensor<4x8xf32>
  %7 = tt.broadcast %6 : tensor<4x1xf32> -> tensor<4x8xf32>
  // CHECK: tt.reshape %arg0 : tensor<4x2xf32> -> tensor<8xf32>
  %8 = tt.reshape %x : tensor<4x2xf32> -> tensor<8xf32>
  // CHECK: tt.reshape %arg0 allow_reorder : tensor<4x2xf32> -> tensor<8xf32>
  %9 = tt.reshape %x allow_reorder : tensor<4x2xf32> -> tensor<8xf32>
  // CHECK: tt.reshape %arg0 allow_reorder efficient_layout : tensor<4x2xf32> -> tensor<8xf32>
  %10 = tt.reshape %x allow_reorder efficient_layout : tensor<4x2xf32> -> tensor<8xf32>
  // CHECK: tt.cat %arg1, %arg1 : tensor<4xf32> -> tensor<8xf32>
  %11 = tt.cat %v, %v : tensor<4xf32> -> tensor<8xf32>
  // CHECK: tt.join %arg1, %arg1 : tensor<4xf32> -> tensor<4x2xf32>
  %12 = tt.join %v, %v : tensor<4xf32> -> tensor<4x2xf32>
  // CHECK: %outLHS, %outRHS = tt.split %arg0 : tensor<4x2xf32> -> tensor<4xf32>
  %13, %14 = tt.split %x : tensor<4x2xf32> -> tensor<4xf32>
  // CHECK: tt.trans %arg0 {order = array<i32: 1, 0>} : tensor<4x2xf32> -> tensor<2x4xf32>
  %15 = tt.trans %x {order = array<i32: 1, 0>} : tensor<4x2xf32> -> tensor<2x4xf32>
  // CHECK: tt.histogram %arg2 : tensor<4xi32> -> tensor<16xi32>
  %16 = tt.histogram %i : tensor<4xi32> -> tensor<16xi32>
  // CHECK: tt.histogram %arg2, %arg3 : tensor<4xi32> -> tensor<16xi32>
  %17 = tt.histogram %i, %m : tensor<4xi32> -> tensor<16xi32>
  // CHECK: tt.gather %arg1[%arg2] {axis = 0 : i32} : (tensor<4xf32>, tensor<4xi32>) -> tensor<4xf32>
  %18 = tt.gather %v[%i] {axis = 0 : i32} : (tensor<4xf32>, tensor<4xi32>) -> tensor<4xf32>
  // CHECK: tt.gather %arg1[%arg2] {axis = 0 : i32, efficient_layout} : (tensor<4xf32>, tensor<4xi32>) -> tensor<4xf32>
  %19 = tt.gather %v[%i] {axis = 0 : i32, efficient_layout} : (tensor<4xf32>, tensor<4xi32>) -> tensor<4xf32>
  tt.return
}

// CHECK-LABEL: tt.func @reductions
tt.func @reductions(%x: tensor<4x2xf32>, %y: tensor<4x2xi32>, %v: tensor<4xf32>) {
  // CHECK: %{{.*}}:2 = "tt.reduce"(%arg0, %arg1) <{axis = 1 : i32}> ({
  // CHECK: tt.reduce.return %{{.*}}, %{{.*}} : f32, i32
  // CHECK: }) : (tensor<4x2xf32>, tensor<4x2xi32>) -> (tensor<4xf32>, tensor<4xi32>)
  %0:2 = "tt.reduce"(%x, %y) <{axis = 1 : i32}> ({
  ^bb0(%a: f32, %b: i32, %c: f32, %d: i32):
    tt.reduce.return %a, %b : f32, i32
  }) : (tensor<4x2xf32>, tensor<4x2xi32>) -> (tensor<4xf32>, tensor<4xi32>)
  // CHECK: "tt.reduce"(%arg2) <{axis = 0 : i32}> ({
  // CHECK: }) : (tensor<4xf32>) -> f32
  %1 = "tt.reduce"(%v) <{axis = 0 : i32}> ({
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    tt.reduce.return %s : f32
  }) : (tensor<4xf32>) -> f32
  // CHECK: "tt.scan"(%arg0) <{axis = 0 : i32, reverse = true}> ({
  // CHECK: tt.scan.return %{{.*}} : f32
  // CHECK: }) : (tensor<4x2xf32>) -> tensor<4x2xf32>
  %2 = "tt.scan"(%x) <{axis = 0 : i32, reverse = true}> ({
  ^bb0(%a: f32, %b: f32):
    %s = arith.addf %a, %b : f32
    tt.scan.return %s : f32
  }) : (tensor<4x2xf32>) -> tensor<4x2xf32>
  tt.return
}

// CHECK-LABEL: tt.func @products
tt.func @products(%a: tensor<16x16xf16>, %c: tensor<16x16xf32>, %ab: tensor<2x16x16xi8>, %cb: tensor<2x16x16xi32>,
                  %f4: tensor<16x16xi8>, %f8: tensor<32x64xf8E4M3FN>, %cs: tensor<16x64xf32>, %as: tensor<16x1xi8>,
                  %bs: tensor<64x1xi8>, %g: tensor<16x32xi8>, %f4n: tensor<32x32xi8>) {
  // CHECK: tt.dot %arg0, %arg0, %arg1 : tensor<16x16xf16> * tensor<16x16xf16> -> tensor<16x16xf32>
  %0 = tt.dot %a, %a, %c : tensor<16x16xf16> * tensor<16x16xf16> -> tensor<16x16xf32>
  // CHECK: tt.dot %arg0, %arg0, %arg1, inputPrecision = tf32x3 {maxNumImpreciseAcc = 4 : i32} : tensor<16x16xf16> * tensor<16x16xf16> -> tensor<16x16xf32>
  %1 = tt.dot %a, %a, %c, inputPrecision = tf32x3 {maxNumImpreciseAcc = 4 : i32} : tensor<16x16xf16> * tensor<16x16xf16> -> tensor<16x16xf32>
  // CHECK: tt.dot %arg2, %arg2, %arg3 : tensor<2x16x16xi8> * tensor<2x16x16xi8> -> tensor<2x16x16xi32>
  %2 = tt.dot %ab, %ab, %cb : tensor<2x16x16xi8> * tensor<2x16x16xi8> -> tensor<2x16x16xi32>
  // CHECK: tt.dot_scaled %arg4 scale %arg7, %arg5 scale %arg8, %arg6 lhs = e2m1 rhs = e4m3 {fastMath = false} : tensor<16x16xi8>, tensor<16x1xi8> * tensor<32x64xf8E4M3FN>, tensor<64x1xi8> -> tensor<16x64xf32>
  %3 = tt.dot_scaled %f4 scale %as, %f8 scale %bs, %cs lhs = e2m1 rhs = e4m3 {fastMath = false} : tensor<16x16xi8>, tensor<16x1xi8> * tensor<32x64xf8E4M3FN>, tensor<64x1xi8> -> tensor<16x64xf32>
  // CHECK: tt.dot_scaled %arg9, %arg10 scale %arg8, %arg6 lhs = e5m2 rhs = e2m1 {fastMath = true, rhs_k_pack = false} : tensor<16x32xi8> * tensor<32x32xi8>, tensor<64x1xi8> -> tensor<16x64xf32>
  %4 = tt.dot_scaled %g, %f4n scale %bs, %cs lhs = e5m2 rhs = e2m1 {fastMath = true, rhs_k_pack = false} : tensor<16x32xi8> * tensor<32x32xi8>, tensor<64x1xi8> -> tensor<16x64xf32>
  tt.return
}

// CHECK-LABEL: tt.func @descriptors
// CHECK-SAME: !tt.tensordesc<1x8xf32>, %{{.*}}: !tt.tensordesc<4x8xsi8>, %{{.*}}: !tt.tensordesc<4xui32>
tt.func @descriptors(%p: !tt.ptr<f32>, %i: i32, %l: i64, %v: tensor<4x8xf32>, %x: tensor<8xi32>, %w: tensor<8x8xf32>,
                     %d1: !tt.tensordesc<1x8xf32>, %ds: !tt.tensordesc<4x8xsi8>, %du: !tt.tensordesc<4xui32>) {
  // CHECK: tt.make_tensor_descriptor %arg0, [%arg1, %arg1], [%arg2, %arg2] : <f32>, <4x8xf32>
  %0 = tt.make_tensor_descriptor %p, [%i, %i], [%l, %l] : <f32>, <4x8xf32>
  // CHECK: tt.make_tensor_descriptor %arg0, [%arg1, %arg1], [%arg2, %arg2] {padding = 2 : i32} : <f32>, <4x8xf32>
  %1 = tt.make_tensor_descriptor %p, [%i, %i], [%l, %l] {padding = 2 : i32} : <f32>, <4x8xf32>
  // CHECK: tt.descriptor_load %{{.*}}[%arg1, %arg1] : !tt.tensordesc<4x8xf32> -> tensor<4x8xf32>
  %2 = tt.descriptor_load %0[%i, %i] : !tt.tensordesc<4x8xf32> -> tensor<4x8xf32>
  // CHECK: tt.descriptor_load %{{.*}}[%arg1, %arg1] {cachePolicy = #tt.cache_policy<cache_modifier = cg, eviction_policy = evict_first>} : !tt.tensordesc<4x8xsi8> -> tensor<4x8xi8>
  %3 = tt.descriptor_load %ds[%i, %i] {cachePolicy = #tt.cache_policy<cache_modifier = cg, eviction_policy = evict_first>} : !tt.tensordesc<4x8xsi8> -> tensor<4x8xi8>
  // CHECK: tt.descriptor_store %{{.*}}[%arg1, %arg1], %arg3 : !tt.tensordesc<4x8xf32>, tensor<4x8xf32>
  tt.descriptor_store %0[%i, %i], %v : !tt.tensordesc<4x8xf32>, tensor<4x8xf32>
  // CHECK: tt.descriptor_reduce add, %{{.*}}[%arg1, %arg1], %arg3 : !tt.tensordesc<4x8xf32>, tensor<4x8xf32>
  tt.descriptor_reduce add, %0[%i, %i], %v : !tt.tensordesc<4x8xf32>, tensor<4x8xf32>
  // CHECK: tt.descriptor_gather %arg6[%arg4, %arg1] : (!tt.tensordesc<1x8xf32>, tensor<8xi32>, i32) -> tensor<8x8xf32>
  %4 = tt.descriptor_gather %d1[%x, %i] : (!tt.tensordesc<1x8xf32>, tensor<8xi32>, i32) -> tensor<8x8xf32>
  // CHECK: tt.descriptor_scatter %arg6[%arg4, %arg1], %arg5 : !tt.tensordesc<1x8xf32>, tensor<8xi32>, i32, tensor<8x8xf32>
  tt.descriptor_scatter %d1[%x, %i], %w : !tt.tensordesc<1x8xf32>, tensor<8xi32>, i32, tensor<8x8xf32>
  tt.return
}

// CHECK-LABEL: tt.func private @two_results(%arg0: f32, %arg1: i32) -> (f32, i32) attributes {noinline = true}
tt.func private @two_results(%a: f32, %b: i32) -> (f32, i32) attributes {noinline = true} {
  // CHECK: tt.return %arg0, %arg1 : f32, i32
  tt.return %a, %b : f32, i32
}

// CHECK-LABEL: tt.func @control
tt.func @control(%a: f32, %b: i32, %c: i1, %t: tensor<4xi1>) {
  // CHECK: %{{.*}}:2 = tt.call @two_results(%arg0, %arg1) : (f32, i32) -> (f32, i32)
  %0:2 = tt.call @two_results(%a, %b) : (f32, i32) -> (f32, i32)
  // CHECK: tt.print "x: " {hex = false, isSigned = array<i32>}
  tt.print "x: " {hex = false, isSigned = array<i32>}
  // CHECK: tt.print " y: " {hex = true, isSigned = array<i32: 0, 1>} : %arg0, %arg1 : f32, i32
  tt.print " y: " {hex = true, isSigned = array<i32: 0, 1>} : %a, %b : f32, i32
  // CHECK: tt.assert %arg2, "scalar" : i1
  tt.assert %c, "scalar" : i1
  // CHECK: tt.assert %arg3, "tensor" : tensor<4xi1>
  tt.assert %t, "tensor" : tensor<4xi1>
  // CHECK: tt.grid_dependency_wait
  tt.grid_dependency_wait
  // CHECK: tt.grid_dependency_launch_dependents
  tt.grid_dependency_launch_dependents
  // CHECK: llvm.intr.assume %arg2 : i1
  llvm.intr.assume %c : i1
  // CHECK: ttg.barrier all
  ttg.barrier all
  // CHECK: ttg.barrier local
  ttg.barrier local
  // CHECK: ttg.barrier global_read|global_write
  ttg.barrier global_write|global_read
  // CHECK: ttg.barrier none
  ttg.barrier none
  tt.return
}

// CHECK-LABEL: tt.func private @declared(f32) -> f32
tt.func private @declared(f32) -> f32
