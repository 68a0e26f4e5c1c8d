// SPDX-License-Identifier: MIT
#include "MlxLauncher.h"
#include "SavedLaunch.h"
#include "cpu/Environment.h"

#include "mlx/allocator.h"
#include "mlx/ops.h"
#include "mlx/stream.h"
#include "mlx/transforms.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace tmetal {

namespace {

constexpr size_t kCacheCapacity = 128;

RaisingOptions optionsFor(bool onGpu) {
  RaisingOptions options;
  options.onGpu = onGpu;
  options.memoryBudget = integerVariable("TRITON_METAL_MEMORY_BUDGET", 1, std::numeric_limits<int64_t>::max(),
                                         options.memoryBudget);
  return options;
}

/// Copies the bytes of `source` that differ from `before`.
void copyDifferences(char *target, const char *source, const char *before, size_t nbytes) {
  constexpr size_t kChunk = 64;
  for (size_t start = 0; start < nbytes; start += kChunk) {
    size_t length = std::min(kChunk, nbytes - start);
    if (std::memcmp(source + start, before + start, length) == 0)
      continue;
    for (size_t i = start; i < start + length; ++i)
      if (source[i] != before[i])
        target[i] = source[i];
  }
}

/// "!tt.ptr<f32>" -> "f32", as the graph spells memory elements.
std::string memoryElement(const std::string &type) {
  const std::string prefix = "!tt.ptr<";
  if (type.rfind(prefix, 0) != 0)
    return "";
  std::string element = type.substr(prefix.size(), type.find_first_of(",>", prefix.size()) - prefix.size());
  return element == "i1" ? "i8" : element;
}

mx::array scalarArray(const Argument &argument, const std::string &type) {
  mx::Dtype dtype = dtypeOf(type);
  if (const auto *integer = std::get_if<int64_t>(&argument))
    return mx::array(*integer, dtype);
  return mx::array(std::get<double>(argument), dtype);
}

} // namespace

MlxLauncher::MlxLauncher(std::shared_ptr<CompiledKernel> compiled, bool hasDouble, bool onGpu)
    : kernel(std::move(compiled)), onGpu(onGpu) {
  kernel->checkRaisable(hasDouble);
  for (const std::string &type : facts().parameterTypes)
    elementTypes.push_back(memoryElement(type));
}

MlxLauncher::Prepared MlxLauncher::prepare(const std::array<int64_t, 3> &grid,
                                           const std::vector<Argument> &arguments) const {
  const KernelFacts &facts = kernel->facts();
  checkLaunch(facts, grid, arguments);
  Prepared launch;
  launch.signature.grid = grid;

  Storages storages = storagesOf(facts, arguments);
  launch.storages.resize(storages.size());
  for (size_t k = 0; k < storages.size(); ++k) {
    launch.storages[k].isHost = !storages[k].array;
    launch.storages[k].begin = storages[k].begin;
    launch.storages[k].end = storages[k].end;
    launch.signature.storages.push_back({static_cast<int64_t>(storages[k].end - storages[k].begin)});
  }
  size_t pointer = 0;
  for (size_t i = 0; i < arguments.size(); ++i) {
    ArgumentSpec spec;
    const Argument &argument = arguments[i];
    if (isPointerType(facts.parameterTypes[i])) {
      spec = specOf(storages, pointer++, argument);
      if (const auto *lazy = std::get_if<LazyArray>(&argument)) {
        Storage &storage = launch.storages[spec.storage];
        if (!storage.lazy)
          storage.lazy = lazy->value;
        storage.receiver = lazy->receiver;
        launch.signature.storages[spec.storage].nbytes = static_cast<int64_t>(storage.lazy->nbytes());
      }
    } else if (const auto *integer = std::get_if<int64_t>(&argument); integer && facts.specialized[i]) {
      spec.kind = ArgumentSpec::Kind::Integer;
      spec.value = *integer;
    } else {
      if (facts.specialized[i])
        throw Error(ErrorKind::Argument,
                    parameter(i) + "An integer is needed for " + facts.parameterTypes[i] + ".");
      launch.dynamicScalars.push_back(scalarArray(argument, facts.parameterTypes[i]));
    }
    launch.signature.arguments.push_back(spec);
  }
  return launch;
}

static std::string keyOf(const LaunchSignature &signature) {
  std::vector<int64_t> words(signature.grid.begin(), signature.grid.end());
  for (const ArgumentSpec &spec : signature.arguments) {
    words.push_back(static_cast<int64_t>(spec.kind));
    words.push_back(spec.storage);
    words.push_back(spec.byteOffset);
    words.push_back(spec.value);
  }
  for (const StorageSpec &storage : signature.storages)
    words.push_back(storage.nbytes);
  return std::string(reinterpret_cast<const char *>(words.data()), words.size() * sizeof(int64_t));
}

std::shared_ptr<const MlxLauncher::Executable> MlxLauncher::executable(const LaunchSignature &signature) {
  RaisingOptions options = optionsFor(onGpu);
  std::string key = keyOf(signature) + std::to_string(options.memoryBudget);
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (auto found = cache.find(key); found != cache.end()) {
      recent.splice(recent.begin(), recent, found->second);
      ++cacheHits;
      return found->second->second;
    }
  }
  auto made = std::make_shared<Executable>();
  for (LaunchGraph &graph : kernel->raise(signature, options))
    made->push_back({GraphExecutor(std::move(graph.program)), std::move(graph.outputs)});
  ++raised;
  if (made->size() > 1)
    slabs += static_cast<int64_t>(made->size());
  std::lock_guard<std::mutex> lock(mutex);
  if (auto found = cache.find(key); found != cache.end())
    return found->second->second;
  recent.emplace_front(key, made);
  cache[key] = recent.begin();
  if (recent.size() > kCacheCapacity) {
    cache.erase(recent.back().first);
    recent.pop_back();
  }
  return made;
}

mx::array MlxLauncher::inputArray(const Storage &storage, const ArrayType &type, bool copy,
                                  mx::Stream stream) const {
  mx::Dtype dtype = dtypeOf(type.dtype);
  mx::Shape shape(type.shape.begin(), type.shape.end());
  if (!storage.isHost) {
    // as_strided needs contiguous rows. When this is evaluated, it copies only if the layout is different.
    mx::array flat = mx::contiguous(
        mx::reshape(*storage.lazy, {static_cast<int>(storage.lazy->size())}, stream), false, stream);
    return flat.dtype() == dtype ? flat : mx::view(flat, dtype, stream);
  }
  size_t nbytes = static_cast<size_t>(type.shape[0]) * mx::size_of(dtype);
  if (copy || onGpu || nbytes == 0 || storage.begin % mx::size_of(dtype) != 0) {
    mx::allocator::Data memory = mx::allocator::malloc(std::max<size_t>(nbytes, 1));
    std::memcpy(memory.buffer().raw_ptr(), reinterpret_cast<const void *>(storage.begin), nbytes);
    return mx::array(std::move(memory), shape, dtype);
  }
  // MLX's CPU allocator keeps a size in front of the data. Nothing reads it unless the array is donated,
  // which the caller prevents by holding a second reference.
  mx::allocator::Buffer borrowed(reinterpret_cast<char *>(storage.begin) - sizeof(size_t));
  return mx::array(mx::allocator::Data(borrowed, [](mx::allocator::Buffer) {}), shape, dtype);
}

std::vector<MlxLauncher::Written> MlxLauncher::writtenRanges(const Executable &parts, size_t storageCount) {
  std::vector<Written> written(storageCount);
  for (const Part &part : parts)
    for (const RaisedOutput &output : part.outputs) {
      Written &range = written[output.storage];
      bool joined = !range.any || (output.begin <= range.end && output.end >= range.begin);
      range.exact = (!range.any || range.exact) && output.exact && joined;
      range.begin = range.any ? std::min(range.begin, output.begin) : output.begin;
      range.end = range.any ? std::max(range.end, output.end) : output.end;
      range.any = true;
    }
  return written;
}

std::vector<NewValue> MlxLauncher::launch(const std::array<int64_t, 3> &grid,
                                          const std::vector<Argument> &arguments) {
  Prepared prepared = prepare(grid, arguments);
  std::shared_ptr<const Executable> parts = executable(prepared.signature);
  ++launches;
  mx::Stream stream = mx::default_stream(onGpu ? mx::Device::gpu : mx::Device::cpu);
  size_t storageCount = prepared.storages.size();
  std::vector<Written> written = writtenRanges(*parts, storageCount);
  std::vector<mx::array> states, originals;
  const std::vector<ArrayType> &types = parts->front().executor.inputTypes();
  for (size_t i = 0; i < storageCount; ++i) {
    // If it depends on data which elements are stored, only those that differ from what was read may be
    // written, because another thread may be storing to their neighbours.
    bool snapshot = written[i].any && !written[i].exact;
    states.push_back(inputArray(prepared.storages[i], types[i], snapshot, stream));
  }
  originals = states; // a second reference, so that MLX does not write results into borrowed memory
  for (const Part &part : *parts) {
    std::vector<mx::array> inputs = states;
    inputs.insert(inputs.end(), prepared.dynamicScalars.begin(), prepared.dynamicScalars.end());
    for (const RaisedOutput &output : part.outputs)
      states[output.storage] = mx::array(0);
    std::vector<mx::array> results = part.executor.run(std::move(inputs), stream);
    if (parts->size() > 1)
      mx::eval(results); // slabs limit memory only if each is finished before the next
    for (size_t k = 0; k < results.size(); ++k)
      states[part.outputs[k].storage] = results[k];
  }
  // Computes everything before writing anything, so that an error leaves all arguments unchanged.
  std::vector<mx::array> hostResults;
  std::vector<size_t> hostIndex;
  for (size_t i = 0; i < storageCount; ++i)
    if (written[i].any && prepared.storages[i].isHost) {
      hostResults.push_back(mx::contiguous(states[i], false, stream));
      hostIndex.push_back(i);
    }
  if (!hostResults.empty())
    mx::eval(hostResults);
  std::vector<NewValue> newValues;
  for (size_t i = 0; i < storageCount; ++i)
    if (mx::array *receiver = prepared.storages[i].receiver; written[i].any && receiver) {
      const mx::array &before = *prepared.storages[i].lazy;
      mx::array flat =
          states[i].dtype() == before.dtype() ? states[i] : mx::view(states[i], before.dtype(), stream);
      newValues.emplace_back(receiver, mx::reshape(flat, before.shape(), stream));
    }
  bool readsHost = std::any_of(prepared.storages.begin(), prepared.storages.end(),
                               [](const Storage &s) { return s.isHost; });
  if (readsHost && !newValues.empty()) { // host memory may change or go away once the launch has returned
    std::vector<mx::array> values;
    for (auto &[receiver, value] : newValues)
      values.push_back(value);
    mx::eval(values);
  }
  for (size_t k = 0; k < hostResults.size(); ++k) {
    size_t i = hostIndex[k];
    char *target = reinterpret_cast<char *>(prepared.storages[i].begin);
    const char *source = hostResults[k].data<char>();
    size_t begin = static_cast<size_t>(written[i].begin);
    size_t end = std::min(static_cast<size_t>(written[i].end), hostResults[k].nbytes());
    if (end <= begin)
      continue;
    if (written[i].exact)
      std::memcpy(target + begin, source + begin, end - begin);
    else
      copyDifferences(target + begin, source + begin, originals[i].data<char>() + begin, end - begin);
  }
  return newValues;
}

SavedLaunch MlxLauncher::describe(const std::array<int64_t, 3> &grid,
                                  const std::vector<Argument> &arguments) {
  Prepared prepared = prepare(grid, arguments);
  std::shared_ptr<const Executable> parts = executable(prepared.signature);
  SavedLaunch saved;
  for (const ArgumentSpec &spec : prepared.signature.arguments)
    saved.arguments.emplace_back().spec = spec;
  for (const Part &part : *parts)
    saved.graphs.push_back({part.executor.graph(), part.outputs});
  std::vector<Written> written = writtenRanges(*parts, prepared.storages.size());
  for (size_t k = 0; k < prepared.storages.size(); ++k) {
    SavedStorage &storage = saved.storages.emplace_back();
    storage.dtype = parts->front().executor.inputTypes()[k].dtype;
    if (written[k].any)
      storage.after.emplace();
  }
  return saved;
}

std::string MlxLauncher::raiseText(const std::array<int64_t, 3> &grid,
                                   const std::vector<Argument> &arguments) {
  return kernel->raiseText(prepare(grid, arguments).signature, optionsFor(onGpu));
}

LaunchStatistics MlxLauncher::statistics() const {
  std::lock_guard<std::mutex> lock(mutex);
  LaunchStatistics result;
  result.launches = launches;
  result.raised = raised;
  result.cacheHits = cacheHits;
  result.slabs = slabs;
  result.cacheSize = static_cast<int64_t>(recent.size());
  return result;
}

} // namespace tmetal
