// SPDX-License-Identifier: MIT
// Hardware profiles: the limits and rates of all supported chips (Profiles.def), by name.
#ifndef TRITON_METAL_TARGET_PROFILES_H
#define TRITON_METAL_TARGET_PROFILES_H

#include <string>
#include <string_view>
#include <vector>

namespace tmetal {

/// How a device computes with f64.
enum class Float64 {
  Software, // in integer arithmetic (kernels/triton_metal/float64.h)
  Native,
};

/// The 64-bit atomic operations that a device has.
enum class Atomics64 {
  None,
  MinMax, // unsigned and without a result
  All,
};

/// What the compiler and the driver need to know of a device; the same for all chips of a family.
struct TargetInfo {
  std::string_view family; // "Apple9"
  std::string_view mslVersion;
  int simdWidth = 32;
  int maxThreadsPerThreadgroup = 1024;
  int threadgroupMemory = 32768; // bytes
  int maxBuffers = 31;
  Float64 float64 = Float64::Software;
  Atomics64 atomics64 = Atomics64::None;
  bool hasDynamicCaching = false;
  bool hasTensorOps = false;    // matrix units that are reached through Metal 4
  bool ordersPrograms = false;  // atomics with acquire and release order accesses of different programs
  bool programsMayWait = false; // a program goes on while others wait for it
};

struct Profile {
  std::string_view name;  // "m3-max"
  std::string_view title; // "Apple M3 Max"
  const TargetInfo *target;
  std::vector<std::string_view> aliases;
  int gpuCores; // 0 if unknown, as for the rates
  double float32Teraflops;
  double bandwidth; // GB/s
};

/// All profiles, in the order of Profiles.def.
const std::vector<Profile> &allProfiles();

/// Finds a profile by its name, title or alias, with or without the prefixes "Apple" and "applegpu", in
/// upper or lower case, with or without separators ("m3-max", "M3Max", "Apple M3 Max",
/// "applegpu_g15s"). Null if there is none.
const Profile *findProfile(std::string_view name);

/// What a device with that profile can do. Throws an Error of kind Argument that lists the profiles.
const TargetInfo &targetInfo(std::string_view arch);

/// A sentence that refuses an unknown name and lists the known ones.
std::string unknownProfileMessage(std::string_view name);

} // namespace tmetal

#endif // TRITON_METAL_TARGET_PROFILES_H
