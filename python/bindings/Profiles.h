// SPDX-License-Identifier: MIT
#ifndef TRITON_METAL_BINDINGS_PROFILES_H
#define TRITON_METAL_BINDINGS_PROFILES_H

#include <nanobind/nanobind.h>

/// Adds profiles() and profile(name): the table of hardware as dictionaries, with None for unknown values.
void bindProfiles(nanobind::module_ &module);

#endif // TRITON_METAL_BINDINGS_PROFILES_H
