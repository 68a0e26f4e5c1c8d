// SPDX-License-Identifier: MIT
// The CPU as a device: it works on the host's own memory, and a launch that somebody waits for runs on the thread
// of the caller.
#pragma once

#include "Device.h"

namespace tmetal {

/// The one of this process. TRITON_METAL_TECHNIQUE says how it runs texts: "loops", "fibers", or "permuted": fibers
/// with matrix elements in other lanes than usual.
const std::shared_ptr<Device> &cpuDevice();

} // namespace tmetal
