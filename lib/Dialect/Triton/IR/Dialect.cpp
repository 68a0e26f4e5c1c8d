// SPDX-License-Identifier: MIT
#include "triton-metal/Dialect/Triton/IR/Dialect.h"

#include "triton-metal/Target/Profiles.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Transforms/InliningUtils.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace tmetal::tt {
namespace {

struct TritonInlinerInterface : DialectInlinerInterface {
  using DialectInlinerInterface::DialectInlinerInterface;

  // Inlines even `noinline` functions, because no engine supports calls.
  bool isLegalToInline(Operation *, Operation *, bool) const final { return true; }
  bool isLegalToInline(Operation *, Region *, bool, IRMapping &) const final { return true; }
  bool isLegalToInline(Region *, Region *, bool, IRMapping &) const final { return true; }

  void handleTerminator(Operation *op, Block *newDest) const final {
    auto returnOp = dyn_cast<ReturnOp>(op);
    if (!returnOp)
      return;
    OpBuilder builder(op);
    cf::BranchOp::create(builder, op->getLoc(), newDest, returnOp.getSrcs());
    op->erase();
  }

  void handleTerminator(Operation *op, ValueRange valuesToReplace) const final {
    for (auto [result, value] : llvm::zip_equal(valuesToReplace, cast<ReturnOp>(op).getSrcs()))
      result.replaceAllUsesWith(value);
  }
};

} // namespace

void TritonDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "triton-metal/Dialect/Triton/IR/TritonOps.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "triton-metal/Dialect/Triton/IR/TritonTypes.cpp.inc"
      >();
  addAttributes<
#define GET_ATTRDEF_LIST
#include "triton-metal/Dialect/Triton/IR/TritonAttrs.cpp.inc"
      >();
  addInterfaces<TritonInlinerInterface>();
}

LogicalResult TargetAttr::verify(function_ref<InFlightDiagnostic()> emitError, StringRef arch, Device device,
                                 Engine requested, Engine engine, StringRef reason, int32_t simdgroups,
                                 bool fpFusion, CheckModes checks) {
  if (!findProfile(std::string_view(arch.data(), arch.size())))
    return emitError() << "'" << arch << "' is not a hardware profile";
  if (engine == Engine::Auto)
    return emitError() << "an engine has to be chosen: msl or mlx";
  if (requested != Engine::Auto && requested != engine)
    return emitError() << "engine " << stringifyEngine(engine) << " was chosen where "
                       << stringifyEngine(requested) << " was asked for";
  if (simdgroups < 1 || (simdgroups & (simdgroups - 1)) != 0)
    return emitError() << "the number of SIMD groups is a power of two, not " << simdgroups;
  if (checks != CheckModes::None && engine != Engine::Msl)
    return emitError() << "only the msl engine has check modes";
  return success();
}

Operation *TritonDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type, Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

} // namespace tmetal::tt

#include "triton-metal/Dialect/Triton/IR/MemoryAccessInterfaces.cpp.inc"
#include "triton-metal/Dialect/Triton/IR/TritonDialect.cpp.inc"
#include "triton-metal/Dialect/Triton/IR/TritonEnums.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "triton-metal/Dialect/Triton/IR/TritonAttrs.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "triton-metal/Dialect/Triton/IR/TritonTypes.cpp.inc"
