// SPDX-License-Identifier: MIT
// Passes of both engines refuse a module that is no structured kernel before they look at it.
// RUN: split-file %s %t
// RUN: triton-metal-opt %t/declared.mlir -tt-distribute -verify-diagnostics
// RUN: triton-metal-opt %t/declared.mlir -tt-print-layout-plan -verify-diagnostics
// RUN: triton-metal-opt %t/declared.mlir --raise-to-mlx="grid=1 args=ptr:64" -verify-diagnostics
// RUN: triton-metal-opt %t/empty.mlir -tt-distribute -verify-diagnostics
// RUN: triton-metal-opt %t/empty.mlir -tt-print-layout-plan -verify-diagnostics
// RUN: triton-metal-opt %t/empty.mlir --raise-to-mlx="grid=1" -verify-diagnostics
// RUN: not triton-metal-opt %t/pointer.mlir --raise-to-mlx="grid=1" 2>&1 | FileCheck %s --check-prefix=COUNT
// RUN: not triton-metal-opt %t/pointer.mlir --raise-to-mlx="grid=1 args=int:3" 2>&1 | FileCheck %s --check-prefix=TYPE
// RUN: not triton-metal-opt %t/pointer.mlir --raise-to-mlx="grid=1 args=ptr:-8" 2>&1 | FileCheck %s --check-prefix=SIZE
// RUN: triton-metal-opt %t/endless.mlir --raise-to-mlx="grid=1 args=ptr:64,int:9223372036854775807" | FileCheck %s --check-prefix=ENDLESS

// COUNT: [pointer] The kernel has 1 parameters, the launch 0 arguments.
// TYPE: [pointer] Argument 0 is not of the type of its parameter.
// The number of trips times the operations of the body exceeds 64 bits, and unrolled, the loop would not end.
// ENDLESS: mlx.while
// SIZE: [pointer] Storage 0 is the memory of no argument.

//--- declared.mlir

// expected-error @+1 {{'declared' is no public function with a body}}
tt.func private @declared(!tt.ptr<f32>)

//--- empty.mlir

// expected-error @+1 {{There is no kernel in this module.}}
module {
}

//--- pointer.mlir

tt.func public @pointer(%p: !tt.ptr<f32>) {
  tt.return
}

//--- endless.mlir

tt.func public @endless(%p: !tt.ptr<i64>, %upper: i64) {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  scf.for %i = %c0 to %upper step %c1 : i64 {
    tt.store %p, %i : !tt.ptr<i64>
  }
  tt.return
}
