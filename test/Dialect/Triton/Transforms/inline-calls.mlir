// SPDX-License-Identifier: MIT
// RUN: triton-metal-opt %s -tt-inline-calls -mlir-print-debuginfo -split-input-file -verify-diagnostics | FileCheck %s

// CHECK-LABEL: tt.func public @kernel
// CHECK-NOT: tt.call
// CHECK: scf.for
// CHECK: %[[M:.*]] = arith.mulf %{{.*}}, %{{.*}} : f32 loc(#[[INNER:.*]])
// CHECK: llvm.intr.assume
// CHECK: ttg.barrier all
// CHECK: tt.store %arg0, %[[M]]
// CHECK-NOT: tt.func
tt.func public @kernel(%p: !tt.ptr<f32>, %n: i32) {
  %c0 = arith.constant 0 : i32
  %c1 = arith.constant 1 : i32
  %x = tt.load %p : !tt.ptr<f32>
  scf.for %i = %c0 to %n step %c1 : i32 {
    %y = tt.call @outer(%x) : (f32) -> f32 loc("k.py":3:4)
    tt.store %p, %y : !tt.ptr<f32>
  }
  tt.return
}
tt.func private @outer(%x: f32) -> f32 attributes {noinline = true} {
  %y = tt.call @square(%x) : (f32) -> f32 loc("k.py":7:8)
  tt.return %y : f32
}
tt.func private @square(%x: f32) -> f32 {
  %true = arith.constant true
  %y = arith.mulf %x, %x : f32 loc("lib.py":11:2)
  llvm.intr.assume %true : i1
  ttg.barrier all
  tt.return %y : f32
}
// CHECK: #[[INNER]] = loc(callsite(#{{.*}} at #{{.*}}))

// -----

tt.func public @recursive(%n: i32) {
  tt.call @down(%n) : (i32) -> ()
  tt.return
}
tt.func private @down(%n: i32) {
  tt.call @further(%n) : (i32) -> ()
  tt.return
}
tt.func private @further(%n: i32) {
  // expected-error @+1 {{[tt.call] The function 'down' calls itself, and recursion is not supported.}}
  tt.call @down(%n) : (i32) -> ()
  tt.return
}

// -----

tt.func private @elsewhere(i32)
tt.func public @no_body(%n: i32) {
  // expected-error @+1 {{[tt.call] The function 'elsewhere' has no body.}}
  tt.call @elsewhere(%n) : (i32) -> ()
  tt.return
}
