// SPDX-License-Identifier: MIT
// All operations of the `tt` dialect, by family.
#ifndef TRITON_METAL_TRITON_OPS
#define TRITON_METAL_TRITON_OPS

include "triton-metal/Dialect/Triton/IR/TritonElementwiseOps.td"
include "triton-metal/Dialect/Triton/IR/TritonShapeOps.td"
include "triton-metal/Dialect/Triton/IR/TritonMemoryOps.td"
include "triton-metal/Dialect/Triton/IR/TritonControlOps.td"

#endif
