# SPDX-License-Identifier: MIT
"""python -m fuzzing --engine both --count 10000 --jobs 16"""

from fuzzing.campaign import main

main()
