// SPDX-License-Identifier: MIT
#include "triton-metal/Support/SourceLocation.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/SmallVector.h"

using namespace mlir;

namespace tmetal {

/// The lines of a location, the innermost call first.
static void collectLines(Location location, SmallVectorImpl<FileLineColLoc> &lines) {
  if (auto line = dyn_cast<FileLineColLoc>(location)) {
    lines.push_back(line);
  } else if (auto name = dyn_cast<NameLoc>(location)) {
    collectLines(name.getChildLoc(), lines);
  } else if (auto call = dyn_cast<CallSiteLoc>(location)) {
    collectLines(call.getCallee(), lines);
    collectLines(call.getCaller(), lines);
  } else if (auto fused = dyn_cast<FusedLoc>(location)) {
    for (Location part : fused.getLocations())
      collectLines(part, lines);
  } else if (auto opaque = dyn_cast<OpaqueLoc>(location)) {
    collectLines(opaque.getFallbackLocation(), lines);
  }
}

/// Whether a file belongs to the packages of Triton that hold functions for kernels.
static bool isInTritonsLibrary(StringRef file) {
  for (StringRef package : {"triton/language/", "triton/tools/", "triton/experimental/"})
    for (size_t at = file.find(package); at != StringRef::npos; at = file.find(package, at + 1))
      if (at == 0 || file[at - 1] == '/')
        return true;
  return false;
}

SourceLocation sourceLocationOf(Location location) {
  SmallVector<FileLineColLoc> lines;
  collectLines(location, lines);
  if (lines.empty())
    return {};
  auto own = llvm::find_if_not(
      lines, [](FileLineColLoc line) { return isInTritonsLibrary(line.getFilename().getValue()); });
  FileLineColLoc chosen = own == lines.end() ? lines.back() : *own;
  return {chosen.getFilename().str(), int(chosen.getLine()), int(chosen.getColumn())};
}

std::string SourceLocation::prefix() const {
  return file.empty() ? "" : file + ":" + std::to_string(line) + ":" + std::to_string(column) + ": ";
}

std::string placeOf(Location location) { return sourceLocationOf(location).prefix(); }

} // namespace tmetal
