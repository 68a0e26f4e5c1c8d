// SPDX-License-Identifier: MIT
// The storages of a launch as flat arrays. Loads and stores become views and regions where addresses are
// affine, gathers and scatters elsewhere.
#pragma once

#include "Access.h"
#include "Combiners.h"
#include "Values.h"

#include <string>

namespace tmetal::raising {

struct Storage {
  std::string argument; // name of the first argument that points into it
  int64_t nbytes = 0;
  mlir::Value state;                   // its flat array at this point
  Range written{INT64_MAX, INT64_MIN}; // bytes that may have changed; none if min > max
  bool exactlyWritten = true;          // whether all of that range is stored, independent of data
  bool isWritten() const { return written.min <= written.max; }
};

class Memory {
public:
  /// `onGpu` matters because MLX has no 64-bit scatter on GPUs.
  Memory(Emitter &emitter, Values &values, bool onGpu) : e(emitter), values(values), onGpu(onGpu) {}

  /// Describes an access under the current masks.
  Access access(mlir::Operation *op, mlir::Value pointer, mlir::Value mask);
  /// The condition and the mask of the access as one array; null if every lane acts.
  mlir::Value maskOf(const Condition &condition, const Access &access);
  /// The number of elements of the access's type in its storage.
  int64_t length(const Access &access) const;

  /// Lanes that do not act get `other`, or 0 if it is null.
  mlir::Value load(const Access &access, mlir::Value other);
  /// If several lanes store to one address, the last one wins.
  void store(const Access &access, mlir::Value value);
  /// Replaces a region of the storage. Returns false if the addresses do not form one.
  bool storeRegion(const Access &access, mlir::Value value);
  /// Writes lane by lane. With a combiner, combines the values with what is there.
  void scatter(const Access &access, mlir::Value value, std::optional<Combiner> combiner);

  llvm::SmallVector<Storage> storages;

private:
  mlir::Value state(const Access &access); // the storage as a flat array with the access's element type
  void setState(const Access &access, mlir::Value flat, std::optional<Range> written, bool exact);
  std::optional<mlir::Value> loadView(const Access &access, mlir::Value other);
  mlir::Value loadGather(const Access &access, mlir::Value other);
  mlir::Value flatIndices(const Access &access);
  /// Throws if the known address of a lane that acts lies outside of the storage.
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
