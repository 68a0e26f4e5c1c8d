# SPDX-License-Identifier: MIT
from triton_metal.cli import main

raise SystemExit(main())
