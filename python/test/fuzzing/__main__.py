# SPDX-License-Identifier: MIT
"""python -m fuzzing --count 1000 --seed 1 --engine msl"""

from fuzzing.run import main

main()
