// SPDX-License-Identifier: MIT
#include "Kernels.h"
#include "MlxLauncher.h"
#include "MslLauncher.h"
#include "cpu/CpuProgram.h"

#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <mutex>
#include <optional>

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using tmetal::Error;
using tmetal::ErrorKind;

/// Reads PyTorch tensors without a Python frame. Everything but plain tensors is
/// left to the general conversion.
class TorchReader {
public:
  /// The memory of `object`, if it is a CPU tensor whose element type is in the set `accepted`.
  std::optional<tmetal::HostBuffer> read(PyObject *object, PyObject *accepted) {
    if (Py_TYPE(object) != tensorType && !learn(object))
      return std::nullopt;
    Owned dtype(PyObject_GetAttr(object, names[0]));
    Owned isCpu(PyObject_GetAttr(object, names[1]));
    if (!dtype.object || PySet_Contains(accepted, dtype.object) != 1 || isCpu.object != Py_True)
      return fail();
    Owned isNegated(PyObject_CallMethodNoArgs(object, names[2]));
    Owned storage(PyObject_CallMethodNoArgs(object, names[3]));
    if (isNegated.object != Py_False || !storage.object)
      return fail();
    tmetal::HostBuffer buffer;
    bool read = integer(object, names[4], buffer.address) &&
                integer(storage.object, names[4], buffer.storageAddress) &&
                integer(storage.object, names[5], buffer.storageBytes);
    if (!read || buffer.address == 0) // PyTorch gives tensors without elements the address 0
      return fail();
    return buffer;
  }

private:
  struct Owned {
    explicit Owned(PyObject *object) : object(object) {}
    ~Owned() { Py_XDECREF(object); }
    Owned(const Owned &) = delete;
    PyObject *object;
  };

  static std::optional<tmetal::HostBuffer> fail() {
    PyErr_Clear();
    return std::nullopt;
  }

  template <typename T> static bool integer(PyObject *object, PyObject *method, T &result) {
    Owned value(PyObject_CallMethodNoArgs(object, method));
    if (!value.object)
      return false;
    result = static_cast<T>(PyLong_AsUnsignedLongLong(value.object));
    return !PyErr_Occurred();
  }

  /// Finds torch.Tensor, which exists only in a process that has imported torch.
  bool learn(PyObject *object) {
    if (tensorType)
      return false;
    const char *name = Py_TYPE(object)->tp_name;
    if (std::strcmp(name, "Tensor") != 0 && std::strcmp(name, "torch.Tensor") != 0)
      return false;
    PyObject *torch = PyImport_GetModule(nb::str("torch").ptr());
    if (!torch)
      return false;
    Owned module(torch), type(PyObject_GetAttrString(torch, "Tensor"));
    if (type.object != reinterpret_cast<PyObject *>(Py_TYPE(object))) {
      PyErr_Clear();
      return false;
    }
    const char *const spelled[] = {"dtype", "is_cpu", "is_neg", "untyped_storage", "data_ptr", "nbytes"};
    for (size_t i = 0; i < std::size(spelled); ++i)
      names[i] = PyUnicode_InternFromString(spelled[i]);
    Py_INCREF(type.object);
    tensorType = Py_TYPE(object);
    return true;
  }

  PyTypeObject *tensorType = nullptr;
  PyObject *names[6] = {};
};

struct PythonHostBuffer {
  tmetal::HostBuffer buffer;
  nb::object keepAlive;
};

/// Writes where Python's print would, so that output of kernels and of the program stays in order.
void writeToPythonStdout(const std::string &text) {
  nb::gil_scoped_acquire gil;
  nb::object out = nb::module_::import_("sys").attr("stdout");
  if (!out.is_none())
    out.attr("write")(text);
}

/// A kernel with the launcher of the chosen engine. The other one is created when its text is requested.
class PythonKernel {
public:
  PythonKernel(const std::string &text, const std::optional<tmetal::EngineRequest> &given,
               const std::string &arch, const std::string &device)
      : compiled(std::make_shared<tmetal::CompiledKernel>(text)) {
    if (given)
      request = *given;
    else if (compiled->recordedRequest())
      request = *compiled->recordedRequest();
    request.msl.arch = arch;
    request.onGpu = device == "gpu";
    choice = compiled->choose(request);
    if (choice.engine == "mlx") {
      active = &mlxLauncher();
      return;
    }
    if (request.onGpu)
      throw Error(
          ErrorKind::Unsupported,
          "[engine] Kernels in Metal Shading Language run on the CPU device only in this version: set "
          "TRITON_METAL_DEVICE=cpu.");
    mslLauncher().prepare();
    active = &mslLauncher();
  }

  const tmetal::KernelFacts &facts() const { return compiled->facts(); }

  std::vector<tmetal::NewValue> launch(const std::array<int64_t, 3> &grid,
                                       const std::vector<tmetal::Argument> &arguments) {
    return active->launch(grid, arguments);
  }

  tmetal::MlxLauncher &mlxLauncher() {
    std::lock_guard<std::mutex> lock(mutex);
    if (!mlx)
      mlx = std::make_unique<tmetal::MlxLauncher>(compiled, request.hasDouble(), request.onGpu);
    return *mlx;
  }

  tmetal::MslLauncher &mslLauncher() {
    std::lock_guard<std::mutex> lock(mutex);
    if (!msl)
      msl = std::make_unique<tmetal::MslLauncher>(
          compiled->facts(), request.msl,
          [compiled = compiled](const tmetal::MslOptions &options) { return compiled->toMsl(options); },
          writeToPythonStdout, compiled->accesses());
    return *msl;
  }

  std::shared_ptr<tmetal::CompiledKernel> compiled;
  tmetal::EngineRequest request;
  tmetal::EngineChoice choice;
  std::unique_ptr<tmetal::MlxLauncher> mlx;
  std::unique_ptr<tmetal::MslLauncher> msl;
  tmetal::KernelLauncher *active = nullptr; // the one of the two that launches

private:
  std::mutex mutex;
};

int64_t integerFrom(PyObject *object) {
  int overflow = 0;
  long long value = PyLong_AsLongLongAndOverflow(object, &overflow);
  if (overflow > 0) // a u64 that exceeds the i64 range: keeps the bits
    value = static_cast<long long>(PyLong_AsUnsignedLongLong(object));
  if (PyErr_Occurred())
    throw nb::python_error();
  return value;
}

tmetal::Argument argumentFrom(const tmetal::KernelFacts &facts, size_t i, nb::handle arg) {
  if (PyBool_Check(arg.ptr()))
    return int64_t(arg.ptr() == Py_True);
  if (PyLong_Check(arg.ptr())) {
    int64_t value = integerFrom(arg.ptr());
    bool isFloat = i < facts.parameterTypes.size() && facts.parameterTypes[i][0] != 'i' &&
                   facts.parameterTypes[i][0] != '!';
    if (isFloat)
      return static_cast<double>(value);
    return value;
  }
  if (PyFloat_Check(arg.ptr()))
    return PyFloat_AS_DOUBLE(arg.ptr());
  if (nb::isinstance<PythonHostBuffer>(arg))
    return nb::inst_ptr<PythonHostBuffer>(arg)->buffer;
  if (nb::isinstance<tmetal::mx::array>(arg)) {
    auto &array = nb::cast<tmetal::mx::array &>(arg);
    return tmetal::LazyArray{array, &array};
  }
  std::string name = i < facts.parameterNames.size() ? facts.parameterNames[i] : std::to_string(i);
  throw Error(ErrorKind::Argument, "[argument '" + name + "'] A " +
                                       nb::cast<std::string>(arg.type().attr("__name__")) +
                                       " cannot be passed to a kernel.");
}

std::vector<tmetal::Argument> argumentsFrom(const tmetal::KernelFacts &facts, nb::sequence args) {
  std::vector<tmetal::Argument> result;
  result.reserve(nb::len(args));
  size_t i = 0;
  for (nb::handle arg : args)
    result.push_back(argumentFrom(facts, i++, arg));
  return result;
}

void launchOn(PythonKernel &self, const std::array<int64_t, 3> &grid,
              const std::vector<tmetal::Argument> &arguments) {
  std::vector<tmetal::NewValue> newValues;
  {
    nb::gil_scoped_release release;
    newValues = self.launch(grid, arguments);
  }
  for (auto &[receiver, value] : newValues)
    receiver->overwrite_descriptor(value);
}

void launch(PythonKernel &self, const std::array<int64_t, 3> &grid, nb::sequence args) {
  launchOn(self, grid, argumentsFrom(self.facts(), args));
}

/// How the arguments of a Triton launch become those of the kernel.
struct LaunchPlan {
  struct Entry {
    Py_ssize_t place;    // position among the arguments of the launch
    nb::object accepted; // element types that suit a pointer; null for a scalar
    nb::object convert;  // turns other objects into a HostBuffer or an MLX array, or raises
  };
  size_t parameterCount; // including constants
  std::vector<Entry> entries;
};

void launchPlanned(PythonKernel &self, const LaunchPlan &plan, int64_t x, int64_t y, int64_t z,
                   nb::tuple args) {
  static TorchReader reader;
  const tmetal::KernelFacts &facts = self.facts();
  std::vector<tmetal::Argument> arguments;
  arguments.reserve(plan.entries.size());
  std::vector<nb::object> converted; // kept alive until the launch is over
  for (size_t i = 0; i < plan.entries.size(); ++i) {
    const LaunchPlan::Entry &entry = plan.entries[i];
    if (entry.place >= PyTuple_GET_SIZE(args.ptr()))
      throw Error(ErrorKind::Argument, "[" + facts.name + "] The kernel takes " +
                                           std::to_string(plan.parameterCount) + " arguments, " +
                                           std::to_string(PyTuple_GET_SIZE(args.ptr())) + " were given.");
    PyObject *arg = PyTuple_GET_ITEM(args.ptr(), entry.place);
    if (!entry.accepted.is_valid()) {
      arguments.push_back(argumentFrom(facts, i, arg));
    } else if (auto buffer = reader.read(arg, entry.accepted.ptr())) {
      arguments.push_back(*buffer);
    } else {
      converted.push_back(entry.convert(nb::handle(arg)));
      arguments.push_back(argumentFrom(facts, i, converted.back()));
    }
  }
  launchOn(self, {x, y, z}, arguments);
}

std::string saveLaunch(PythonKernel &self, const std::string &folder, const std::array<int64_t, 3> &grid,
                       nb::sequence args) {
  std::vector<tmetal::Argument> arguments = argumentsFrom(self.facts(), args);
  std::vector<tmetal::NewValue> newValues;
  std::string saved;
  {
    nb::gil_scoped_release release;
    newValues = self.active->launchAndSave(grid, arguments, folder, &saved);
  }
  for (auto &[receiver, value] : newValues)
    receiver->overwrite_descriptor(value);
  return saved;
}

nb::dict statistics(const PythonKernel &self) {
  nb::dict result;
  tmetal::LaunchStatistics found = self.active->statistics();
  result["launches"] = found.launches;
  result["raised"] = found.raised;
  result["cache_hits"] = found.cacheHits;
  result["cache_size"] = found.cacheSize;
  result["slabs"] = found.slabs;
  result["variants"] = found.variants;
  result["printed"] = found.printed;
  result["buffer_copies"] = found.bufferCopies;
  result["donated_buffers"] = found.donatedBuffers;
  result["checked_launches"] = found.checkedLaunches;
  return result;
}

nb::dict deviceStatistics() {
  tmetal::CpuStatistics cpu = tmetal::cpuStatistics();
  nb::dict result;
  result["compiler_calls"] = cpu.compilerCalls;
  result["disk_hits"] = cpu.diskHits;
  result["memory_hits"] = cpu.memoryHits;
  return result;
}

nb::dict countsOf(const tmetal::MslKernel &kernel) {
  nb::dict result;
  result["barriers"] = kernel.counts.barriers;
  result["shuffles"] = kernel.counts.shuffles;
  result["matrix products"] = kernel.counts.products;
  result["loops"] = kernel.counts.loops;
  result["atomics"] = kernel.counts.atomics;
  return result;
}

void bindKernelClass(nb::module_ &module) {
  nb::class_<LaunchPlan>(module, "LaunchPlan",
                         "How the arguments of Triton's launch become those of a kernel.")
      .def(
          "__init__", [](LaunchPlan *self, size_t count) { new (self) LaunchPlan{count, {}}; },
          "parameters"_a)
      .def(
          "add_scalar", [](LaunchPlan &self, Py_ssize_t place) { self.entries.push_back({place, {}, {}}); },
          "place"_a)
      .def(
          "add_pointer",
          [](LaunchPlan &self, Py_ssize_t place, nb::set accepted, nb::object convert) {
            self.entries.push_back({place, accepted, convert});
          },
          "place"_a, "accepted"_a, "convert"_a,
          "`accepted`: the element types known to be right. `convert`: for all but plain PyTorch tensors of "
          "them.");
  nb::class_<PythonKernel>(module, "Kernel", "A compiled kernel; launches are safe from several threads.")
      .def(
          "__init__",
          [](PythonKernel *self, const std::string &text, const std::string &arch, const std::string &device,
             const std::optional<std::string> &engine, std::optional<int> simdgroups,
             std::optional<bool> fpFusion, const std::optional<std::string> &sanitize) {
            std::optional<tmetal::EngineRequest> request;
            if (engine || simdgroups || fpFusion || sanitize)
              request = tmetal::requestFrom({arch, device, engine.value_or("auto"), simdgroups.value_or(4),
                                             fpFusion.value_or(true), true, sanitize.value_or("")});
            nb::gil_scoped_release release;
            new (self) PythonKernel(text, request, arch, device);
          },
          "text"_a, nb::kw_only(), "arch"_a, "device"_a = "cpu", "engine"_a = nb::none(),
          "simdgroups"_a = nb::none(), "fp_fusion"_a = nb::none(), "sanitize"_a = nb::none(),
          "`text` is the last stage of a compilation, or Triton IR, for which the options are.")
      .def_prop_ro("name", [](const PythonKernel &self) { return self.facts().name; })
      .def_prop_ro("engine", [](const PythonKernel &self) { return self.choice.engine; })
      .def_prop_ro("engine_reason", [](const PythonKernel &self) { return self.choice.reason; })
      .def_prop_ro("parameters",
                   [](const PythonKernel &self) {
                     std::vector<std::pair<std::string, std::string>> result;
                     const auto &facts = self.facts();
                     for (size_t i = 0; i < facts.parameterNames.size(); ++i)
                       result.emplace_back(facts.parameterNames[i], facts.parameterTypes[i]);
                     return result;
                   })
      .def_prop_ro("stored", [](const PythonKernel &self) { return self.facts().stored; })
      .def_prop_ro("specialized", [](const PythonKernel &self) { return self.facts().specialized; })
      .def(
          "launch",
          [](PythonKernel &self, const std::array<int64_t, 3> &grid, nb::sequence args) {
            launch(self, grid, args);
          },
          "grid"_a, "args"_a)
      .def("launch_planned", &launchPlanned, "plan"_a, "x"_a, "y"_a, "z"_a, "args"_a,
           "Launches on a grid of x, y, z programs with the arguments of Triton's launch.")
      .def("save_launch", &saveLaunch, "folder"_a, "grid"_a, "args"_a,
           "Launches, and saves the launch with the memory before and after it as a folder in `folder`.")
      .def(
          "raise_text",
          [](PythonKernel &self, const std::array<int64_t, 3> &grid, nb::sequence args) {
            std::vector<tmetal::Argument> arguments = argumentsFrom(self.facts(), args);
            tmetal::MlxLauncher &launcher = self.mlxLauncher();
            nb::gil_scoped_release release;
            return launcher.raiseText(grid, arguments);
          },
          "grid"_a, "args"_a, "The launch in the `mlx` dialect; nothing runs.")
      .def(
          "alias_groups",
          [](PythonKernel &self, nb::sequence args) {
            return self.mslLauncher().aliasGroups(argumentsFrom(self.facts(), args));
          },
          "args"_a, "One number for each pointer; equal numbers overlap and are stored to. Empty: none do.")
      .def(
          "msl_text",
          [](PythonKernel &self, const std::vector<int> &aliasGroups) {
            tmetal::MslLauncher &launcher = self.mslLauncher();
            nb::gil_scoped_release release;
            return launcher.text(aliasGroups);
          },
          "alias_groups"_a = std::vector<int>(), "The kernel in Metal Shading Language.")
      .def(
          "tm_text",
          [](PythonKernel &self, const std::vector<int> &aliasGroups) {
            tmetal::MslOptions options = self.request.msl;
            options.aliasGroups = aliasGroups;
            nb::gil_scoped_release release;
            return self.compiled->tmText(options);
          },
          "alias_groups"_a = std::vector<int>(), "The kernel in the `tm` dialect.")
      .def(
          "msl_facts",
          [](PythonKernel &self) {
            tmetal::MslKernel kernel = self.mslLauncher().kernel();
            nb::dict result;
            result["threadgroup_bytes"] = kernel.threadgroupBytes;
            result["simdgroups"] = kernel.simdgroups;
            result["buffers"] = kernel.parameters.size();
            result["counts"] = countsOf(kernel);
            result["lines"] = std::count(kernel.text.begin(), kernel.text.end(), '\n');
            return result;
          },
          "What the text needs of the device.")
      .def("statistics", &statistics);
}

} // namespace

void bindKernels(nb::module_ &module) {
  nb::class_<PythonHostBuffer>(module, "HostBuffer",
                               "Memory of torch or NumPy that a kernel reads and writes in place.")
      .def(
          "__init__",
          [](PythonHostBuffer *self, uintptr_t address, uintptr_t storage, int64_t nbytes, bool readonly,
             nb::object keep) {
            new (self) PythonHostBuffer{{address, storage, nbytes, readonly}, std::move(keep)};
          },
          "address"_a, "storage_address"_a, "storage_nbytes"_a, "readonly"_a, "keepalive"_a.none());

  bindKernelClass(module);
  module.def("device_statistics", &deviceStatistics,
             "Of the CPU device, in this process: runs of the compiler, and texts found compiled.");
}
