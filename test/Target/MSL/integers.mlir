// SPDX-License-Identifier: MIT
// Integer operations wrap, never trap, and are signed only where they say so.
// RUN: triton-metal-translate --emit-msl %s -o %t.metal && FileCheck %s < %t.metal
// RUN: %compile-msl %t.metal

// CHECK-LABEL: kernel void integers(
tm.kernel @integers attributes {simdgroups = 1 : i64, parameterNames = ["a", "b", "c", "d", "p", "e", "f"]} {
^bb0(%a: i32, %b: i32, %c: i64, %d: i64, %p: i1, %e: i8, %f: i16):
  // CHECK: const int v0 = tm::add(a, b);
  %0 = arith.addi %a, %b : i32
  // CHECK: const int v1 = a - b;
  %1 = arith.subi %a, %b overflow<nsw> : i32
  // CHECK: const long v2 = tm::mul(c, d);
  %2 = arith.muli %c, %d : i64
  // CHECK: const char v3 = tm::add(e, char(-1));
  %m1 = arith.constant -1 : i8
  %3 = arith.addi %e, %m1 overflow<nsw> : i8
  // CHECK: const bool v4 = p != p;
  %4 = arith.addi %p, %p : i1
  // CHECK: const int v5 = tm::div(a, b);
  %5 = arith.divsi %a, %b : i32
  // CHECK: const int v6 = tm::rem(a, b);
  %6 = arith.remsi %a, %b : i32
  // CHECK: const int v7 = tm::udiv(a, b);
  %7 = arith.divui %a, %b : i32
  // CHECK: const short v8 = tm::urem(f, f);
  %8 = arith.remui %f, %f : i16
  // CHECK: const long v9 = tm::floor_div(c, d);
  %9 = arith.floordivsi %c, %d : i64
  // CHECK: const long v10 = tm::ceil_div(c, d);
  %10 = arith.ceildivsi %c, %d : i64
  // CHECK: const int v11 = tm::uceil_div(a, b);
  %11 = arith.ceildivui %a, %b : i32
  // CHECK: const int v12 = tm::shl(a, 5);
  %five = arith.constant 5 : i32
  %12 = arith.shli %a, %five : i32
  // CHECK: const int v13 = tm::shr(a, b);
  %13 = arith.shrsi %a, %b : i32
  // CHECK: const long v14 = tm::ushr(c, d);
  %14 = arith.shrui %c, %d : i64
  // CHECK: const int v15 = a & b;
  %15 = arith.andi %a, %b : i32
  // CHECK: const char v16 = char(e | e);
  %16 = arith.ori %e, %e : i8
  // CHECK: const bool v17 = p && v4;
  %17 = arith.andi %p, %4 : i1
  // CHECK: const bool v18 = p != v4;
  %18 = arith.xori %p, %4 : i1
  // CHECK: const int v19 = tm::imax(a, b);
  %19 = arith.maxsi %a, %b : i32
  // CHECK: const int v20 = tm::umin(a, b);
  %20 = arith.minui %a, %b : i32
  // CHECK: const bool v21 = a < b;
  %21 = arith.cmpi slt, %a, %b : i32
  // CHECK: const bool v22 = uint(a) >= uint(b);
  %22 = arith.cmpi uge, %a, %b : i32
  // CHECK: const bool v23 = -int(p) < -int(v4);
  %23 = arith.cmpi slt, %p, %4 : i1
  // CHECK: const int v24 = tm::mulhi_unsigned(a, b);
  %24 = tt.mulhiui %a, %b : i32
  // CHECK: const long v25 = tm::mul(c, d);
  // CHECK: const long v26 = tm::mulhi_signed(c, d);
  %25:2 = arith.mulsi_extended %c, %d : i64
  // CHECK: const int v27 = tm::iabs(a);
  %27 = math.absi %a : i32
  // CHECK: const short v28 = tm::ctpop(f);
  %28 = math.ctpop %f : i16
  // CHECK: const int v29 = tm::ctlz(a);
  %29 = math.ctlz %a : i32
  // CHECK: const char v30 = tm::cttz(e);
  %30 = math.cttz %e : i8
  // CHECK: const int v31 = p ? a : b;
  %31 = arith.select %p, %a, %b : i32
  // CHECK: const int v32 = int(-int(p));
  %32 = arith.extsi %p : i1 to i32
  // CHECK: const long v33 = long(uint(a));
  %33 = arith.extui %a : i32 to i64
  // CHECK: const char v34 = char(a);
  %34 = arith.trunci %a : i32 to i8
  // CHECK: const bool v35 = (a & 1) != 0;
  %35 = arith.trunci %a : i32 to i1
  // CHECK: const long v36 = tm::add(c, long(0x8000000000000000UL));
  %smallest = arith.constant -9223372036854775808 : i64
  %36 = arith.addi %c, %smallest : i64
  // CHECK: const int v37 = tm::add(a, int(0x80000000u));
  %smallest32 = arith.constant -2147483648 : i32
  %37 = arith.addi %a, %smallest32 : i32
}
