// SPDX-License-Identifier: MIT
// The CPU as a device. It works directly on the host's memory, and Device::run() runs on the calling thread.
#pragma once

#include "Device.h"

namespace tmetal {

/// The CPU device of this process. TRITON_METAL_TECHNIQUE selects how it runs texts: "loops", "fibers", or
/// "permuted", which is fibers with matrix elements assigned to different lanes than usual.
const std::shared_ptr<Device> &cpuDevice();

} // namespace tmetal
