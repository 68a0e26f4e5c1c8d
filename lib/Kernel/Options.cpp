// SPDX-License-Identifier: MIT
#include "triton-metal/Support/Errors.h"
#include "triton-metal/Target/Engine.h"
#include "triton-metal/Target/Profiles.h"

#include <algorithm>

namespace tmetal {

namespace {
struct CheckMode {
  const char *name;
  bool MslOptions::*flag;
};
constexpr CheckMode kCheckModes[] = {{"address", &MslOptions::checkAddresses},
                                     {"thread", &MslOptions::checkRaces},
                                     {"undefined", &MslOptions::checkUndefined}};
} // namespace

bool EngineRequest::hasDouble() const { return targetInfo(msl.arch).float64 == Float64::Native && !onGpu; }

void setCheckModes(MslOptions &options, const std::string &sanitize) {
  for (size_t begin = 0; begin < sanitize.size();) {
    size_t end = std::min(sanitize.find(',', begin), sanitize.size());
    size_t first = std::min(sanitize.find_first_not_of(' ', begin), end);
    size_t last = end;
    while (last > first && sanitize[last - 1] == ' ')
      --last;
    std::string name = sanitize.substr(first, last - first);
    auto mode = std::find_if(std::begin(kCheckModes), std::end(kCheckModes),
                             [&](const CheckMode &known) { return name == known.name; });
    if (mode != std::end(kCheckModes))
      options.*mode->flag = true;
    else if (!name.empty())
      throw Error(ErrorKind::Argument,
                  "[sanitize] '" + name + "' is not a check mode: use address, thread or undefined.");
    begin = end + 1;
  }
}

std::string checkModes(const MslOptions &options) {
  std::string text;
  for (const CheckMode &mode : kCheckModes)
    if (options.*mode.flag)
      text += (text.empty() ? "" : ",") + std::string(mode.name);
  return text;
}

EngineRequest requestFrom(const WrittenOptions &options) {
  if (options.engine != "auto" && options.engine != "msl" && options.engine != "mlx")
    throw Error(ErrorKind::Unsupported,
                "[engine] '" + options.engine + "' is not an engine of this version: use auto, msl or mlx.");
  if (options.device != "cpu" && options.device != "gpu")
    throw Error(ErrorKind::Argument, "[device] '" + options.device + "' is not a device: use cpu or gpu.");
  EngineRequest request;
  request.engine = options.engine;
  request.onGpu = options.device == "gpu";
  request.hasCompiler = options.hasCompiler;
  request.msl.arch = options.arch;
  request.msl.simdgroups = options.simdgroups;
  request.msl.fpFusion = options.fpFusion;
  setCheckModes(request.msl, options.sanitize);
  if (options.engine == "mlx" && !checkModes(request.msl).empty())
    throw Error(ErrorKind::Unsupported, "[sanitize] The check modes belong to the msl engine, not to mlx.");
  return request;
}

} // namespace tmetal
