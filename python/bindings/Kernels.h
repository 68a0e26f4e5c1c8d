// SPDX-License-Identifier: MIT
#ifndef TRITON_METAL_BINDINGS_KERNELS_H
#define TRITON_METAL_BINDINGS_KERNELS_H

#include <nanobind/nanobind.h>

/// Adds HostBuffer, LaunchPlan and Kernel.
void bindKernels(nanobind::module_ &module);

#endif // TRITON_METAL_BINDINGS_KERNELS_H
