// SPDX-License-Identifier: MIT
// RUN: triton-metal-opt %s -tt-lift-control-flow -canonicalize -split-input-file | FileCheck %s

// CHECK-LABEL: tt.func public @early_return
tt.func public @early_return(%p: !tt.ptr<i32>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %done = arith.cmpi sgt, %n, %c0 : i32
  // CHECK-NOT: {{ cf[.]}}
  // CHECK: scf.if %{{.*}} {
  // CHECK-NEXT: } else {
  // CHECK-NEXT: tt.store %arg0, %arg1
  // CHECK-NEXT: }
  // CHECK-NEXT: tt.return
  cf.cond_br %done, ^out, ^work
^out:
  tt.return
^work:
  tt.store %p, %n : !tt.ptr<i32>
  tt.return
}

// -----

// CHECK-LABEL: tt.func private @value
tt.func private @value(%a: f32, %b: f32) -> f32 {
  %less = arith.cmpf olt, %a, %b : f32
  // CHECK: %[[R:.*]] = scf.if %{{.*}} -> (f32) {
  // CHECK: math.exp
  // CHECK: } else {
  // CHECK: math.log
  // CHECK: }
  // CHECK: tt.return %[[R]] : f32
  cf.cond_br %less, ^then, ^else
^then:
  %e = math.exp %a : f32
  tt.return %e : f32
^else:
  %l = math.log %b : f32
  tt.return %l : f32
}

// -----

// CHECK-LABEL: tt.func public @loop
tt.func public @loop(%p: !tt.ptr<i32>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  // CHECK: scf.while
  // CHECK-NOT: {{ cf[.]}}
  // CHECK: tt.return
  cf.br ^head(%c0 : i32)
^head(%i: i32):
  %more = arith.cmpi slt, %i, %n : i32
  cf.cond_br %more, ^body, ^exit
^body:
  tt.store %p, %i : !tt.ptr<i32>
  %next = arith.addi %i, %c1 : i32
  cf.br ^head(%next : i32)
^exit:
  tt.return
}

// -----

// In a loop with three exits, the choice among them becomes a chain of two-way branches.
// CHECK-LABEL: tt.func public @exits
tt.func public @exits(%p: !tt.ptr<i32>, %n: i32, %a: i1, %b: i1) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  // CHECK: scf.while
  // CHECK-NOT: index
  // CHECK-NOT: {{ cf[.]}}
  // CHECK: tt.return
  cf.br ^head(%c0 : i32)
^head(%i: i32):
  %more = arith.cmpi slt, %i, %n : i32
  cf.cond_br %more, ^first, ^exit0
^first:
  cf.cond_br %a, ^exit1, ^second
^second:
  %next = arith.addi %i, %c1 : i32
  cf.cond_br %b, ^exit2, ^head(%next : i32)
^exit0:
  tt.store %p, %c0 : !tt.ptr<i32>
  tt.return
^exit1:
  tt.store %p, %c1 : !tt.ptr<i32>
  tt.return
^exit2:
  tt.store %p, %i : !tt.ptr<i32>
  tt.return
}

// -----

// CHECK-LABEL: tt.func public @element_function
tt.func public @element_function(%x: tensor<4xi32>, %p: tensor<4x!tt.ptr<i32>>) {
  %c0 = arith.constant 0 : i32
  // CHECK: "tt.map_elementwise"
  // CHECK: scf.if
  // CHECK-NOT: {{ cf[.]}}
  // CHECK: tt.map_elementwise.return
  %0 = "tt.map_elementwise"(%x) <{pack = 1 : i32}> ({
  ^bb0(%a: i32):
    %negative = arith.cmpi slt, %a, %c0 : i32
    cf.cond_br %negative, ^then, ^else
  ^then:
    %d = arith.divsi %c0, %a : i32
    tt.map_elementwise.return %d : i32
  ^else:
    tt.map_elementwise.return %a : i32
  }) : (tensor<4xi32>) -> tensor<4xi32>
  tt.store %p, %0 : tensor<4x!tt.ptr<i32>>
  tt.return
}

// -----

// The front end leaves a block behind each return, which is removed.
// CHECK-LABEL: tt.func private @left_over
tt.func private @left_over(%x: f32) -> f32 {
  // CHECK-NEXT: tt.return %arg0 : f32
  // CHECK-NEXT: }
  tt.return %x : f32
^bb1:
  %0 = ub.poison : f32
  tt.return %0 : f32
}
