// SPDX-License-Identifier: MIT
#include "Kernels.h"
#include "Launcher.h"
#include "MslLauncher.h"
#include "cpu/CpuDevice.h"

#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <mutex>
#include <optional>

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using tmetal::Error;
using tmetal::ErrorKind;

struct PythonHostBuffer {
  tmetal::HostBuffer buffer;
  nb::object keepAlive;
};

tmetal::EngineRequest requestFor(const std::string &engine, const std::string &arch, const std::string &device,
                                 int simdgroups, bool fpFusion, const std::string &sanitize) {
  tmetal::EngineRequest request;
  request.engine = engine;
  request.onGpu = device == "gpu";
  request.msl.arch = arch;
  request.msl.simdgroups = simdgroups;
  request.msl.fpFusion = fpFusion;
  for (size_t begin = 0; begin < sanitize.size();) {
    size_t end = std::min(sanitize.find(',', begin), sanitize.size());
    std::string mode = sanitize.substr(begin, end - begin);
    if (mode == "address")
      request.msl.checkAddresses = true;
    else if (mode == "thread")
      request.msl.checkRaces = true;
    else if (mode == "undefined")
      request.msl.checkUndefined = true;
    else
      throw Error(ErrorKind::Argument,
                  "[sanitize] '" + mode + "' is not a check mode: use address, thread or undefined.");
    begin = end + 1;
  }
  return request;
}

/// Where Python's own print would write, so that prints of kernels and of the program keep their order.
void writeToPythonStdout(const std::string &text) {
  nb::gil_scoped_acquire gil;
  nb::object out = nb::module_::import_("sys").attr("stdout");
  if (!out.is_none())
    out.attr("write")(text);
}

/// A kernel with the engine that runs it. The other engine is made when somebody asks for its text.
class PythonKernel {
public:
  PythonKernel(const std::string &text, const std::optional<tmetal::EngineRequest> &given, const std::string &arch,
               const std::string &device)
      : compiled(std::make_shared<tmetal::CompiledKernel>(text)) {
    if (given)
      request = *given;
    else if (compiled->recordedRequest())
      request = *compiled->recordedRequest();
    request.msl.arch = arch;
    request.onGpu = device == "gpu";
    choice = compiled->choose(request);
    if (choice.engine == "mlx") {
      mlxLauncher();
      return;
    }
    if (request.onGpu)
      throw Error(ErrorKind::Unsupported,
                  "[engine] Kernels in Metal Shading Language run on the CPU device only in this version: set "
                  "TRITON_METAL_DEVICE=cpu.");
    mslLauncher().prepare();
  }

  const tmetal::KernelFacts &facts() const { return compiled->facts(); }
  bool usesMsl() const { return choice.engine == "msl"; }

  std::vector<tmetal::NewValue> launch(const std::array<int64_t, 3> &grid,
                                       const std::vector<tmetal::Argument> &arguments) {
    return usesMsl() ? msl->launch(grid, arguments) : mlx->launch(grid, arguments);
  }

  tmetal::Launcher &mlxLauncher() {
    std::lock_guard<std::mutex> lock(mutex);
    if (!mlx)
      mlx = std::make_unique<tmetal::Launcher>(compiled, request.hasDouble(), request.onGpu);
    return *mlx;
  }

  tmetal::MslLauncher &mslLauncher() {
    std::lock_guard<std::mutex> lock(mutex);
    if (!msl)
      msl = std::make_unique<tmetal::MslLauncher>(
          compiled->facts(), request.msl,
          [compiled = compiled](const tmetal::MslOptions &options) { return compiled->toMsl(options); },
          writeToPythonStdout);
    return *msl;
  }

  std::shared_ptr<tmetal::CompiledKernel> compiled;
  tmetal::EngineRequest request;
  tmetal::EngineChoice choice;
  std::unique_ptr<tmetal::Launcher> mlx;
  std::unique_ptr<tmetal::MslLauncher> msl;

private:
  std::mutex mutex;
};

int64_t integerFrom(PyObject *object) {
  int overflow = 0;
  long long value = PyLong_AsLongLongAndOverflow(object, &overflow);
  if (overflow > 0) // a u64 beyond the i64 range: the same bits
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

void launch(PythonKernel &self, const std::array<int64_t, 3> &grid, nb::sequence args) {
  std::vector<tmetal::Argument> arguments = argumentsFrom(self.facts(), args);
  std::vector<tmetal::NewValue> newValues;
  {
    nb::gil_scoped_release release;
    newValues = self.launch(grid, arguments);
  }
  for (auto &[receiver, value] : newValues)
    receiver->overwrite_descriptor(value);
}

std::string saveLaunch(PythonKernel &self, const std::string &folder, const std::array<int64_t, 3> &grid,
                       nb::sequence args) {
  std::vector<tmetal::Argument> arguments = argumentsFrom(self.facts(), args);
  std::vector<tmetal::NewValue> newValues;
  std::string saved;
  tmetal::Launcher &launcher = self.mlxLauncher();
  {
    nb::gil_scoped_release release;
    newValues = launcher.launchAndSave(grid, arguments, folder, &saved);
  }
  for (auto &[receiver, value] : newValues)
    receiver->overwrite_descriptor(value);
  return saved;
}

nb::dict statistics(const PythonKernel &self) {
  nb::dict result;
  tmetal::LaunchStatistics mlx = self.mlx ? self.mlx->statistics() : tmetal::LaunchStatistics{};
  tmetal::MslStatistics msl = self.msl ? self.msl->statistics() : tmetal::MslStatistics{};
  result["launches"] = mlx.launches + msl.launches;
  result["raised"] = mlx.raised;
  result["cache_hits"] = mlx.cacheHits;
  result["cache_size"] = mlx.cacheSize;
  result["slabs"] = mlx.slabs;
  result["variants"] = msl.variants;
  result["printed"] = msl.printed;
  result["buffer_copies"] = msl.bufferCopies;
  result["donated_buffers"] = msl.donatedBuffers;
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

void bindKernelClass(nb::module_ &module) {
  nb::class_<PythonKernel>(module, "Kernel", "A compiled kernel; launches are safe from several threads.")
      .def(
          "__init__",
          [](PythonKernel *self, const std::string &text, const std::string &arch, const std::string &device,
             const std::optional<std::string> &engine, std::optional<int> simdgroups, std::optional<bool> fpFusion,
             const std::optional<std::string> &sanitize) {
            std::optional<tmetal::EngineRequest> request;
            if (engine || simdgroups || fpFusion || sanitize)
              request = requestFor(engine.value_or("auto"), arch, device, simdgroups.value_or(4),
                                   fpFusion.value_or(true), sanitize.value_or(""));
            nb::gil_scoped_release release;
            new (self) PythonKernel(text, request, arch, device);
          },
          "text"_a, nb::kw_only(), "arch"_a, "device"_a = "cpu", "engine"_a = nb::none(),
          "simdgroups"_a = nb::none(), "fp_fusion"_a = nb::none(), "sanitize"_a = nb::none(),
          "`text` comes from compile_kernel and says for which engine; the options are for other text.")
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
          [](PythonKernel &self, const std::array<int64_t, 3> &grid, nb::sequence args, const std::string &) {
            launch(self, grid, args);
          },
          "grid"_a, "args"_a, nb::kw_only(), "math"_a = "")
      .def("save_launch", &saveLaunch, "folder"_a, "grid"_a, "args"_a,
           "Launches, and saves the launch with the memory before and after it as a folder in `folder`.")
      .def(
          "raise_text",
          [](PythonKernel &self, const std::array<int64_t, 3> &grid, nb::sequence args) {
            std::vector<tmetal::Argument> arguments = argumentsFrom(self.facts(), args);
            tmetal::Launcher &launcher = self.mlxLauncher();
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
            result["needs_forward_progress"] = kernel.needsForwardProgress;
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

  module.def(
      "compile_kernel",
      [](const std::string &text, const std::string &arch, const std::string &device, const std::string &engine,
         int simdgroups, bool fpFusion, const std::string &sanitize, const std::string &fileName) {
        tmetal::EngineRequest request = requestFor(engine, arch, device, simdgroups, fpFusion, sanitize);
        tmetal::CompiledText compiled;
        {
          nb::gil_scoped_release release;
          compiled = tmetal::compileKernel(text, fileName, request);
        }
        nb::dict result;
        result["text"] = compiled.text;
        result["engine"] = compiled.choice.engine;
        result["reason"] = compiled.choice.reason;
        result["threadgroup_bytes"] = compiled.threadgroupBytes;
        return result;
      },
      "ttir"_a, nb::kw_only(), "arch"_a, "device"_a = "cpu", "engine"_a = "auto", "simdgroups"_a = 4,
      "fp_fusion"_a = true, "sanitize"_a = "", "file_name"_a = "<ttir>",
      "Triton IR through the shared passes, and the engine that will run it. Raises CompileError, UnsupportedError "
      "or OutOfResources.");
  module.def(
      "compile_ttir",
      [](const std::string &text, const std::string &arch, const std::string &fileName) {
        nb::gil_scoped_release release;
        return tmetal::compileTritonIR(text, arch == "host", fileName);
      },
      "ttir"_a, nb::kw_only(), "arch"_a, "file_name"_a = "<ttir>",
      "Triton IR through the shared passes, for the mlx engine. Raises CompileError or UnsupportedError.");
  bindKernelClass(module);
  module.def("device_statistics", &deviceStatistics,
             "Of the CPU device, in this process: runs of the compiler, and texts found compiled.");
}
