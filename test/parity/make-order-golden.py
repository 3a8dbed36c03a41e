#!/usr/bin/env python3
"""Writes golden-order.json: the order of samples, version 1, computed a second time from docs/formats/order.md alone, with
exact fractions and Python's integers. test/unit/load/order.test.ts compares. Needs nothing but Python."""

import json
import math
import pathlib
from fractions import Fraction

MASK64 = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def mix64(x: int) -> int:
    x &= MASK64
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & MASK64
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & MASK64
    return x ^ (x >> 31)


def mix32(x: int) -> int:
    x ^= x >> 16
    x = (x * 0x85EBCA6B) & 0xFFFFFFFF
    x ^= x >> 13
    x = (x * 0xC2B2AE35) & 0xFFFFFFFF
    return x ^ (x >> 16)


def permute(size: int, key: list[int], index: int) -> int:
    bits = 1
    while 4**bits < size:
        bits += 1
    state = 0
    for word in key:
        state = mix64(((state + GOLDEN) & MASK64) ^ word)
    keys = [mix64(state + (r + 1) * GOLDEN) & 0xFFFFFFFF for r in range(8)]
    while True:
        left, right = index >> bits, index & ((1 << bits) - 1)
        for k in keys:
            left, right = right, left ^ (mix32(right ^ k) & ((1 << bits) - 1))
        index = left << bits | right
        if index < size:
            return index


def interleave(weights: list[int]) -> list[int]:
    divisor = math.gcd(*weights)
    weights = [w // divisor for w in weights]
    total, n = sum(weights), len(weights)
    if n == 1:
        return [0] * total
    bound = 1 - Fraction(1, 2 * n - 2)
    drawn = [0] * n
    cycle = []
    for position in range(1, total + 1):
        ready = []
        for i, w in enumerate(weights):
            j = drawn[i] + 1
            if j <= w and math.ceil((j - bound) * total / w) <= position:
                ready.append((math.floor((j - 1 + bound) * total / w) + 1, i))
        chosen = min(ready)[1]
        drawn[chosen] += 1
        cycle.append(chosen)
    return cycle


def order(sources: list[dict], seed: int, samples: list[int]) -> list[list[int]]:
    cycle = interleave([s["weight"] for s in sources])
    seen = []
    for sample in samples:
        turn, position = divmod(sample, len(cycle))
        i = cycle[position]
        drawn = turn * cycle.count(i) + cycle[:position].count(i)
        epoch, place = divmod(drawn, sources[i]["numWindows"])
        digits = sources[i]["identity"].removeprefix("sha256:")
        words = [int(digits[at : at + 16], 16) for at in range(0, 64, 16)]
        seen.append([i, epoch, permute(sources[i]["numWindows"], [1, seed, *words, epoch], place)])
    return seen


CASES = [
    ([{"identity": "sha256:" + "0" * 64, "numWindows": 10, "weight": 1}], 0, list(range(30))),
    (
        [
            {"identity": "sha256:" + "0123456789abcdef" * 4, "numWindows": 1000, "weight": 5},
            {"identity": "sha256:" + "2" * 64, "numWindows": 3, "weight": 3},
            {"identity": "sha256:" + "f" * 64, "numWindows": 2**40 + 1, "weight": 2},
        ],
        1234,
        [*range(40), 1_000_000, 2**40, 2**53 - 1],
    ),
    (
        [
            {"identity": "sha256:" + "ab" * 32, "numWindows": 24_679, "weight": 60},
            {"identity": "sha256:" + "cd" * 32, "numWindows": 1, "weight": 21},
            {"identity": "sha256:" + "ef" * 32, "numWindows": 2, "weight": 3},
            {"identity": "sha256:" + "42" * 32, "numWindows": 2**52, "weight": 9},
        ],
        2**53 - 1,
        [*range(31), 123_456_789_012],
    ),
]


def main() -> None:
    cases = [{"sources": s, "seed": seed, "samples": at, "expected": order(s, seed, at)} for s, seed, at in CASES]
    path = pathlib.Path(__file__).parent / "golden-order.json"
    path.write_text("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n")
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
