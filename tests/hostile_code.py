"""Measure what 64 shapes of hostile code cost each grammar: seconds of a core, and memory, of 200 kB.

    python tests/hostile_code.py [LANGUAGE ...]

Each shape is parsed in a process of its own, with 3 GB at most, so that one that fails takes no other along.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

from ctxwin.syntax import parse
from ctxwin.syntax.languages import GRAMMARS

SIZE = 200_000
SECONDS, MEGABYTES = 2.0, 500
"""What a shape may cost."""
SHAPES = (
    *("a<", "a<a(", "List<", "a<b>(c", "a<" * 199 + ";", "a<" * 150 + "{", "<a>", "<", "(a<b>)", "a<b,"),
    *("(", "[", "{", "a(", "a[", "{a:", "a = [", '{"a":', "(int)", "(a)", "if(a)", "if a:\n ", "else if(a)", "for(;;)"),
    *("a?b:", "a=>", "a.", "a+", "-", "!", "*", "&", "a,", "a;", "a|", "a&&", "a==", "a::", "a->", "a\n", " \n", "\t"),
    *(
        '"',
        "'",
        "`",
        "/*",
        "//",
        "#",
        "@a ",
        "@a(",
        "$a",
        "${",
        "#{",
        "<?",
        "<div ",
        "<!--",
        "---\n- ",
        "- - ",
        "<<A\n",
    ),
    *("fn(", "class A{", "new a(", "async ", "\\"),
)


def cost(language: str, shape: str) -> tuple[float, float]:
    """Return seconds of a core and megabytes that one shape takes; infinite where the process ends by it."""
    command = [sys.executable, __file__, "--one", language, shape]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return tuple(json.loads(done.stdout)) if done.returncode == 0 else (float("inf"), float("inf"))


def one(language: str, shape: str) -> tuple[float, float]:
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30))
    parse("x", language)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    parse((shape * (SIZE // len(shape) + 1))[:SIZE], language)
    return time.process_time() - start, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024


def main() -> None:
    for language in sys.argv[1:] or GRAMMARS:
        costs = {shape: cost(language, shape) for shape in SHAPES}
        slow, large = max(costs, key=lambda one: costs[one][0]), max(costs, key=lambda one: costs[one][1])
        over = [shape for shape, (seconds, size) in costs.items() if seconds > SECONDS or size > MEGABYTES]
        worst = f"{costs[slow][0]:5.2f} s {slow[:9]!r:12} {costs[large][1]:6.0f} MB {large[:9]!r:12}"
        print(f"{language:12} {worst} over {over}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(one(*sys.argv[2:])))
    else:
        main()
