// SPDX-License-Identifier: MIT
#pragma once

namespace tmetal {

/// Registers `raise-to-mlx{grid=X,Y,Z args=...}`: raises the kernel for one launch and replaces the module's
/// contents. Each argument is `ptr:BYTES` (a storage of its own), `same:I:OFFSET` (into the storage of
/// argument I), `int:VALUE`, or `dynamic`.
void registerRaiseToMLXPass();

} // namespace tmetal
