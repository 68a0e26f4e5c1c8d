// SPDX-License-Identifier: MIT
// f64 on a target without double: tm::float64 in registers, ulong in memory, and its header only where it is used.
// RUN: split-file %s %t
// RUN: triton-metal-translate --emit-msl --arch=m3 %t/all.mlir -o %t/all.metal
// RUN: FileCheck %s --input-file=%t/all.metal --check-prefix=ALL
// RUN: %compile-msl %t/all.metal
// RUN: triton-metal-translate --emit-msl %t/all.mlir | FileCheck %s --check-prefix=NATIVE
// RUN: triton-metal-translate --emit-msl --arch=m3 %t/sum.mlir | FileCheck %s --check-prefix=SUM
// RUN: triton-metal-translate --emit-msl --arch=m3 %t/float.mlir | FileCheck %s --check-prefix=FLOAT
// RUN: not triton-metal-translate --emit-msl --arch=m3 %t/atomic.mlir 2>&1 | FileCheck %s --check-prefix=ATOMIC
// RUN: not triton-metal-translate --emit-msl --arch=m3 %t/gamma.mlir 2>&1 | FileCheck %s --check-prefix=GAMMA

//--- all.mlir
// NATIVE-NOT: float64
// ALL: #include <triton_metal/float64_math.h>
// ALL: struct tm_arguments {
// ALL-NEXT: ulong arg1;
// ALL: kernel void k(device ulong *arg0 {{.}}[buffer(0)]]
// ALL: const tm::float64 arg1 = tm::float64{tm_args.arg1};
tt.func public @k(%p: !tt.ptr<f64>, %d: f64, %x: f32, %n: i32, %q: i8, %m: i1) {
  %tenth = arith.constant 0.1 : f64
  %inf = arith.constant 0x7FF0000000000000 : f64
  // ALL: [[A:v[0-9]+]] = arg1 + tm::float64{0x3fb999999999999aUL};
  %0 = arith.addf %d, %tenth : f64
  // ALL: [[B:v[0-9]+]] = [[A]] < tm::float64{0x7ff0000000000000UL};
  %1 = arith.cmpf olt, %0, %inf : f64
  // ALL: [[C:v[0-9]+]] = tm::f64::choose([[B]], [[A]], arg1);
  %2 = arith.select %1, %0, %d : f64
  // ALL: = -[[C]];
  %3 = arith.negf %2 : f64
  // ALL: = tm::to_float64(arg2);
  %4 = arith.extf %x : f32 to f64
  // ALL: = tm::to_float64(uint(arg3));
  %5 = arith.uitofp %n : i32 to f64
  // ALL: = tm::to_float64(-int(arg5));
  %6 = arith.sitofp %m : i1 to f64
  // ALL: = tm::to_float(arg1);
  %7 = arith.truncf %d : f64 to f32
  // ALL: = tm::to_bfloat_rtz(arg1);
  %8 = tt.fp_to_fp %d, rounding = rtz : f64 -> bf16
  // ALL: = tm::to_f8E5M2(arg1);
  %9 = tt.fp_to_fp %d, rounding = rtne : f64 -> f8E5M2
  // ALL: = tm::to_float64(tm::from_f8E5M2<float>({{v[0-9]+}}));
  %10 = tt.fp_to_fp %9 : f8E5M2 -> f64
  // ALL: = tm::to_int<int>(arg1);
  %11 = arith.fptosi %d : f64 to i32
  // ALL: = char(tm::to_int<uchar>(arg1));
  %12 = arith.fptoui %d : f64 to i8
  // ALL: = tm::to_int<int>(arg1) < 0;
  %13 = arith.fptosi %d : f64 to i1
  // ALL: = as_type<long>(arg1.bits);
  %14 = arith.bitcast %d : f64 to i64
  %twice = arith.addi %14, %14 : i64
  // ALL: = tm::float64{as_type<ulong>({{v[0-9]+}})};
  %15 = arith.bitcast %twice : i64 to f64
  // ALL: = tm::float64(tm::fdim(arg1, {{v[0-9]+}}));
  %16 = tt.extern_elementwise %d, %0 {libname = "", libpath = "", pure = true, symbol = "__tm_fdim"} : (f64, f64) -> f64
  // ALL: = tm::int2double_rn_float64(arg3);
  %17 = tt.extern_elementwise %n {libname = "", libpath = "", pure = true, symbol = "__tm_int2double_rn"} : (i32) -> f64
  // ALL: = tm::float64{arg5 ? arg0[0] : {{v[0-9]+}}.bits};
  %18 = tt.load %p, %m, %3 : !tt.ptr<f64>
  // ALL: = tm::float64{((volatile device ulong *)(arg0))[0]};
  %19 = tt.load %p {isVolatile = true} : !tt.ptr<f64>
  // ALL: tm::put({{w[0-9]+}}, {{v[0-9]+}});
  tt.print " " {hex = false, isSigned = array<i32: 1>} : %18 : f64
  %20 = arith.addf %18, %19 : f64
  %21 = arith.addf %20, %17 : f64
  %22 = arith.addf %21, %16 : f64
  %23 = arith.addf %22, %15 : f64
  %24 = arith.addf %23, %10 : f64
  %25 = arith.addf %24, %4 : f64
  %26 = arith.addf %25, %5 : f64
  %27 = arith.addf %26, %6 : f64
  %28 = arith.extf %7 : f32 to f64
  %29 = arith.extf %8 : bf16 to f64
  %30 = arith.addf %28, %29 : f64
  %31 = arith.addf %27, %30 : f64
  %32 = arith.sitofp %11 : i32 to f64
  %33 = arith.sitofp %12 : i8 to f64
  %34 = arith.addf %32, %33 : f64
  %35 = arith.addf %31, %34 : f64
  %36 = arith.select %13, %35, %34 : f64
  // ALL: arg0[0] = {{v[0-9]+}}.bits;
  tt.store %p, %36 : !tt.ptr<f64>
  tt.return
}

//--- sum.mlir
// SUM: #include <triton_metal/float64.h>
tt.func public @k(%p: !tt.ptr<f64>, %x: f64) {
  // SUM: = arg1 + arg1;
  %y = arith.addf %x, %x : f64
  tt.store %p, %y : !tt.ptr<f64>
  tt.return
}

//--- float.mlir
// FLOAT-NOT: float64
tt.func public @k(%p: !tt.ptr<f32>, %x: f32) {
  %y = arith.addf %x, %x : f32
  tt.store %p, %y : !tt.ptr<f32>
  tt.return
}

//--- atomic.mlir
// ATOMIC: kernel.py:4:2: [tm.atomic_rmw] Atomic operations on f64 are refused on m3, which has no double.
tt.func public @wide(%p: !tt.ptr<f64>, %x: f64) {
  %true = arith.constant true
  %old = tt.atomic_rmw fadd, relaxed, gpu, %p, %x, %true : (!tt.ptr<f64>, f64, i1) -> f64 loc("kernel.py":4:2)
  tt.return
}

//--- gamma.mlir
// GAMMA: kernel.py:5:1: [tt.extern_elementwise] The function 'tgamma' is not computed for f64 on a device without double
tt.func public @gamma(%p: !tt.ptr<f64>, %x: f64) {
  %y = tt.extern_elementwise %x {libname = "", libpath = "", pure = true, symbol = "__tm_tgamma"} : (f64) -> f64 loc("kernel.py":5:1)
  tt.store %p, %y : !tt.ptr<f64>
  tt.return
}
