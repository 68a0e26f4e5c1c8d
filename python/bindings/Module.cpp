// SPDX-License-Identifier: MIT
// The Python module triton_metal._core: a thin face of the compiler and the runtime.
#include "Launcher.h"
#include "Profiles.h"

#include "mlx/version.h"

#include <nanobind/nanobind.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

namespace nb = nanobind;
using namespace nb::literals;

namespace {

struct PythonHostBuffer {
  tmetal::HostBuffer buffer;
  nb::object keepAlive;
};

struct PythonKernel {
  PythonKernel(std::string text, const std::string &arch, const std::string &device)
      : launcher(std::move(text), arch == "host" && device == "cpu", device == "gpu") {}
  tmetal::Launcher launcher;
};

std::vector<tmetal::Argument> argumentsFrom(const tmetal::KernelFacts &facts, nb::sequence args) {
  std::vector<tmetal::Argument> result;
  size_t i = 0;
  for (nb::handle arg : args) {
    if (PyBool_Check(arg.ptr()))
      result.emplace_back(int64_t(arg.ptr() == Py_True));
    else if (PyLong_Check(arg.ptr())) {
      int overflow = 0;
      long long value = PyLong_AsLongLongAndOverflow(arg.ptr(), &overflow);
      if (overflow > 0) // a u64 beyond the i64 range: the same bits
        value = static_cast<long long>(PyLong_AsUnsignedLongLong(arg.ptr()));
      if (PyErr_Occurred())
        throw nb::python_error();
      bool isFloat = i < facts.parameterTypes.size() && facts.parameterTypes[i][0] != 'i' &&
                     facts.parameterTypes[i][0] != '!';
      if (isFloat)
        result.emplace_back(static_cast<double>(value));
      else
        result.emplace_back(int64_t(value));
    } else if (PyFloat_Check(arg.ptr()))
      result.emplace_back(PyFloat_AS_DOUBLE(arg.ptr()));
    else if (nb::isinstance<PythonHostBuffer>(arg))
      result.emplace_back(nb::cast<PythonHostBuffer &>(arg).buffer);
    else if (nb::isinstance<tmetal::mx::array>(arg)) {
      auto &array = nb::cast<tmetal::mx::array &>(arg);
      result.emplace_back(tmetal::LazyArray{array, &array});
    } else {
      std::string name = i < facts.parameterNames.size() ? facts.parameterNames[i] : std::to_string(i);
      throw tmetal::Error(tmetal::ErrorKind::Argument,
                          "[argument '" + name + "'] A " +
                              nb::cast<std::string>(arg.type().attr("__name__")) +
                              " cannot be passed to a kernel.");
    }
    ++i;
  }
  return result;
}

void bindErrors(nb::module_ &module) {
  static nb::object metal = nb::exception<tmetal::Error>(module, "MetalError", PyExc_RuntimeError);
  auto derived = [&](const char *name, nb::handle base) {
    nb::object type = nb::steal(
        PyErr_NewException((std::string("triton_metal._core.") + name).c_str(), base.ptr(), nullptr));
    module.attr(name) = type;
    return type;
  };
  static nb::object compile = derived("CompileError", metal);
  static nb::object unsupported = derived("UnsupportedError", compile);
  static nb::object argument = derived("ArgumentError", metal);
  nb::register_exception_translator([](const std::exception_ptr &pointer, void *) {
    try {
      std::rethrow_exception(pointer);
    } catch (const tmetal::Error &error) {
      const nb::object &type = error.kind == tmetal::ErrorKind::Compile       ? compile
                               : error.kind == tmetal::ErrorKind::Unsupported ? unsupported
                                                                              : argument;
      PyErr_SetString(type.ptr(), error.what());
    }
  });
}

} // namespace

NB_MODULE(_core, module) {
  module.attr("__version__") = TRITON_METAL_VERSION;
  bindErrors(module);
  bindProfiles(module);
  module.def("mlir_version", &tmetal::mlirVersion);
  module.def("mlx_version", [] {
    return std::to_string(MLX_VERSION_MAJOR) + "." + std::to_string(MLX_VERSION_MINOR) + "." +
           std::to_string(MLX_VERSION_PATCH);
  });
  module.def(
      "self_test",
      [] {
        nb::object made = nb::module_::import_("mlx.core").attr("array")(nb::make_tuple(1, 2, 3));
        if (!nb::isinstance<tmetal::mx::array>(made) || nb::cast<tmetal::mx::array &>(made).size() != 3)
          throw nb::import_error(
              "triton_metal._core does not share mx.array with the installed mlx; they must be built "
              "for the same MLX and nanobind.");
      },
      "Raises ImportError when this module and the installed mlx do not share the class mx.array.");

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
      "compile_ttir",
      [](const std::string &text, const std::string &arch, const std::string &fileName) {
        nb::gil_scoped_release release;
        return tmetal::compileTritonIR(text, arch == "host", fileName);
      },
      "ttir"_a, nb::kw_only(), "arch"_a, "file_name"_a = "<ttir>",
      "Triton IR through the shared passes. Raises CompileError or UnsupportedError.");

  nb::class_<PythonKernel>(module, "Kernel", "A compiled kernel; launches are safe from several threads.")
      .def(nb::init<std::string, const std::string &, const std::string &>(), "text"_a, nb::kw_only(),
           "arch"_a, "device"_a = "cpu")
      .def_prop_ro("name", [](const PythonKernel &self) { return self.launcher.facts().name; })
      .def_prop_ro("parameters",
                   [](const PythonKernel &self) {
                     std::vector<std::pair<std::string, std::string>> result;
                     const auto &facts = self.launcher.facts();
                     for (size_t i = 0; i < facts.parameterNames.size(); ++i)
                       result.emplace_back(facts.parameterNames[i], facts.parameterTypes[i]);
                     return result;
                   })
      .def_prop_ro("stored", [](const PythonKernel &self) { return self.launcher.facts().stored; })
      .def_prop_ro("specialized", [](const PythonKernel &self) { return self.launcher.facts().specialized; })
      .def(
          "launch",
          [](PythonKernel &self, const std::array<int64_t, 3> &grid, nb::sequence args, const std::string &) {
            std::vector<tmetal::Argument> arguments = argumentsFrom(self.launcher.facts(), args);
            std::vector<tmetal::NewValue> newValues;
            {
              nb::gil_scoped_release release;
              newValues = self.launcher.launch(grid, arguments);
            }
            for (auto &[receiver, value] : newValues)
              receiver->overwrite_descriptor(value);
          },
          "grid"_a, "args"_a, nb::kw_only(), "math"_a = "")
      .def(
          "raise_text",
          [](PythonKernel &self, const std::array<int64_t, 3> &grid, nb::sequence args) {
            std::vector<tmetal::Argument> arguments = argumentsFrom(self.launcher.facts(), args);
            nb::gil_scoped_release release;
            return self.launcher.raiseText(grid, arguments);
          },
          "grid"_a, "args"_a, "The launch in the `mlx` dialect; nothing runs.")
      .def("statistics", [](const PythonKernel &self) {
        tmetal::LaunchStatistics s = self.launcher.statistics();
        nb::dict result;
        result["launches"] = s.launches;
        result["raised"] = s.raised;
        result["cache_hits"] = s.cacheHits;
        result["cache_size"] = s.cacheSize;
        result["slabs"] = s.slabs;
        return result;
      });

  module.def("operations", [] {
    nb::list rows;
    for (const tmetal::OperationInfo &info : tmetal::operationTable()) {
      nb::dict row;
      row["op"] = info.name;
      row["mlx"] = info.mlx;
      row["msl"] = "";
      row["note"] = info.note;
      rows.append(row);
    }
    return rows;
  });
}
