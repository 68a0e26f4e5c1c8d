// SPDX-License-Identifier: MIT
// The driver: writes the frame of the kernel and applies a rule to each operation.
#include "Distribution.h"

#include "Rules.h"

#include "triton-metal/Support/Errors.h"
#include "triton-metal/Support/SourceLocation.h"

using namespace mlir;

namespace tmetal {

void refuse(Operation *op, const std::string &reason) {
  throw Error(ErrorKind::Unsupported,
              placeOf(op->getLoc()) + "[" + op->getName().getStringRef().str() + "] " + reason);
}

static ArrayAttr parameterNames(tt::FuncOp function, OpBuilder &builder) {
  SmallVector<Attribute> names;
  for (BlockArgument argument : function.getArguments()) {
    auto named = dyn_cast<NameLoc>(argument.getLoc());
    names.push_back(builder.getStringAttr(
        named ? named.getName().getValue() : StringRef("arg" + std::to_string(argument.getArgNumber()))));
  }
  return builder.getArrayAttr(names);
}

tm::KernelOp distribute(tt::FuncOp function, const LayoutPlan &plan, ArrayRef<int> aliasGroups,
                        OpBuilder &builder) {
  checkElementTypes(function);
  DeviceMemory memory(function, aliasGroups);
  ProgramOrder order(function, memory.getAliasGroups());
  auto kernel =
      tm::KernelOp::create(builder, function.getLoc(), function.getSymName(), plan.getOptions().simdgroups,
                           IntegerAttr(), parameterNames(function, builder));
  kernel->setAttr("aliasGroups", builder.getDenseI64ArrayAttr(memory.getGroups()));
  Distribution d{plan, memory, order, RegionBuilder(builder.getContext()), {}, {}};
  Block &body = kernel.getBody().emplaceBlock();
  for (BlockArgument argument : function.getArguments())
    d.scalars.map(argument, body.addArgument(argument.getType(), argument.getLoc()));
  RegionBuilder::Inside inside(d.code, &body);
  lowerBlock(d, function.getBody().front());
  return kernel;
}

static void lower(Distribution &d, Operation *op) {
  const DistributionRule *rule = findDistributionRule(op->getName().getStringRef());
  if (!rule)
    refuse(op, "This operation has no form in Metal yet.");
  if (!rule->lower)
    refuse(op, rule->note);
  rule->lower(d, op);
}

void lowerBlock(Distribution &d, Block &block) {
  for (Operation &op : block.without_terminator())
    lower(d, &op);
}

} // namespace tmetal
