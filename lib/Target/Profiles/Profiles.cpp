// SPDX-License-Identifier: MIT
#include "triton-metal/Target/Profiles.h"

#include "triton-metal/Support/Errors.h"

namespace tmetal {
namespace {

enum class FamilyID {
#define TM_FAMILY(FAMILY, ...) FAMILY,
#include "triton-metal/Target/Profiles.def"
};

// Indexed by FamilyID.
constexpr TargetInfo families[] = {
#define TM_FAMILY(FAMILY, MSL, SIMD, THREADS, BYTES, BUFFERS, FLOAT64, ATOMICS64, CACHING, TENSOR_OPS,       \
                  ORDERED, WAITING)                                                                          \
  {#FAMILY, MSL,        SIMD,    THREADS, BYTES, BUFFERS, Float64::FLOAT64, Atomics64::ATOMICS64,            \
   CACHING, TENSOR_OPS, ORDERED, WAITING},
#include "triton-metal/Target/Profiles.def"
};

std::vector<std::string_view> split(std::string_view words) {
  std::vector<std::string_view> result;
  while (!words.empty()) {
    size_t end = words.find(' ');
    result.push_back(words.substr(0, end));
    words = end == std::string_view::npos ? std::string_view() : words.substr(end + 1);
  }
  return result;
}

/// The name in lower case, without separators and without the prefix of the vendor.
std::string normalized(std::string_view name) {
  std::string result;
  for (char c : name)
    if (c != ' ' && c != '-' && c != '_')
      result += c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c;
  for (std::string_view prefix : {"applegpu", "apple"})
    if (result.size() > prefix.size() && result.compare(0, prefix.size(), prefix) == 0)
      return result.substr(prefix.size());
  return result;
}

} // namespace

const std::vector<Profile> &allProfiles() {
  static const std::vector<Profile> profiles = {
#define TM_PROFILE(NAME, TITLE, FAMILY, ALIASES, CORES, TFLOPS, GBPS)                                        \
  {NAME, TITLE, &families[size_t(FamilyID::FAMILY)], split(ALIASES), CORES, TFLOPS, GBPS},
#include "triton-metal/Target/Profiles.def"
  };
  return profiles;
}

const Profile *findProfile(std::string_view name) {
  const std::string wanted = normalized(name);
  for (const Profile &profile : allProfiles()) {
    if (normalized(profile.name) == wanted || normalized(profile.title) == wanted)
      return &profile;
    for (std::string_view alias : profile.aliases)
      if (alias == wanted)
        return &profile;
  }
  return nullptr;
}

const TargetInfo &targetInfo(std::string_view arch) {
  if (const Profile *profile = findProfile(arch))
    return *profile->target;
  throw Error(ErrorKind::Argument, unknownProfileMessage(arch));
}

std::string unknownProfileMessage(std::string_view name) {
  std::string message = "[arch] There is no hardware profile '" + std::string(name) + "'; known are";
  const char *separator = " ";
  for (const Profile &profile : allProfiles()) {
    message += separator + std::string(profile.name);
    separator = ", ";
  }
  return message + ".";
}

} // namespace tmetal
