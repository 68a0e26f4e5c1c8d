# SPDX-License-Identifier: MIT
"""Random Triton kernels, each with an oracle that interprets the same tree with NumPy, program by program."""
