# SPDX-License-Identifier: MIT
"""Decides whether the metal backend is the active one.

TRITON_DEFAULT_BACKEND is Triton's own variable and takes precedence. TRITON_BACKEND is ours:
`metal` selects this backend, any other name deselects it. If neither is set, this backend is
active if no other one could run.
"""

from __future__ import annotations

import os
import threading

NAME = "metal"

_asking = threading.local()


def adopt_environment() -> None:
    """Translates TRITON_BACKEND=metal, if set before `import triton`, to Triton's own variable.

    Triton refuses to start if two drivers claim to be active. A driver cannot overrule another one,
    but Triton's own variable can.
    """
    if os.environ.get("TRITON_BACKEND") == NAME:
        os.environ.setdefault("TRITON_DEFAULT_BACKEND", NAME)


def is_active() -> bool:
    default = os.environ.get("TRITON_DEFAULT_BACKEND")
    chosen = os.environ.get("TRITON_BACKEND")
    if chosen:
        if chosen == NAME and not default:
            _refuse_second_driver()
        return chosen == NAME
    return default == NAME or not other_active_backends()


def other_active_backends() -> list[str]:
    """Names of the other backends that claim to be active."""
    # Another plug-in may ask us in the same way, so a backend that is asked while asking is not active.
    if getattr(_asking, "busy", False):
        return [NAME]
    from triton_metal.backend.triton_internals import registered_backends

    _asking.busy = True
    try:
        backends = registered_backends()
        return [name for name, backend in backends.items() if name != NAME and backend.driver.is_active()]
    finally:
        _asking.busy = False


def _refuse_second_driver() -> None:
    others = other_active_backends()
    if others and not getattr(_asking, "busy", False):
        raise RuntimeError(
            f"TRITON_BACKEND=metal was set after `import triton`, and the backend {', '.join(others)} is "
            "active on this machine too. Triton takes one: set TRITON_DEFAULT_BACKEND=metal as well, or set "
            "TRITON_BACKEND before `import triton`."
        )
