// SPDX-License-Identifier: MIT
// Passes on the `tm` dialect.
#ifndef TRITON_METAL_TRITON_METAL_PASSES
#define TRITON_METAL_TRITON_METAL_PASSES

include "mlir/Pass/PassBase.td"

def SpecializeFullTiles : Pass<"tm-specialize-full-tiles", "::mlir::ModuleOp"> {
  let summary = "give regions a version without masks for full blocks";
  let description = [{
    An affine function of the coordinates takes its extreme values at corners of the region's box. Code in
    front of the region computes these for offsets and comparisons, in 64 bits. If every 32-bit offset stays
    inside of its type and every comparison of a mask holds at its worst corner, a second version of the
    region runs, which has no masks and whose addresses are a uniform pointer plus affine terms. Masks that
    are not affine stay. Regions with atomics, messages or accesses in nested control flow are not changed.
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect", "::tmetal::tm::TMDialect",
                           "::tmetal::tt::TritonDialect"];
}

def AllocateThreadgroupMemory : Pass<"tm-allocate-threadgroup-memory", "::mlir::ModuleOp"> {
  let summary = "allocate threadgroup memory for arrays";
  let description = [{
    An array lives from its declaration to the end of its last use in the block that declares it; a use inside
    of a loop lasts as long as the loop. Arrays with disjoint lifetimes share bytes. Using more than `limit`
    bytes is an error that begins with `OutOfResources`.
  }];
  let options = [Option<"limit", "limit", "int64_t", "32768", "bytes of threadgroup memory">];
}

def PlaceBarriers : Pass<"tm-place-barriers", "::mlir::ModuleOp"> {
  let summary = "place barriers between accesses of different threads to the same memory";
  let description = [{
    Two accesses to the same bytes in different statements of uniform code, at least one of which writes, need
    a barrier between them that orders their memory, on every path and around loops too. Atomic accesses do
    not conflict with each other. Threadgroup arrays are distinguished by their bytes, device memory by the
    parameter that an address was computed from and by the kernel's `aliasGroups`: parameters of one group (0
    or more) may overlap. Barriers that exist already count.
  }];
  let dependentDialects = ["::tmetal::tm::TMDialect"];
}

#endif
