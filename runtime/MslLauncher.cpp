// SPDX-License-Identifier: MIT
#include "MslLauncher.h"
#include "BoundLaunch.h"
#include "InlineArray.h"
#include "SavedLaunch.h"
#include "cpu/CpuDevice.h"

#include "mlx/allocator.h"
#include "mlx/ops.h"
#include "mlx/stream.h"
#include "mlx/transforms.h"

#include <algorithm>
#include <cstring>

namespace tmetal {

namespace {

Number numberOf(const Argument &argument) {
  if (const auto *integer = std::get_if<int64_t>(&argument))
    return *integer;
  return std::get<double>(argument);
}

Reach reachThrough(const Argument &pointer) {
  if (const auto *host = std::get_if<HostBuffer>(&pointer))
    return reachOf(*host);
  return {0, static_cast<int64_t>(std::get<LazyArray>(pointer).value.nbytes())};
}

void bindScalars(BoundLaunch &bound, const MslVariant &variant, const std::vector<Argument> &arguments) {
  for (const ScalarField &field : variant.scalars)
    bound.setScalar(field, numberOf(arguments[field.parameter]));
}

} // namespace

/// The MLX arrays among the arguments, each once.
struct MslLauncher::ArraysOfLaunch {
  std::vector<mx::array> inputs;
  std::vector<mx::array *> receivers;
  std::vector<int> inputOfParameter; // -1: not an array
  std::vector<int> storedInputs;
  bool besideHost = false; // host memory is among the arguments too

  ArraysOfLaunch(const KernelFacts &facts, const std::vector<int> &pointers,
                 const std::vector<Argument> &arguments)
      : inputOfParameter(arguments.size(), -1) {
    std::vector<bool> stored;
    for (int i : pointers) {
      const auto *lazy = std::get_if<LazyArray>(&arguments[i]);
      if (!lazy) {
        besideHost = true;
        continue;
      }
      auto found = std::find(receivers.begin(), receivers.end(), lazy->receiver);
      inputOfParameter[i] = static_cast<int>(found - receivers.begin());
      if (found == receivers.end()) {
        receivers.push_back(lazy->receiver);
        inputs.push_back(lazy->value);
        stored.push_back(false);
      }
      if (facts.stored[i])
        stored[inputOfParameter[i]] = true;
    }
    for (size_t k = 0; k < inputs.size(); ++k)
      if (stored[k])
        storedInputs.push_back(static_cast<int>(k));
  }
};

MslLauncher::MslLauncher(KernelFacts facts, MslOptions options, Printer printer, Output output,
                         AccessProgram accesses, std::shared_ptr<Device> device)
    : kernelFacts(std::move(facts)), pointers(pointerParameters(kernelFacts)),
      variants(device ? std::move(device) : cpuDevice(), std::move(options), std::move(printer),
               kernelFacts.parameterTypes.size()),
      output(std::move(output)), bounds(std::move(accesses), pointers) {}

std::vector<int> MslLauncher::aliasGroups(const std::vector<Argument> &arguments) const {
  InlineArray<Reached> reached(pointers.size());
  for (size_t k = 0; k < pointers.size(); ++k)
    reached[k] = reachedThrough(arguments[pointers[k]], kernelFacts.stored[pointers[k]]);
  return tmetal::aliasGroups(reached);
}

bool MslLauncher::staysInside(const std::array<int64_t, 3> &grid, const std::vector<Argument> &arguments) {
  if (bounds.empty() || options().checkAddresses)
    return true;
  InlineArray<int64_t, 64> numbers(bounds.numberCount());
  int64_t *next = std::copy(grid.begin(), grid.end(), numbers.data());
  for (int i : bounds.integers())
    *next++ = std::get<int64_t>(arguments[i]);
  for (int i : pointers) {
    Reach reach = reachThrough(arguments[i]);
    *next++ = reach.before;
    *next++ = reach.after;
  }
  return bounds.staysInside(numbers);
}

std::vector<NewValue> MslLauncher::launch(const std::array<int64_t, 3> &grid,
                                          const std::vector<Argument> &arguments) {
  checkLaunch(kernelFacts, grid, arguments);
  std::vector<int> groups = aliasGroups(arguments);
  ++launches;
  if (!staysInside(grid, arguments))
    return launchChecked(groups, grid, arguments);
  bool hasArrays = false;
  for (int i : pointers)
    hasArrays |= std::holds_alternative<LazyArray>(arguments[i]);
  if (hasArrays)
    return launchOnArrays(variants.find(groups), grid, arguments, /*atOnce=*/false);
  if (const MslVariant *ready = groups.empty() ? variants.ready() : nullptr)
    return launchOnHost(*ready, grid, arguments);
  return launchOnHost(*variants.find(groups), grid, arguments);
}

/// Prevents accesses outside of the arguments; if there are any, also undoes the stores of the launch.
std::vector<NewValue> MslLauncher::launchChecked(const std::vector<int> &groups,
                                                 const std::array<int64_t, 3> &grid,
                                                 const std::vector<Argument> &arguments) {
  ++checkedLaunches;
  std::shared_ptr<const MslVariant> variant = variants.find(groups, /*checked=*/true);
  HostSnapshot before;
  bool hasArrays = false;
  for (int i : pointers) {
    const auto *host = std::get_if<HostBuffer>(&arguments[i]);
    hasArrays |= !host;
    if (host && kernelFacts.stored[i])
      before.take(*host);
  }
  try {
    return hasArrays ? launchOnArrays(variant, grid, arguments, /*atOnce=*/true)
                     : launchOnHost(*variant, grid, arguments);
  } catch (const Error &error) {
    if (error.kind != ErrorKind::Sanitizer || options().checkRaces || options().checkUndefined)
      throw;
    before.restore();
    throw Error(ErrorKind::Argument, error.what());
  }
}

/// `arrays` has the memory of MLX arrays, indexed by parameter.
void MslLauncher::bindPointers(BoundLaunch &bound, const MslVariant &variant,
                               const std::vector<Argument> &arguments,
                               const std::vector<HostBinding> &arrays) {
  // A device with its own memory copies each piece of memory, so overlapping arguments must be in one piece.
  // Memory that is only read may be copied twice.
  std::optional<Storages> storages;
  if (!variant.aliasGroups.empty() && !variants.device()->profile().sharesHostMemory)
    storages.emplace(storagesOf(kernelFacts, arguments));
  for (size_t k = 0; k < pointers.size(); ++k) {
    int i = pointers[k];
    if (const auto *host = std::get_if<HostBuffer>(&arguments[i])) {
      Reached memory = storages ? (*storages)[storages->of(k)] : reachedThrough(*host);
      bound.setPointer(i, {reinterpret_cast<void *>(memory.begin), memory.end - memory.begin,
                           static_cast<int64_t>(host->address - memory.begin), kernelFacts.stored[i]});
      if (bound.wantsReaches())
        bound.addReach(reachOf(*host));
    } else {
      bound.setPointer(i, arrays[i]);
      if (bound.wantsReaches())
        bound.addReach({0, static_cast<int64_t>(arrays[i].bytes)});
    }
  }
}

std::vector<NewValue> MslLauncher::launchOnHost(const MslVariant &variant, const std::array<int64_t, 3> &grid,
                                                const std::vector<Argument> &arguments) {
  BoundLaunch bound(variant, *variants.device(), grid);
  bindScalars(bound, variant, arguments);
  bindPointers(bound, variant, arguments, {});
  bound.run(output);
  return {};
}

std::vector<NewValue> MslLauncher::launchOnArrays(std::shared_ptr<const MslVariant> variant,
                                                  const std::array<int64_t, 3> &grid,
                                                  const std::vector<Argument> &arguments, bool atOnce) {
  ArraysOfLaunch arrays(kernelFacts, pointers, arguments);
  // Launches at once if host memory must be complete on return, or if the launch has no results, without
  // which MLX's graph would never run it.
  if (atOnce || arrays.besideHost || arrays.storedInputs.empty())
    return launchAtOnce(*variant, grid, arguments, std::move(arrays));
  return launchInGraph(std::move(variant), grid, arguments, arrays);
}

std::vector<NewValue> MslLauncher::launchInGraph(std::shared_ptr<const MslVariant> variant,
                                                 const std::array<int64_t, 3> &grid,
                                                 const std::vector<Argument> &arguments,
                                                 const ArraysOfLaunch &arrays) {
  std::vector<std::byte> scalars(std::max<int64_t>(variant->kernel.argumentsSize, 1));
  for (const ScalarField &field : variant->scalars)
    writeScalar(scalars.data(), field, numberOf(arguments[field.parameter]));
  std::vector<mx::Shape> shapes;
  std::vector<mx::Dtype> dtypes;
  for (int k : arrays.storedInputs) {
    shapes.push_back(arrays.inputs[k].shape());
    dtypes.push_back(arrays.inputs[k].dtype());
  }
  auto primitive = std::make_shared<LaunchPrimitive>(
      mx::default_stream(mx::Device::cpu),
      LaunchPrimitive::Description{std::move(variant), variants.device(), grid, arrays.inputOfParameter,
                                   arrays.storedInputs, std::move(scalars), output, counters});
  std::vector<mx::array> results = mx::array::make_arrays(shapes, dtypes, primitive, arrays.inputs);
  std::vector<NewValue> newValues;
  for (size_t k = 0; k < results.size(); ++k)
    newValues.emplace_back(arrays.receivers[arrays.storedInputs[k]], results[k]);
  return newValues;
}

std::vector<NewValue> MslLauncher::launchAtOnce(const MslVariant &variant, const std::array<int64_t, 3> &grid,
                                                const std::vector<Argument> &arguments,
                                                ArraysOfLaunch arrays) {
  for (mx::array &input : arrays.inputs)
    input = mx::contiguous(input, false, mx::default_stream(mx::Device::cpu));
  mx::eval(arrays.inputs);
  std::vector<NewValue> newValues;
  for (int k : arrays.storedInputs) {
    const mx::array &before = arrays.inputs[k];
    mx::allocator::Data memory = mx::allocator::malloc(std::max<size_t>(before.nbytes(), 1));
    if (before.nbytes())
      std::memcpy(memory.buffer().raw_ptr(), before.data<char>(), before.nbytes());
    ++counters->bufferCopies;
    mx::array result(std::move(memory), before.shape(), before.dtype());
    newValues.emplace_back(arrays.receivers[k], result);
    arrays.inputs[k] = result;
  }
  std::vector<HostBinding> memory(arguments.size());
  for (int i : pointers)
    if (int input = arrays.inputOfParameter[i]; input >= 0) {
      mx::array &array = arrays.inputs[input];
      memory[i] = {array.nbytes() ? array.data<char>() : nullptr, array.nbytes(), 0, kernelFacts.stored[i]};
    }
  BoundLaunch bound(variant, *variants.device(), grid);
  bindScalars(bound, variant, arguments);
  bindPointers(bound, variant, arguments, memory);
  bound.run(output);
  return newValues;
}

SavedLaunch MslLauncher::describe(const std::array<int64_t, 3> &, const std::vector<Argument> &arguments) {
  using Place = SavedMetalKernel::Buffer;
  std::shared_ptr<const MslVariant> variant = variants.find(aliasGroups(arguments));
  const MslKernel &kernel = variant->kernel;
  Storages storages = storagesOf(kernelFacts, arguments);
  SavedLaunch saved;
  saved.storages.resize(storages.size());
  SavedMetalKernel &metal = saved.metal.emplace();
  metal.text = kernel.text;
  metal.simdgroups = kernel.simdgroups;
  metal.threadgroupBytes = kernel.threadgroupBytes;
  metal.stackBytes = kernel.stackBytes;
  metal.buffers.resize(variant->bufferCount);
  if (kernel.reportBuffer >= 0)
    metal.buffers[kernel.reportBuffer].storage = Place::kReport;
  if (kernel.boundsBuffer >= 0)
    metal.buffers[kernel.boundsBuffer].storage = Place::kBounds;
  metal.scalars.resize(kernel.argumentsSize);
  for (const ScalarField &field : variant->scalars)
    writeScalar(reinterpret_cast<std::byte *>(metal.scalars.data()), field,
                numberOf(arguments[field.parameter]));
  size_t pointer = 0;
  for (size_t i = 0; i < arguments.size(); ++i) {
    ArgumentSpec &spec = saved.arguments.emplace_back().spec;
    const std::string &type = kernelFacts.parameterTypes[i];
    if (isPointerType(type)) {
      spec = specOf(storages, pointer++, arguments[i]);
      SavedStorage &storage = saved.storages[spec.storage];
      if (storage.dtype.empty())
        storage.dtype = type.substr(8, type.find_first_of(",>", 8) - 8);
      if (kernelFacts.stored[i])
        storage.after.emplace();
      metal.buffers[kernel.parameters[i].bufferIndex] = {spec.storage, spec.byteOffset};
    } else if (const auto *integer = std::get_if<int64_t>(&arguments[i])) {
      spec.kind = ArgumentSpec::Kind::Integer;
      spec.value = *integer;
    }
  }
  return saved;
}

LaunchStatistics MslLauncher::statistics() const {
  LaunchStatistics result;
  result.launches = launches;
  result.variants = variants.count();
  result.printed = variants.printed();
  result.bufferCopies = counters->bufferCopies;
  result.donatedBuffers = counters->donatedBuffers;
  result.checkedLaunches = checkedLaunches;
  return result;
}

} // namespace tmetal
