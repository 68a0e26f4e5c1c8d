// SPDX-License-Identifier: MIT
#include "MslVariants.h"

#include "triton-metal/Support/Errors.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace tmetal {

namespace {

constexpr size_t kMaxOtherVariants = 16;

ProgramSource sourceOf(const MslKernel &kernel, const MslOptions &options) {
  ProgramSource source;
  source.text = kernel.text;
  source.function = kernel.function;
  source.simdgroups = kernel.simdgroups;
  source.threadgroupBytes = kernel.threadgroupBytes;
  source.stackBytes = kernel.stackBytes;
  source.checks = {options.checkAddresses, options.checkRaces, options.checkUndefined};
  source.atomics64 = targetInfo(options.arch).atomics64;
  return source;
}

/// Tells once in a process that a kernel is slow because of f64. TRITON_METAL_FLOAT64_NOTICE=0 silences it.
void noticeSoftwareFloat64(const MslKernel &kernel) {
  static std::atomic_flag told = ATOMIC_FLAG_INIT;
  if (kernel.softwareFloat64.empty() || told.test_and_set())
    return;
  const char *wanted = std::getenv("TRITON_METAL_FLOAT64_NOTICE");
  if (wanted && std::string_view(wanted) == "0")
    return;
  std::fprintf(
      stderr,
      "triton-metal: [f64] %s, %s: The device has no double, so f64 is computed in integer arithmetic, "
      "which takes many times as long as f32. (TRITON_METAL_FLOAT64_NOTICE=0 silences this.)\n",
      kernel.softwareFloat64.c_str(), kernel.name.c_str());
}

} // namespace

MslVariants::MslVariants(std::shared_ptr<Device> device, MslOptions options, Printer printer,
                         size_t parameterCount)
    : runsOn(std::move(device)), baseOptions(std::move(options)), printer(std::move(printer)),
      parameterCount(parameterCount) {}

std::shared_ptr<const MslVariant> MslVariants::make(const std::vector<int> &aliasGroups, bool checked) {
  auto variant = std::make_shared<MslVariant>();
  variant->aliasGroups = aliasGroups;
  variant->checked = checked;
  MslOptions options = baseOptions;
  options.checkAddresses |= checked;
  options.aliasGroups = aliasGroups;
  variant->kernel = printer(options);
  ++texts;
  const MslKernel &kernel = variant->kernel;
  noticeSoftwareFloat64(kernel);
  if (kernel.parameters.size() != parameterCount)
    throw Error(ErrorKind::Compile, "[" + kernel.name + "] The text has " +
                                        std::to_string(kernel.parameters.size()) +
                                        " parameters, the kernel " + std::to_string(parameterCount) + ".");
  int last = std::max({kernel.argumentsBuffer, kernel.reportBuffer, kernel.boundsBuffer});
  for (const MslParameter &parameter : kernel.parameters) {
    variant->bufferOf.push_back(parameter.isPointer ? parameter.bufferIndex : -1);
    last = std::max(last, variant->bufferOf.back());
  }
  variant->bufferCount = static_cast<size_t>(last + 1);
  variant->scalars = scalarFields(kernel);
  try {
    variant->program = runsOn->compile(sourceOf(kernel, options));
  } catch (const Error &) {
    throw;
  } catch (const std::exception &error) {
    throw Error(ErrorKind::Compile,
                "[" + kernel.name + "] The kernel's text does not compile: " + error.what());
  }
  return variant;
}

std::shared_ptr<const MslVariant> MslVariants::find(const std::vector<int> &groups, bool checked) {
  std::lock_guard<std::mutex> lock(mutex);
  if (groups.empty() && !checked) {
    if (!defaultVariant) {
      defaultVariant = make(groups, false);
      readyVariant.store(defaultVariant.get(), std::memory_order_release);
    }
    return defaultVariant;
  }
  auto found = std::find_if(others.begin(), others.end(), [&](const auto &variant) {
    return variant->aliasGroups == groups && variant->checked == checked;
  });
  if (found != others.end()) {
    others.splice(others.begin(), others, found);
    return others.front();
  }
  others.push_front(make(groups, checked));
  if (others.size() > kMaxOtherVariants)
    others.pop_back();
  return others.front();
}

MslKernel MslVariants::print(const std::vector<int> &aliasGroups) const {
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (aliasGroups.empty() && defaultVariant)
      return defaultVariant->kernel;
  }
  MslOptions options = baseOptions;
  options.aliasGroups = aliasGroups;
  return printer(options);
}

int64_t MslVariants::count() const {
  std::lock_guard<std::mutex> lock(mutex);
  return static_cast<int64_t>(others.size()) + (defaultVariant ? 1 : 0);
}

} // namespace tmetal
