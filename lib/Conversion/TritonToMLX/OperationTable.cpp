// SPDX-License-Identifier: MIT
// The rules of the mlx engine, from the registry of operations (Operations.td).
#include "Rules.h"

#include "llvm/ADT/StringMap.h"

using namespace llvm;

namespace tmetal {

static const OperationRule kRules[] = {
#define TM_RAISING(NAME, RULE) {NAME, &raising::RULE, ""},
#define TM_RAISING_REFUSED(NAME, REASON) {NAME, nullptr, REASON},
#include "triton-metal/Operations/Raising.inc"
};

const OperationRule *findRule(StringRef name) {
  static const StringMap<const OperationRule *> index = [] {
    StringMap<const OperationRule *> map;
    for (const OperationRule &rule : kRules)
      map[rule.name] = &rule;
    return map;
  }();
  return index.lookup(name);
}

} // namespace tmetal
