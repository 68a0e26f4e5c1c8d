# SPDX-License-Identifier: MIT
"""Runs any Metal text on the CPU, with the shim and a fiber for each thread."""
