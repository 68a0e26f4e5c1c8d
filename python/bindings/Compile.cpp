// SPDX-License-Identifier: MIT
// Bindings of the compiler: targets and stages.
#include "Compile.h"

#include "triton-metal/Compilation.h"
#include "triton-metal/Kernel.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

namespace nb = nanobind;
using namespace nb::literals;

namespace {

nb::dict statistics() {
  tmetal::CompilerStatistics done = tmetal::compilerStatistics();
  nb::dict result;
  result["parsed"] = done.parsed;
  result["lowered"] = done.lowered;
  result["printed"] = done.printed;
  return result;
}

} // namespace

void bindCompilation(nb::module_ &module) {
  nb::class_<tmetal::EngineRequest>(module, "Target", "What a kernel is to be compiled for.")
      .def(
          "__init__",
          [](tmetal::EngineRequest *self, const std::string &arch, const std::string &device,
             const std::string &engine, int simdgroups, bool fpFusion, bool hasCompiler,
             const std::string &sanitize) {
            new (self) tmetal::EngineRequest(
                tmetal::requestFrom({arch, device, engine, simdgroups, fpFusion, hasCompiler, sanitize}));
          },
          nb::kw_only(), "arch"_a, "device"_a = "cpu", "engine"_a = "auto", "simdgroups"_a = 4,
          "fp_fusion"_a = true, "has_compiler"_a = true, "sanitize"_a = "",
          "Raises ArgumentError or UnsupportedError.")
      .def_prop_ro(
          "sanitize", [](const tmetal::EngineRequest &self) { return tmetal::checkModes(self.msl); },
          "The check modes, in one order however they were written.");
  using tmetal::Compilation;
  nb::call_guard<nb::gil_scoped_release> released;
  nb::class_<Compilation>(
      module, "Compilation",
      "One compilation. Each stage takes the text of the one before it, or one that replaces it; they raise "
      "CompileError, UnsupportedError or OutOfResources.")
      .def(nb::init<tmetal::EngineRequest>(), "target"_a)
      .def("tt", &Compilation::tt, "ttir"_a, "file_name"_a = "<ttir>", released)
      .def("tm", &Compilation::tm, "tt"_a, released)
      .def("msl", &Compilation::msl, "tm"_a, released)
      .def("bundle", &Compilation::bundle, "msl"_a, released)
      .def_prop_ro("engine", [](const Compilation &self) { return self.choice().engine; })
      .def_prop_ro("engine_reason", [](const Compilation &self) { return self.choice().reason; })
      .def_prop_ro("threadgroup_bytes", &Compilation::threadgroupBytes);
  module.def("widen_storage_arithmetic", &tmetal::widenStorageArithmetic, "ttir"_a, "file_name"_a = "<ttir>",
             released, "The module with arithmetic on 8-bit floats done in float32, or None if it has none.");
  module.def("compiler_statistics", &statistics,
             "Of the compiler, in this process: texts parsed, kernels lowered, Metal texts printed.");
}
