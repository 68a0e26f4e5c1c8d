// SPDX-License-Identifier: MIT
// RUN: triton-metal-opt %s -split-input-file -verify-diagnostics | triton-metal-opt -split-input-file | FileCheck %s

// CHECK: tt.target = #tt.target<arch = "host", device = cpu, requested = auto, engine = msl, reason = "one fused kernel", simdgroups = 4, fp_fusion = true, checks = none>
module attributes {tt.target = #tt.target<arch = "host", device = cpu, requested = auto, engine = msl,
    reason = "one fused kernel", simdgroups = 4, fp_fusion = true, checks = none>} {}

// -----

// CHECK: #tt.target<arch = "m3-max", device = cpu, requested = msl, engine = msl, reason = "with \22quotes\22", simdgroups = 16, fp_fusion = false, checks = address|thread|undefined>
module attributes {tt.target = #tt.target<reason = "with \"quotes\"", arch = "m3-max", device = cpu, engine = msl,
    requested = msl, checks = undefined|address|thread, simdgroups = 16, fp_fusion = false>} {}

// -----

// CHECK: #tt.target<arch = "m1", device = gpu, requested = auto, engine = mlx, reason = "", simdgroups = 1, fp_fusion = true, checks = none>
module attributes {tt.target = #tt.target<arch = "m1", device = gpu, requested = auto, engine = mlx, reason = "",
    simdgroups = 1, fp_fusion = true, checks = none>} {}

// -----

// expected-error@+1 {{'z80' is not a hardware profile}}
module attributes {tt.target = #tt.target<arch = "z80", device = cpu, requested = auto, engine = msl, reason = "", simdgroups = 4, fp_fusion = true, checks = none>} {}

// -----

// expected-error@+1 {{an engine has to be chosen: msl or mlx}}
module attributes {tt.target = #tt.target<arch = "host", device = cpu, requested = auto, engine = auto, reason = "", simdgroups = 4, fp_fusion = true, checks = none>} {}

// -----

// expected-error@+1 {{engine mlx was chosen where msl was asked for}}
module attributes {tt.target = #tt.target<arch = "host", device = cpu, requested = msl, engine = mlx, reason = "", simdgroups = 4, fp_fusion = true, checks = none>} {}

// -----

// expected-error@+1 {{the number of SIMD groups is a power of two, not 6}}
module attributes {tt.target = #tt.target<arch = "host", device = cpu, requested = msl, engine = msl, reason = "", simdgroups = 6, fp_fusion = true, checks = none>} {}

// -----

// expected-error@+1 {{only the msl engine has check modes}}
module attributes {tt.target = #tt.target<arch = "host", device = cpu, requested = auto, engine = mlx, reason = "", simdgroups = 4, fp_fusion = true, checks = thread>} {}
