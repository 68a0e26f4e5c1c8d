// SPDX-License-Identifier: MIT
#ifndef TRITON_METAL_BINDINGS_ERRORS_H
#define TRITON_METAL_BINDINGS_ERRORS_H

#include <nanobind/nanobind.h>

/// Adds the classes of errors, and turns thrown errors into them.
void bindErrors(nanobind::module_ &module);

#endif // TRITON_METAL_BINDINGS_ERRORS_H
