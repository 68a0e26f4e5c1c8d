# SPDX-License-Identifier: MIT
"""The Triton versions that this package supports, and the check."""

from __future__ import annotations

SUPPORTED_TRITON = "3.9"


def check_triton_version() -> None:
    """Refuses a Triton whose IR and internals this package was not written for."""
    import triton

    if triton.__version__.split(".")[:2] != SUPPORTED_TRITON.split("."):
        from triton_metal.errors import UnsupportedError

        raise UnsupportedError(
            f"[triton] Triton {triton.__version__} is not supported by the metal backend, which works with "
            f"Triton {SUPPORTED_TRITON}.x only: install triton=={SUPPORTED_TRITON}.* or another release "
            "of triton-metal."
        )
