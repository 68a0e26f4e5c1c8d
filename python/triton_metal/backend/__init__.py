# SPDX-License-Identifier: MIT
"""The Triton plug-in: the module behind the entry point `metal` of the group `triton.backends`.

Triton imports `compiler` and `driver` from here while `import triton` is still running, on every machine with
this package. So they must be cheap to import and must not fail: the extension module, MLX and the rest are
loaded when the backend is first used.
"""
