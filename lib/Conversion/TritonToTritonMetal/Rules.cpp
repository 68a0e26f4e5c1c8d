// SPDX-License-Identifier: MIT
// The rules of the msl engine, from the registry of operations (Operations.td).
#include "Rules.h"

#include "Distribution.h"

#include "triton-metal/Operations/CheckTypes.h"
#include "triton-metal/Support/Errors.h"

#include "llvm/ADT/StringMap.h"

using namespace llvm;
using namespace mlir;

namespace tmetal {

static const DistributionRule kRules[] = {
#define TM_DISTRIBUTION(NAME, RULE) {NAME, &RULE, ""},
#define TM_DISTRIBUTION_REFUSED(NAME, REASON) {NAME, nullptr, REASON},
#include "triton-metal/Operations/Distribution.inc"
};

const DistributionRule *findDistributionRule(StringRef name) {
  static const StringMap<const DistributionRule *> index = [] {
    StringMap<const DistributionRule *> map;
    for (const DistributionRule &rule : kRules)
      map[rule.name] = &rule;
    return map;
  }();
  return index.lookup(name);
}

void checkElementTypes(tt::FuncOp kernel) {
  // Checks before lowering, because combiners are copied without looking up their rules.
  kernel.walk<WalkOrder::PreOrder>([](Operation *op) {
    if (std::optional<std::string> refusal = refusedType(op, EngineKind::Metal))
      refuse(op, *refusal);
  });
}

} // namespace tmetal
