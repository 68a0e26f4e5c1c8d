# SPDX-License-Identifier: MIT
"""Compares Triton kernels run by this backend with PyTorch on the same machine: python -m benchmark."""
