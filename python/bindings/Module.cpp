// SPDX-License-Identifier: MIT
// The Python module triton_metal._core: a thin layer over the compiler and the runtime.
#include "Compile.h"
#include "Errors.h"
#include "Kernels.h"
#include "Profiles.h"

#include "triton-metal/Kernel.h"
#include "triton-metal/Operations/Registry.h"
#include "triton-metal/Target/MLXGraph.h"

#include "cpu/CpuProgram.h"

#include "mlx/array.h"
#include "mlx/version.h"

#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <map>

namespace nb = nanobind;
using namespace nb::literals;

namespace {

std::string mlxVersion() {
  return std::to_string(MLX_VERSION_MAJOR) + "." + std::to_string(MLX_VERSION_MINOR) + "." +
         std::to_string(MLX_VERSION_PATCH);
}

void selfTest() {
  nb::object made = nb::module_::import_("mlx.core").attr("array")(nb::make_tuple(1, 2, 3));
  if (!nb::isinstance<mlx::core::array>(made) || nb::cast<mlx::core::array &>(made).size() != 3)
    throw nb::import_error(
        "triton_metal._core does not share mx.array with the installed mlx; they must be built for the same "
        "MLX and nanobind.");
}

nb::dict engineForm(const tmetal::EngineForm &form) {
  static const std::map<tmetal::Support, const char *> names = {
      {tmetal::Support::Right, "right"},          {tmetal::Support::NotAdmitted, "not admitted"},
      {tmetal::Support::Software, "software"},    {tmetal::Support::CpuOnly, "cpu only"},
      {tmetal::Support::InFloat32, "in float32"}, {tmetal::Support::Refused, "refused"},
  };
  nb::dict types;
  for (size_t i = 0; i < form.types.size(); ++i)
    types[tmetal::elementTypes()[i].c_str()] =
        nb::make_tuple(names.at(form.types[i].support), form.types[i].reason);
  nb::dict row;
  row["form"] = form.form;
  row["note"] = form.note;
  row["types"] = types;
  return row;
}

/// The registry of operations as plain Python values.
nb::list operations() {
  nb::list rows;
  for (const tmetal::OperationEntry &entry : tmetal::operationEntries()) {
    nb::dict row;
    row["op"] = entry.name;
    row["kind"] = entry.kind;
    row["msl"] = engineForm(entry.msl);
    row["mlx"] = engineForm(entry.mlx);
    rows.append(row);
  }
  return rows;
}

nb::dict graphCategories() {
  nb::dict categories;
  for (const tmetal::GraphCategory &category : tmetal::graphCategories())
    categories[category.name.c_str()] = nb::tuple(nb::cast(category.operations));
  return categories;
}

} // namespace

NB_MODULE(_core, module) {
  // Triton's caches and globals of scripts keep kernels until the process ends, which is no leak.
  nb::set_leak_warnings(false);
  module.attr("__version__") = TRITON_METAL_VERSION;
  bindErrors(module);
  bindProfiles(module);
  bindCompilation(module);
  bindKernels(module);
  module.def("mlir_version", &tmetal::mlirVersion);
  module.def("mlx_version", &mlxVersion);
  module.def("self_test", &selfTest,
             "Raises ImportError when this module and the installed mlx do not share the class mx.array.");
  module.def("operations", &operations);
  module.def("graph_categories", &graphCategories);
  module.def("cpu_compiler", &tmetal::cpuCompiler);
  module.def("has_cpu_compiler", &tmetal::hasCpuCompiler);
}
