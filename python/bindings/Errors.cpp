// SPDX-License-Identifier: MIT
#include "Errors.h"
#include "triton-metal/Support/Errors.h"

namespace nb = nanobind;

namespace {

nb::object metal, compile, unsupported, argument, assertion, sanitizer, deadlock;

nb::object derive(nb::module_ &module, const char *name, nb::handle bases) {
  std::string qualified = std::string("triton_metal._core.") + name;
  nb::object type = nb::steal(PyErr_NewException(qualified.c_str(), bases.ptr(), nullptr));
  if (!type.is_valid())
    throw nb::python_error();
  module.attr(name) = type;
  return type;
}

nb::handle typeOf(tmetal::ErrorKind kind) {
  switch (kind) {
  case tmetal::ErrorKind::Compile:
    return compile;
  case tmetal::ErrorKind::Unsupported:
    return unsupported;
  case tmetal::ErrorKind::Argument:
    return argument;
  case tmetal::ErrorKind::Assertion:
    return assertion;
  case tmetal::ErrorKind::Sanitizer:
    return sanitizer;
  case tmetal::ErrorKind::Deadlock:
    return deadlock;
  case tmetal::ErrorKind::OutOfResources:
    break;
  }
  return metal;
}

/// Uses Triton's own class, which tells its autotuner that another configuration may fit.
void setOutOfResources(const tmetal::OutOfResources &error) {
  nb::object errors = nb::steal(PyImport_ImportModule("triton.runtime.errors"));
  if (!errors.is_valid()) {
    PyErr_Clear();
    PyErr_SetString(metal.ptr(), error.what());
    return;
  }
  nb::object type = errors.attr("OutOfResources");
  PyErr_SetObject(type.ptr(), type(error.required, error.limit, error.resource.c_str()).ptr());
}

} // namespace

void bindErrors(nb::module_ &module) {
  metal = derive(module, "MetalError", PyExc_RuntimeError);
  compile = derive(module, "CompileError", metal);
  unsupported = derive(module, "UnsupportedError", compile);
  argument = derive(module, "ArgumentError", metal);
  assertion = derive(module, "DeviceAssertionError", nb::make_tuple(metal, nb::handle(PyExc_AssertionError)));
  sanitizer = derive(module, "SanitizerError", metal);
  deadlock = derive(module, "DeadlockError", metal);
  nb::register_exception_translator([](const std::exception_ptr &pointer, void *) {
    try {
      std::rethrow_exception(pointer);
    } catch (const tmetal::OutOfResources &error) {
      setOutOfResources(error);
    } catch (const tmetal::Error &error) {
      PyErr_SetString(typeOf(error.kind).ptr(), error.what());
    }
  });
  // The module keeps the classes alive as long as the interpreter, which these variables rely on.
  for (nb::object *type : {&metal, &compile, &unsupported, &argument, &assertion, &sanitizer, &deadlock})
    type->inc_ref();
}
