// SPDX-License-Identifier: MIT
// Hardware profiles: the limits and rates of every supported chip (Profiles.def), by name.
#ifndef TRITON_METAL_TARGET_PROFILES_H
#define TRITON_METAL_TARGET_PROFILES_H

#include <string>
#include <string_view>
#include <vector>

namespace tmetal {

/// The 64-bit atomic operations that a device has.
enum class Atomics64 {
  None,
  MinMax, // unsigned, and without a result
  All,
};

/// What compiler and driver ask of a device: the same for all chips of a family.
struct TargetInfo {
  std::string_view family; // "Apple9"
  std::string_view mslVersion;
  int simdWidth = 32;
  int maxThreadsPerThreadgroup = 1024;
  int threadgroupMemory = 32768; // bytes
  int maxBuffers = 31;
  bool hasDouble = false;
  Atomics64 atomics64 = Atomics64::None;
  bool hasDynamicCaching = false;
  bool hasTensorOps = false; // matrix units through Metal 4
};

struct Profile {
  std::string_view name;  // "m3-max"
  std::string_view title; // "Apple M3 Max"
  const TargetInfo *target;
  std::vector<std::string_view> aliases;
  int gpuCores; // 0: not known, as for the rates
  double float32Teraflops;
  double bandwidth; // GB/s
};

/// Every profile, in the order of Profiles.def.
const std::vector<Profile> &allProfiles();

/// The profile called `name`: its name, title or an alias, also with the prefixes "Apple" and "applegpu", in
/// either case and with or without separators ("m3-max", "M3Max", "Apple M3 Max", "applegpu_g15s"). Null when
/// there is none.
const Profile *findProfile(std::string_view name);

/// What a device of that profile can do. Throws an Error of kind Argument that names the profiles there are.
const TargetInfo &targetInfo(std::string_view arch);

/// One sentence for a name that findProfile does not know, with the names that it does know.
std::string unknownProfileMessage(std::string_view name);

} // namespace tmetal

#endif // TRITON_METAL_TARGET_PROFILES_H
