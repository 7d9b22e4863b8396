"""Measure what hostile files of 200 kB cost in every language: seconds of a core, and memory.

    python tests/tools/benchmark_grammars.py [LANGUAGE ...] [--shape PART] [--size CHARACTERS]

Each shape of `hostile_code` is a file that is read, cut, outlined, shortened and packed in a process of its own. Prints
what is over, the worst ten, and ends with 1 where any is over.
"""

from __future__ import annotations

import argparse
import sys

from hostile_code import SIZE, costs, languages, shapes


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("languages", nargs="*")
    parser.add_argument("--shape", default="", help="only shapes with this in their name")
    parser.add_argument("--size", type=int, default=SIZE)
    given = parser.parse_args()
    all_costs = []
    for language in given.languages or languages():
        found = []
        for one in costs(((language, shape) for shape in shapes(language) if given.shape in shape), given.size):
            found.append(one)
            if one.is_over:
                print(f"  over: {one}", flush=True)
        all_costs += found
        slow, large = max(found, key=lambda one: one.seconds), max(found, key=lambda one: one.megabytes)
        total = sum(one.seconds for one in found)
        print(
            f"{language:12} {len(found):5,} shapes {total:6.1f} s, {slow.seconds:5.2f} s {slow.shape[:30]:32}"
            f"{large.megabytes:6.0f} MB {large.shape[:30]}",
            flush=True,
        )
    print("worst ten:")
    for one in sorted(all_costs, key=lambda one: -max(one.seconds / 2, one.megabytes / 500))[:10]:
        print(f"{one.seconds:6.2f} s {one.megabytes:6.0f} MB {one.language:12} {one.shape!r}")
    over = [one for one in all_costs if one.is_over]
    print(f"{len(over)} of {len(all_costs):,} are over")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())
