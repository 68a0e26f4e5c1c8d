# SPDX-License-Identifier: MIT
"""Makes Python load the module from another build folder, for scripts/sanitizers.sh."""

import importlib.util
import os
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path


class OtherBuild:
    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name != "triton_metal._core":
            return None
        found = next(Path(os.environ["TRITON_METAL_BUILD"], "python/bindings").glob("_core*.so"))
        return importlib.util.spec_from_file_location(name, found)


if "TRITON_METAL_BUILD" in os.environ:
    sys.meta_path.insert(0, OtherBuild())
