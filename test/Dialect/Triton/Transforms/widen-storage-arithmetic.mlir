// SPDX-License-Identifier: MIT
// Arithmetic on 8-bit floats is done in float32; what moves bytes is left alone.
// RUN: triton-metal-opt %s -tt-widen-storage-arithmetic | FileCheck %s
// Overflow of constants saturates, because the pass runs before anything folds.
// RUN: triton-metal-opt %s -tt-widen-storage-arithmetic -canonicalize | FileCheck %s --check-prefix=FOLDED

// Formats without infinities take one conversion back.
// CHECK-LABEL: tt.func @sum
// CHECK: %[[X:.*]] = tt.fp_to_fp %arg0 : tensor<4xf8E4M3FN> -> tensor<4xf32>
// CHECK: %[[Y:.*]] = tt.fp_to_fp %arg1 : tensor<4xf8E4M3FN> -> tensor<4xf32>
// CHECK: %[[S:.*]] = arith.addf %[[X]], %[[Y]] : tensor<4xf32>
// CHECK: %[[R:.*]] = tt.fp_to_fp %[[S]], rounding = rtne : tensor<4xf32> -> tensor<4xf8E4M3FN>
// CHECK: tt.return %[[R]]
tt.func @sum(%x: tensor<4xf8E4M3FN>, %y: tensor<4xf8E4M3FN>) -> tensor<4xf8E4M3FN> {
  %0 = arith.addf %x, %y : tensor<4xf8E4M3FN>
  tt.return %0 : tensor<4xf8E4M3FN>
}

// Conversions saturate, and infinities must stay.
// CHECK-LABEL: tt.func @infinities
// CHECK: %[[N:.*]] = arith.negf {{.*}} : f32
// CHECK: %[[R:.*]] = tt.fp_to_fp %[[N]], rounding = rtne : f32 -> f8E5M2
// CHECK: %[[POSITIVE:.*]] = arith.constant 0x7F800000 : f32
// CHECK: arith.cmpf oeq, %[[N]], %[[POSITIVE]] : f32
// CHECK: arith.select {{.*}} : f8E5M2
// CHECK: arith.cmpf oeq, %[[N]], {{.*}} : f32
// CHECK: %[[LAST:.*]] = arith.select {{.*}} : f8E5M2
// CHECK: tt.return %[[LAST]]
tt.func @infinities(%x: f8E5M2) -> f8E5M2 {
  %0 = arith.negf %x : f8E5M2
  tt.return %0 : f8E5M2
}

// CHECK-LABEL: tt.func @operands_only
// CHECK: arith.cmpf olt, {{.*}} : f32
// CHECK: arith.fptosi {{.*}} : f32 to i32
// CHECK-NOT: rtne
// CHECK: tt.return
tt.func @operands_only(%x: f8E4M3FNUZ) -> (i1, i32) {
  %0 = arith.cmpf olt, %x, %x : f8E4M3FNUZ
  %1 = arith.fptosi %x : f8E4M3FNUZ to i32
  tt.return %0, %1 : i1, i32
}

// CHECK-LABEL: tt.func @result_only
// CHECK: %[[N:.*]] = arith.sitofp %arg0 : i32 to f32
// CHECK: tt.fp_to_fp %[[N]], rounding = rtne : f32 -> f8E5M2FNUZ
tt.func @result_only(%n: i32) -> f8E5M2FNUZ {
  %0 = arith.sitofp %n : i32 to f8E5M2FNUZ
  tt.return %0 : f8E5M2FNUZ
}

// CHECK-LABEL: tt.func @moved
// CHECK-NEXT: arith.select
// CHECK-NEXT: tt.bitcast
// CHECK-NEXT: tt.return
tt.func @moved(%c: i1, %x: f8E5M2) -> i8 {
  %0 = arith.select %c, %x, %x : f8E5M2
  %1 = tt.bitcast %0 : f8E5M2 -> i8
  tt.return %1 : i8
}

// What the registry refuses stays for the engines to refuse.
// CHECK-LABEL: tt.func @refused
// CHECK-NEXT: math.exp %arg0 : f8E5M2
tt.func @refused(%x: f8E5M2) -> f8E5M2 {
  %0 = math.exp %x : f8E5M2
  tt.return %0 : f8E5M2
}

// A reduction carries f32, and its result is rounded once.
// CHECK-LABEL: tt.func @reduction
// CHECK: %[[X:.*]] = tt.fp_to_fp %arg0 : tensor<8xf8E4M3FN> -> tensor<8xf32>
// CHECK: %[[S:.*]] = "tt.reduce"(%[[X]]) <{axis = 0 : i32}> ({
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[B:.*]]: f32):
// CHECK-NEXT: %[[C:.*]] = arith.addf %[[A]], %[[B]] : f32
// CHECK-NEXT: tt.reduce.return %[[C]] : f32
// CHECK: tt.fp_to_fp %[[S]], rounding = rtne : f32 -> f8E4M3FN
tt.func @reduction(%x: tensor<8xf8E4M3FN>) -> f8E4M3FN {
  %0 = "tt.reduce"(%x) <{axis = 0 : i32}> ({
  ^bb0(%a: f8E4M3FN, %b: f8E4M3FN):
    %1 = arith.addf %a, %b : f8E4M3FN
    tt.reduce.return %1 : f8E4M3FN
  }) : (tensor<8xf8E4M3FN>) -> f8E4M3FN
  tt.return %0 : f8E4M3FN
}

// Selections in the combiner do not round either; other values of the combiner stay as they are.
// CHECK-LABEL: tt.func @scan
// CHECK: "tt.scan"({{.*}}, %arg1)
// CHECK-NEXT: ^bb0(%[[A:.*]]: f32, %[[M:.*]]: i32, %[[B:.*]]: f32, %[[N:.*]]: i32):
// CHECK-NOT: fp_to_fp
// CHECK: %[[S:.*]] = arith.addf %[[A]], %[[B]] : f32
// CHECK: %[[R:.*]] = arith.select {{.*}}, %[[B]], %[[S]] : f32
// CHECK: tt.scan.return %[[R]], {{.*}} : f32, i32
tt.func @scan(%x: tensor<8xf8E4M3FN>, %m: tensor<8xi32>) -> tensor<8xf8E4M3FN> {
  %0:2 = "tt.scan"(%x, %m) <{axis = 0 : i32, reverse = false}> ({
  ^bb0(%a: f8E4M3FN, %ma: i32, %b: f8E4M3FN, %mb: i32):
    %zero = arith.constant 0 : i32
    %s = arith.addf %a, %b : f8E4M3FN
    %c = arith.cmpi ne, %mb, %zero : i32
    %r = arith.select %c, %b, %s : f8E4M3FN
    %o = arith.ori %ma, %mb : i32
    tt.scan.return %r, %o : f8E4M3FN, i32
  }) : (tensor<8xf8E4M3FN>, tensor<8xi32>) -> (tensor<8xf8E4M3FN>, tensor<8xi32>)
  tt.return %0#0 : tensor<8xf8E4M3FN>
}

// A combiner that only moves keeps the bytes.
// CHECK-LABEL: tt.func @first
// CHECK-NOT: fp_to_fp
// CHECK: tt.return
tt.func @first(%x: tensor<8xf8E5M2>) -> f8E5M2 {
  %0 = "tt.reduce"(%x) <{axis = 0 : i32}> ({
  ^bb0(%a: f8E5M2, %b: f8E5M2):
    tt.reduce.return %a : f8E5M2
  }) : (tensor<8xf8E5M2>) -> f8E5M2
  tt.return %0 : f8E5M2
}

// Each operation of a mapped function rounds.
// CHECK-LABEL: tt.func @mapped
// CHECK: arith.mulf {{.*}} : f32
// CHECK: %[[P:.*]] = tt.fp_to_fp {{.*}}, rounding = rtne : f32 -> f8E4M3FN
// CHECK: tt.fp_to_fp %[[P]] : f8E4M3FN -> f32
// CHECK: arith.addf {{.*}} : f32
tt.func @mapped(%x: tensor<8xf8E4M3FN>) -> tensor<8xf8E4M3FN> {
  %0 = "tt.map_elementwise"(%x) <{pack = 1 : i32}> ({
  ^bb0(%a: f8E4M3FN):
    %1 = arith.mulf %a, %a : f8E4M3FN
    %2 = arith.addf %1, %a : f8E4M3FN
    tt.map_elementwise.return %2 : f8E4M3FN
  }) : (tensor<8xf8E4M3FN>) -> tensor<8xf8E4M3FN>
  tt.return %0 : tensor<8xf8E4M3FN>
}

// The number is printed in decimal, the byte in hexadecimal.
// CHECK-LABEL: tt.func @printed
// CHECK: tt.print " x: " {hex = false, isSigned = array<i32: 0>} : %{{.*}} : f32
// CHECK: tt.print " x: " {hex = true, isSigned = array<i32: 0>} : %arg0 : f8E4M3FN
tt.func @printed(%x: f8E4M3FN) {
  tt.print " x: " {hex = false, isSigned = array<i32: 0>} : %x : f8E4M3FN
  tt.print " x: " {hex = true, isSigned = array<i32: 0>} : %x : f8E4M3FN
  tt.return
}

// 448 + 448 is beyond the range of f8E4M3FN: MLIR's folder would give NaN.
// FOLDED-LABEL: tt.func @constants
// FOLDED: %[[S:.*]] = arith.addf {{.*}} : f32
// FOLDED: tt.fp_to_fp %[[S]], rounding = rtne
tt.func @constants() -> f8E4M3FN {
  %x = arith.constant 448.0 : f8E4M3FN
  %0 = arith.addf %x, %x : f8E4M3FN
  tt.return %0 : f8E4M3FN
}
