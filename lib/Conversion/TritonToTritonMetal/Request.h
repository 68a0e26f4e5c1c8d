// SPDX-License-Identifier: MIT
// Requests for elements of blocks, and how they pass through views, which only
// change the index of an element.
#pragma once

#include "triton-metal/Analysis/LinearLayout.h"

#include "mlir/IR/Value.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace tmetal {

/// The element of a block that each thread of a region requests: by the layout, xor a constant.
struct Request {
  LinearLayout layout;
  int64_t flip = 0;

  bool operator==(const Request &other) const { return flip == other.flip && layout == other.layout; }
  bool operator<(const Request &other) const;

  /// The request for the operand of a view, which has `shape`. Bit k of an
  /// element's index becomes `images[k]`.
  Request through(llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> images, int64_t constant = 0) const;
};

/// The register in which a thread itself holds its request: the one that `map` gives, xor a constant.
struct OwnRegister {
  RegisterMap map;
  int64_t constant = 0;
};

/// nullopt if a thread that keeps `have` lacks an element of `want`, or if it would have to choose among
/// too many registers at run time.
std::optional<OwnRegister> findOwnRegister(const Request &have, const Request &want);

using ValueRequest = std::pair<mlir::Value, Request>;

/// The operands of a view with their requests; empty for other operations. Of two operands, the highest bit
/// (`cat`) or the lowest bit (`join`) of the element's index selects one.
llvm::SmallVector<ValueRequest> requestsThroughView(mlir::OpResult result, const Request &request);

/// Visits the operands to which a request for `value`, which is not kept, is passed on. Returns
/// false as soon as `visit` does.
bool forEachPulled(mlir::Value value, const Request &request,
                   llvm::function_ref<bool(mlir::Value, const Request &)> visit);

} // namespace tmetal
