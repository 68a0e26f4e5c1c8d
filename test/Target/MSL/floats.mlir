// SPDX-License-Identifier: MIT
// Floating point: rounding after each operation, NaN, conversions, constants, functions.
// RUN: triton-metal-translate --emit-msl %s -o %t.metal && FileCheck %s < %t.metal
// RUN: %compile-msl %t.metal

// CHECK-LABEL: kernel void floats(
tm.kernel @floats attributes {simdgroups = 1 : i64, parameterNames = ["x", "y", "h", "g", "d", "n", "l", "q"]} {
^bb0(%x: f32, %y: f32, %h: f16, %g: bf16, %d: f64, %n: i32, %l: i64, %q: i8):
  // CHECK: const float v0 = x + y;
  %0 = arith.addf %x, %y : f32
  // CHECK: const half v1 = half(h * h);
  %1 = arith.mulf %h, %h : f16
  // CHECK: const bfloat v2 = bfloat(-g);
  %2 = arith.negf %g : bf16
  // CHECK: const float v3 = x / y;
  %3 = tt.precise_divf %x, %y : f32
  // CHECK: const float v4 = tm::fmod(x, y);
  %4 = arith.remf %x, %y : f32
  // CHECK: const float v5 = tm::maximum(x, y);
  %5 = arith.maximumf %x, %y : f32
  // CHECK: const float v6 = tm::minnum(x, y);
  %6 = arith.minnumf %x, %y : f32
  // CHECK: const float v7 = tm::clamp_number(x, y, v0);
  %7 = tt.clampf %x, %y, %0, propagateNan = none : f32
  // CHECK: const float v8 = tm::clamp_nan(x, y, v0);
  %8 = tt.clampf %x, %y, %0, propagateNan = all : f32
  // CHECK: const bool v9 = x == y;
  %9 = arith.cmpf oeq, %x, %y : f32
  // CHECK: const bool v10 = !(x >= y);
  %10 = arith.cmpf ult, %x, %y : f32
  // CHECK: const bool v11 = x != y;
  %11 = arith.cmpf une, %x, %y : f32
  // CHECK: const bool v12 = x < y || x > y;
  %12 = arith.cmpf one, %x, %y : f32
  // CHECK: const bool v13 = !(x < y || x > y);
  %13 = arith.cmpf ueq, %x, %y : f32
  // CHECK: const bool v14 = x != x || y != y;
  %14 = arith.cmpf uno, %x, %y : f32
  // CHECK: const int v15 = tm::to_int<int>(x);
  %15 = arith.fptosi %x : f32 to i32
  // CHECK: const char v16 = char(tm::to_int<uchar>(h));
  %16 = arith.fptoui %h : f16 to i8
  // CHECK: const float v17 = float(n);
  %17 = arith.sitofp %n : i32 to f32
  // CHECK: const half v18 = half(ulong(l));
  %18 = arith.uitofp %l : i64 to f16
  // CHECK: const double v19 = double(x);
  %19 = arith.extf %x : f32 to f64
  // CHECK: const bfloat v20 = bfloat({{.*}}x{{.*}});
  %20 = arith.truncf %x : f32 to bf16
  // CHECK: const half v21 = tm::to_half_rtz(x);
  %21 = tt.fp_to_fp %x, rounding = rtz : f32 -> f16
  // CHECK: const uchar v22 = tm::to_f8E4M3FN(x);
  %22 = tt.fp_to_fp %x, rounding = rtne : f32 -> f8E4M3FN
  // CHECK: const half v23 = tm::from_f8E4M3FN<half>(v22);
  %23 = tt.fp_to_fp %22 : f8E4M3FN -> f16
  // CHECK: const uchar v24 = tm::to_f8E5M2(tm::from_f8E4M3FN<float>(v22));
  %24 = tt.fp_to_fp %22, rounding = rtne : f8E4M3FN -> f8E5M2
  // CHECK: const int v25 = as_type<int>(x);
  %25 = tt.bitcast %x : f32 -> i32
  // CHECK: const half v26 = as_type<half>(short(1));
  %short = arith.constant 1 : i16
  %26 = arith.bitcast %short : i16 to f16
  // CHECK: const float v27 = x + as_type<float>(0x7fc00001u);
  %nan = arith.constant 0x7FC00001 : f32
  %27 = arith.addf %x, %nan : f32
  // CHECK: const float v28 = x + as_type<float>(0xff800000u);
  %inf = arith.constant 0xFF800000 : f32
  %28 = arith.addf %x, %inf : f32
  // CHECK: const float v29 = x + 0.100000001f;
  %tenth = arith.constant 0.1 : f32
  %29 = arith.addf %x, %tenth : f32
  // CHECK: const half v30 = half(h + half(0.0999755859f));
  %htenth = arith.constant 0.1 : f16
  %30 = arith.addf %h, %htenth : f16
  // CHECK: const double v31 = d + 0.10000000000000001;
  %dtenth = arith.constant 0.1 : f64
  %31 = arith.addf %d, %dtenth : f64
  // CHECK: const float v32 = x + (-0.0f);
  %minus = arith.constant -0.0 : f32
  %32 = arith.addf %x, %minus : f32
  // CHECK: const float v33 = tm::exp(x);
  %33 = math.exp %x : f32
  // CHECK: const half v34 = half(tm::exp2(float(h)));
  %34 = math.exp2 %h : f16
  // CHECK: const bfloat v35 = tm::fma(g, g, g);
  %35 = math.fma %g, %g, %g : bf16
  // CHECK: tm::log(
  %36 = math.log %x : f32
  // CHECK: tm::log2(
  %37 = math.log2 %x : f32
  // CHECK: tm::sin(
  %38 = math.sin %x : f32
  // CHECK: tm::cos(
  %39 = math.cos %x : f32
  // CHECK: tm::tan(
  %40 = math.tan %x : f32
  // CHECK: tm::tanh(
  %41 = math.tanh %x : f32
  // CHECK: tm::erf(
  %42 = math.erf %x : f32
  // CHECK: tm::sqrt(
  %43 = math.sqrt %x : f32
  // CHECK: tm::sqrt(
  %44 = tt.precise_sqrt %x : f32
  // CHECK: tm::rsqrt(
  %45 = math.rsqrt %x : f32
  // CHECK: tm::floor(
  %46 = math.floor %x : f32
  // CHECK: tm::ceil(
  %47 = math.ceil %x : f32
  // CHECK: tm::trunc(
  %48 = math.trunc %x : f32
  // CHECK: tm::round(
  %49 = math.round %x : f32
  // CHECK: tm::rint(
  %50 = math.roundeven %x : f32
  // CHECK: tm::abs(
  %51 = math.absf %h : f16
  // CHECK: tm::copysign(
  %52 = math.copysign %x, %y : f32
  // CHECK: tm::pow(
  %53 = math.powf %x, %y : f32
  // CHECK: tm::atan2(
  %54 = math.atan2 %x, %y : f32
  // CHECK: tm::exp(d)
  %55 = math.exp %d : f64
  // CHECK: tm::expm1(
  %56 = math.expm1 %x : f32
  // CHECK: tm::log1p(
  %57 = math.log1p %x : f32
  // CHECK: const float v58 = float(tm::add_rz(x, y));
  %58 = tt.extern_elementwise %x, %y {libname = "", libpath = "", pure = true, symbol = "__tm_add_rz"} : (f32, f32) -> f32
}
