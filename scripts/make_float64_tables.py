# SPDX-License-Identifier: MIT
"""Makes the tables of kernels/triton_metal/float64_math.h:
`python scripts/make_float64_tables.py > kernels/triton_metal/float64_tables.h`.

Coefficients come lowest power first. A name ends in the number of fractional bits of its integers. All series
are Taylor's; only the pieces of erfcx are fitted, near-minimax, with an error below 2^-63.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import mpmath as mp

mp.mp.prec = 1400

PIECES, ERFCX_DEGREE = 8, 14


def integer(x: mp.mpf, bits: int) -> int:
    return int(mp.nint(x * mp.mpf(2) ** bits))


def table(name: str, values: Iterable[mp.mpf], bits: int, kind: str = "ulong") -> None:
    numbers = [integer(mp.mpf(x), bits) for x in values]
    assert all(-(2**63) < n < 2**63 if kind == "long" else 0 <= n < 2**64 for n in numbers), name
    spelled = [f"0x{n:016x}UL" if kind == "ulong" else f"{n}L" for n in numbers]
    print(f"constant constexpr {kind} {name}_{bits}[{len(numbers)}] = {{")
    for i in range(0, len(spelled), 4):
        print("    " + ", ".join(spelled[i : i + 4]) + ",")
    print("};")


def constant(name: str, value: mp.mpf, words: int) -> None:
    """A positive number as a mantissa of `words` words whose highest bit is set, and an exponent."""
    exponent = int(mp.floor(mp.log(value, 2)))
    n = integer(value, 64 * words - 1 - exponent)
    assert 2 ** (64 * words - 1) <= n < 2 ** (64 * words)
    for i, suffix in enumerate([""] if words == 1 else ["_high", "_low"]):
        word = n >> 64 * (words - 1 - i) & 2**64 - 1
        print(f"constant constexpr ulong {name}{suffix} = 0x{word:016x}UL;")
    print(f"constant constexpr int {name}_exponent = {exponent};")


def scaled_erfcx(u: mp.mpf) -> mp.mpf:
    """sqrt(pi) x erfcx(x) for x = 1 / u."""
    if u < mp.mpf(1) / 60:  # the asymptotic series
        term = total = mp.mpf(1)
        for n in range(1, 40):
            term *= -(2 * n - 1) * u * u / 2
            total += term
        return total
    x = 1 / u
    return mp.sqrt(mp.pi) * x * mp.exp(x * x) * mp.erfc(x)


def fitted(f: Callable[[mp.mpf], mp.mpf], degree: int) -> list[mp.mpf]:
    with mp.workprec(250):
        coefficients, error = mp.chebyfit(f, [0, 1], degree + 1, error=True)
        assert error < mp.mpf(2) ** -63, mp.log(error, 2)
        return coefficients[::-1]


def main() -> None:
    print("// SPDX-License-Identifier: MIT")
    print("// Made by scripts/make_float64_tables.py, which says what the numbers mean.")
    print("// clang-format off")
    print("#pragma once\n\n#include <metal_stdlib>\n\nnamespace tm {\nnamespace f64 {\n")
    constant("log2_e", 1 / mp.log(2), 2)
    constant("log2_10", mp.log(10, 2), 2)
    constant("ln_2", mp.log(2), 1)
    constant("log10_2", mp.log10(2), 1)
    constant("log10_e", 1 / mp.log(10), 1)
    constant("half_pi", mp.pi / 2, 1)
    constant("root_half", mp.sqrt(0.5), 1)
    constant("inverse_root_pi", 1 / mp.sqrt(mp.pi), 1)
    table("exp2", [mp.mpf(2) ** (mp.mpf(i) / 16) for i in range(16)], 63)
    table("exp2_series", [(mp.log(2) / 16) ** n / mp.factorial(n) for n in range(11)], 63)
    table("expm1_series", [1 / mp.factorial(n + 1) for n in range(18)], 63)
    table("odd_reciprocals", [mp.mpf(1) / (2 * n + 1) for n in range(14)], 63)
    table("odd_reciprocals_from_3", [mp.mpf(1) / (2 * n + 3) for n in range(13)], 64)
    table("sin_series", [1 / mp.factorial(2 * n + 1) for n in range(12)], 63)
    table("cos_series", [1 / mp.factorial(2 * n) for n in range(12)], 63)
    table("atan_eighths", [mp.atan(mp.mpf(i) / 8) for i in range(9)], 64)
    table("erf_series", [2 / mp.sqrt(mp.pi) / mp.factorial(n) / (2 * n + 1) for n in range(22)], 63)
    # 2 / pi behind 128 zeros, in words of 64 bits.
    bits = integer(2 / mp.pi, 64 * 19)
    words = [0, 0, *(bits >> 64 * (18 - i) & 2**64 - 1 for i in range(19))]
    table("two_over_pi", map(mp.mpf, words), 0)
    pieces = [fitted(lambda v, i=i: scaled_erfcx((i + v) / PIECES), ERFCX_DEGREE) for i in range(PIECES)]
    table("erfcx_pieces", [c for piece in pieces for c in piece], 62, "long")
    print(f"constant constexpr int erfcx_terms = {ERFCX_DEGREE + 1};")
    print("\n} // namespace f64\n} // namespace tm")


if __name__ == "__main__":
    main()
