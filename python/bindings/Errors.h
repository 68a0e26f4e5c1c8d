// SPDX-License-Identifier: MIT
#ifndef TRITON_METAL_BINDINGS_ERRORS_H
#define TRITON_METAL_BINDINGS_ERRORS_H

#include <nanobind/nanobind.h>

/// Adds the error classes, and translates thrown errors to them.
void bindErrors(nanobind::module_ &module);

#endif // TRITON_METAL_BINDINGS_ERRORS_H
