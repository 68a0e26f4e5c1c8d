# SPDX-License-Identifier: MIT
"""Random Triton kernels, each with an oracle: NumPy interprets the same tree, program by program."""
