"""Tell in the output of test runs what passed from what a reader needs: failures, errors, totals."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from .left_out import LeftOut

__all__ = ["passed_tests"]

LOOKED_AT = 500
"""Characters of a line in which a test run is looked for."""

_RUN = re.compile(
    r"\A(?:={3,} test session starts ={3,}|={3,} (?=.* ={3,}).*?\b\d++ (?:passed|failed|errors?)\b"
    r"|(?:\d+ (?:passed|failed|errors?), )*\d+ (?:passed|failed|errors?|skipped)(?:, \d+ \w+)* in [\d.]+s"
    r"|TAP version \d+|Ran \d+ tests? in |test result: |running \d+ tests?$|=== RUN +\S|# tests \d+"
    r"|Tests?:? ++.*\b\d+ (?:passed|total))"
)
"""A line that only test runs have: pytest, unittest, TAP (node), cargo, go, jest, vitest."""
_PASSED = re.compile(
    r"(?>\S+?::).* (?:PASSED|SKIPPED|XFAIL|XPASS)\b.*|(?:\[gw\d+\] \[ *\d+%\] )?(?:PASSED|SKIPPED) \S+::\S+"
    r"|(?:\S+\.py )?[.sxX]+ +\[ *\d+%\]|[.sxX]{8,}"
    r"|test .* \.\.\. (?:ok|ignored)|\S+ \(.*\) \.\.\. (?:ok|skipped\b.*)"
    r"|\s*=== (?:RUN|PAUSE|CONT|NAME) .*|\s*--- (?:PASS|SKIP): .*"
    r"|\s*[✓✔√] .*|\s*ok \d+\b(?! .*# TODO).*"
)
"""A line of a test that passed or was skipped, or of progress without a failure."""
_NAMED = re.compile(r"\s*# Subtest: ")
_OPENS, _CLOSES = re.compile(r"\s+---"), re.compile(r"\s+\.\.\.")


def passed_tests(lines: Sequence[str]) -> Iterator[LeftOut]:
    """Yield which lines tell of tests that passed; nothing where the text is no test run."""
    if not any(_RUN.match(line, 0, LOOKED_AT) for line in lines):
        return
    what = ["passed tests" if _PASSED.fullmatch(line) else "" for line in lines]
    details = False
    for number, line in enumerate(lines):  # the details below an `ok` of TAP go with it, and the name above
        if details or (_OPENS.fullmatch(line) and number and what[number - 1]):
            details = not _CLOSES.fullmatch(line)
            what[number] = "passed tests"
    for number in reversed(range(len(lines) - 1)):
        if _NAMED.match(lines[number]) and (what[number + 1] or not lines[number + 1].strip()):
            what[number] = "passed tests"
    if any(what):
        yield LeftOut(what)
