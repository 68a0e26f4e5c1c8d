// SPDX-License-Identifier: MIT
#include "Refusal.h"

#include "triton-metal/Support/SourceLocation.h"

using namespace mlir;
using namespace llvm;

namespace tmetal {

void refuse(Operation *op, const Twine &sentence) {
  throw Error(ErrorKind::Unsupported,
              placeOf(op->getLoc()) + "[" + op->getName().getStringRef().str() + "] " + sentence.str());
}

std::string typeName(Type type) {
  std::string text;
  raw_string_ostream(text) << type;
  return text;
}

} // namespace tmetal
