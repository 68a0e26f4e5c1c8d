// SPDX-License-Identifier: MIT
// The storages of a launch as flat arrays, and what loads and stores make of them: views and regions where
// addresses are affine, else gathers and scatters.
#pragma once

#include "Access.h"
#include "Combiners.h"
#include "Values.h"

#include <string>

namespace tmetal::raising {

struct Storage {
  std::string argument; // name of the first argument that points into it
  int64_t nbytes = 0;
  mlir::Value state;                   // its flat array now
  Range written{INT64_MAX, INT64_MIN}; // bytes that may have changed; min > max: none
  bool exactlyWritten = true;          // all of that range is stored, whatever the data
  bool isWritten() const { return written.min <= written.max; }
};

class Memory {
public:
  /// `onGpu`: MLX has no scatter of 64 bits there.
  Memory(Emitter &emitter, Values &values, bool onGpu) : e(emitter), values(values), onGpu(onGpu) {}

  /// An access under the masks in force.
  Access access(mlir::Operation *op, mlir::Value pointer, mlir::Value mask);
  /// A condition and the access's mask as one array; null: every lane is on.
  mlir::Value maskOf(const Condition &condition, const Access &access);
  /// Elements of the access's type in its storage.
  int64_t length(const Access &access) const;

  /// Lanes that are off read `other`, or 0 if it is null.
  mlir::Value load(const Access &access, mlir::Value other);
  /// Of several lanes with one address the last one stores.
  void store(const Access &access, mlir::Value value);
  /// Replaces a region of the storage; false where the addresses are none.
  bool storeRegion(const Access &access, mlir::Value value);
  /// Writes lane by lane; with a combiner, combines with what is there.
  void scatter(const Access &access, mlir::Value value, std::optional<Combiner> combiner);

  llvm::SmallVector<Storage> storages;

private:
  mlir::Value state(const Access &access); // the storage as a flat array of the access's element type
  void setState(const Access &access, mlir::Value flat, std::optional<Range> written, bool exact);
  std::optional<mlir::Value> loadView(const Access &access, mlir::Value other);
  mlir::Value loadGather(const Access &access, mlir::Value other);
  mlir::Value flatIndices(const Access &access);
  /// Addresses that are known lane by lane must lie inside where the lane is on.
  void checkKnownLanes(const Access &access);
  [[noreturn]] void refuseOutOfBounds(const Access &access, int64_t element);
  mlir::Value scatterInto(const Access &access, mlir::Value target, mlir::Value indices, mlir::Value updates,
                          mlxir::ScatterReduction reduction);
  mlir::Value scatterBits(const Access &access, mlir::Value target, mlir::Value indices, mlir::Value updates,
                          mlxir::ScatterReduction perBit);

  Emitter &e;
  Values &values;
  bool onGpu;
};

} // namespace tmetal::raising
