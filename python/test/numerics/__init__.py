# SPDX-License-Identifier: MIT
"""Measures the errors of all functions on both engines; docs/numerics.md is made from what it finds."""
