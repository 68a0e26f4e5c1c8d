# SPDX-License-Identifier: MIT
"""Any text in the Metal Shading Language on the CPU: through the shim, a fiber for each thread."""
