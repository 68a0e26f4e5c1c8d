// SPDX-License-Identifier: MIT
// Hardware profiles: the limits and rates of every supported chip (Profiles.def), by name.
#ifndef TRITON_METAL_TARGET_PROFILES_H
#define TRITON_METAL_TARGET_PROFILES_H

#include <string>
#include <string_view>
#include <vector>

namespace tmetal {

struct Family {
  std::string_view name; // "Apple9"
  std::string_view mslVersion;
  int simdWidth;
  int maxThreadsPerThreadgroup;
  int threadgroupMemory; // bytes
  int maxBuffers;
  bool hasAtomic64; // ulong min and max without a result
  bool hasDynamicCaching;
  bool hasTensorOps; // matrix units through Metal 4
};

struct Profile {
  std::string_view name;  // "m3-max"
  std::string_view title; // "Apple M3 Max"
  const Family *family;
  std::vector<std::string_view> aliases;
  int gpuCores; // 0: not known, as for the rates
  double float32Teraflops;
  double bandwidth; // GB/s

  bool isHost() const { return name == "host"; }
};

/// Every profile, in the order of Profiles.def.
const std::vector<Profile> &allProfiles();

/// The profile called `name`: its name, title or an alias, also with the prefixes "Apple" and "applegpu", in
/// either case and with or without separators ("m3-max", "M3Max", "Apple M3 Max", "applegpu_g15s"). Null when
/// there is none.
const Profile *findProfile(std::string_view name);

/// The same, or an Error of kind Argument that names the profiles there are.
const Profile &profileNamed(std::string_view name);

/// One sentence for a name that findProfile does not know, with the names that it does know.
std::string unknownProfileMessage(std::string_view name);

} // namespace tmetal

#endif // TRITON_METAL_TARGET_PROFILES_H
