// SPDX-License-Identifier: MIT
#pragma once

#include <nanobind/nanobind.h>

void bindCompilation(nanobind::module_ &module);
