// SPDX-License-Identifier: MIT
#include "Profiles.h"
#include "triton-metal/Target/Profiles.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/string_view.h>

namespace nb = nanobind;

namespace {

nb::object knownOrNone(double value) { return value > 0 ? nb::cast(value) : nb::none(); }

const char *atomicsName(tmetal::Atomics64 atomics) {
  switch (atomics) {
  case tmetal::Atomics64::None:
    return "none";
  case tmetal::Atomics64::MinMax:
    return "unsigned min and max, without a result";
  case tmetal::Atomics64::All:
    return "all";
  }
  return "";
}

nb::dict toDict(const tmetal::Profile &profile) {
  const tmetal::TargetInfo &target = *profile.target;
  nb::dict result;
  nb::list aliases;
  for (std::string_view alias : profile.aliases)
    aliases.append(alias);
  result["name"] = profile.name;
  result["title"] = profile.title;
  result["family"] = target.family;
  result["aliases"] = aliases;
  result["gpu_cores"] = profile.gpuCores > 0 ? nb::cast(profile.gpuCores) : nb::none();
  result["float32_teraflops"] = knownOrNone(profile.float32Teraflops);
  result["bandwidth_gbps"] = knownOrNone(profile.bandwidth);
  result["msl_version"] = target.mslVersion;
  result["simd_width"] = target.simdWidth;
  result["max_threads_per_threadgroup"] = target.maxThreadsPerThreadgroup;
  result["threadgroup_memory"] = target.threadgroupMemory;
  result["max_buffers"] = target.maxBuffers;
  result["float64"] = target.float64 == tmetal::Float64::Native ? "native" : "software";
  result["atomics64"] = atomicsName(target.atomics64);
  result["dynamic_caching"] = target.hasDynamicCaching;
  result["tensor_ops"] = target.hasTensorOps;
  result["orders_programs"] = target.ordersPrograms;
  result["programs_may_wait"] = target.programsMayWait;
  return result;
}

} // namespace

void bindProfiles(nb::module_ &module) {
  module.def("profiles", [] {
    nb::list result;
    for (const tmetal::Profile &profile : tmetal::allProfiles())
      result.append(toDict(profile));
    return result;
  });
  module.def(
      "profile",
      [](std::string_view name) {
        const tmetal::Profile *profile = tmetal::findProfile(name);
        if (!profile)
          throw nb::value_error(tmetal::unknownProfileMessage(name).c_str());
        return toDict(*profile);
      },
      nb::arg("name"));
}
