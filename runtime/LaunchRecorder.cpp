// SPDX-License-Identifier: MIT
// Saves launches. The launcher describes what it runs, and this adds the memory before and after.
#include "KernelLauncher.h"
#include "SavedLaunch.h"

#include "mlx/ops.h"
#include "mlx/transforms.h"

namespace tmetal {

namespace {

std::vector<uint8_t> bytesOf(const mx::array &value) {
  mx::array flat = mx::contiguous(value);
  mx::eval(flat);
  const auto *data = flat.data<uint8_t>();
  return {data, data + flat.nbytes()};
}

/// The storages of a launch, with the values of MLX arrays.
class Contents {
public:
  Contents(const KernelFacts &facts, const std::vector<Argument> &arguments)
      : storages(storagesOf(facts, arguments)) {
    for (const Argument &argument : arguments)
      if (const auto *lazy = std::get_if<LazyArray>(&argument))
        values.emplace_back(lazy->receiver, lazy->value);
  }

  std::vector<uint8_t> bytes(size_t k, const std::vector<NewValue> &newValues = {}) const {
    const Reached &storage = storages[k];
    if (!storage.array) {
      const auto *begin = reinterpret_cast<const uint8_t *>(storage.begin);
      return {begin, begin + (storage.end - storage.begin)};
    }
    for (const std::vector<NewValue> *known : {&newValues, &values})
      for (const auto &[receiver, value] : *known)
        if (receiver == storage.array)
          return bytesOf(value);
    return {};
  }

private:
  Storages storages;
  std::vector<NewValue> values;
};

} // namespace

std::vector<NewValue> KernelLauncher::launchAndSave(const std::array<int64_t, 3> &grid,
                                                    const std::vector<Argument> &arguments,
                                                    const std::string &parent, std::string *folder) {
  checkLaunch(facts(), grid, arguments);
  SavedLaunch saved = describe(grid, arguments);
  Contents contents(facts(), arguments);
  for (size_t k = 0; k < saved.storages.size(); ++k)
    saved.storages[k].before = contents.bytes(k);
  for (size_t i = 0; i < arguments.size(); ++i) {
    saved.arguments[i].name = facts().parameterNames[i];
    saved.arguments[i].type = facts().parameterTypes[i];
    if (const auto *integer = std::get_if<int64_t>(&arguments[i])) {
      saved.arguments[i].integer = *integer;
    } else if (const auto *floating = std::get_if<double>(&arguments[i])) {
      saved.arguments[i].isFloat = true;
      saved.arguments[i].floating = *floating;
    }
  }
  saved.kernel = facts().name;
  saved.grid = grid;
  std::vector<NewValue> newValues = launch(grid, arguments);
  for (size_t k = 0; k < saved.storages.size(); ++k)
    if (saved.storages[k].after)
      saved.storages[k].after = contents.bytes(k, newValues);
  *folder = saveLaunch(saved, parent).string();
  return newValues;
}

} // namespace tmetal
