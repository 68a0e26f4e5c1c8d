// SPDX-License-Identifier: MIT
#include "triton-metal/Dialect/TritonMetal/IR/TritonMetal.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tmetal::tm;

#include "triton-metal/Dialect/TritonMetal/IR/TritonMetalDialect.cpp.inc"
#include "triton-metal/Dialect/TritonMetal/IR/TritonMetalEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "triton-metal/Dialect/TritonMetal/IR/TritonMetalAttrs.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "triton-metal/Dialect/TritonMetal/IR/TritonMetalTypes.cpp.inc"
#define GET_OP_CLASSES
#include "triton-metal/Dialect/TritonMetal/IR/TritonMetalOps.cpp.inc"

void TMDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "triton-metal/Dialect/TritonMetal/IR/TritonMetalAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "triton-metal/Dialect/TritonMetal/IR/TritonMetalTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "triton-metal/Dialect/TritonMetal/IR/TritonMetalOps.cpp.inc"
      >();
}

// ---- layouts ----

int64_t LinearLayoutAttr::getNumElements() const {
  int64_t count = 1;
  for (int64_t extent : getShape())
    count *= extent;
  return count;
}

bool LinearLayoutAttr::isLaneUniform() const {
  return llvm::all_of(getLanes(), [](int64_t basis) { return basis == 0; });
}

bool LinearLayoutAttr::isUniform() const {
  return isLaneUniform() && llvm::all_of(getSimdgroups(), [](int64_t basis) { return basis == 0; });
}

// ---- accesses to threadgroup memory ----

using ArrayAccesses = SmallVector<tmetal::ArrayAccess, 2>;
using tmetal::AccessKind;

ArrayAccesses SharedLoadOp::getArrayAccesses() { return {{getArray(), AccessKind::Read}}; }
ArrayAccesses SharedStoreOp::getArrayAccesses() { return {{getArray(), AccessKind::Write}}; }
ArrayAccesses SharedAtomicAddOp::getArrayAccesses() { return {{getArray(), AccessKind::Atomic}}; }
ArrayAccesses FragmentsStoreOp::getArrayAccesses() { return {{getArray(), AccessKind::Write}}; }
ArrayAccesses MultiplyAccumulateOp::getArrayAccesses() {
  return {{getA(), AccessKind::Read}, {getB(), AccessKind::Read}};
}
