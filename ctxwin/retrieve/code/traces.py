"""Find the places in code that a question names: frames of a stack trace, `path:line` of a compiler or test run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Frame", "frames"]

LOOKED_AT = 100_000
"""Search this many characters of a question."""

_PATH = r"(?<![\w@./\\+~-])(?:[A-Za-z]:)?[\w@./\\+~-]{0,300}\.[A-Za-z]\w{0,9}"
_PYTHON = re.compile(r'\bFile "(?P<path>[^"\n]{1,400})", line (?P<line>\d+)(?:, in (?P<name>[\w.]+))?')
_FORMS = (
    _PYTHON,
    # JavaScript, Java, Kotlin, Scala
    re.compile(
        r"\bat (?:async |new )?(?P<name>[\w$.<>\[\]#]{1,300})(?: \[as [^\]\n]{1,99}\])? ?"
        r"\((?P<path>[^()\n]{1,400}?\.\w{1,10}):(?P<line>\d+)(?::\d+)?\)"
    ),
    # C#
    re.compile(
        r"\bat (?P<name>[\w.<>`]{1,300})\([^)\n]{0,400}\) in (?P<path>[^\n]{1,400}?\.\w{1,10}):line (?P<line>\d+)"
    ),
    # PHP
    re.compile(rf"(?P<path>{_PATH})\((?P<line>\d+)\)(?:: (?P<name>[\w\\>-]{{1,300}}))?"),
    # Go, Rust, Ruby, pytest, compilers, and JavaScript without a name
    re.compile(rf"(?P<path>{_PATH}):(?P<line>\d+)\b(?::\d+)?(?:: ?in [`'\"]?(?P<name>[\w.#:]{{1,300}}))?"),
)
_SCHEME = re.compile(r"^(?:[a-z-]{2,20}://+|\(|node:)")
_JVM = re.compile(r"\.(?:java|kt|scala|groovy)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One place in code."""

    path: tuple[str, ...]
    """The folders and the file, as far as the question gives them."""
    line: int
    """The line, from 1."""
    name: str = ""
    """The function's name without the names around it; "" if not given."""


def frames(text: str) -> list[Frame]:
    r"""Find the places that a question names, the place of the error first.

    Python and pytest print the place of the error last; all others print it first.

    Example:
        >>> [frame.name for frame in frames('File "app/x.py", line 12, in f\nFile "json/decoder.py", line 3, in load')]
        ['load', 'f']
        >>> frames("    at Router.handle (/srv/node_modules/express/lib/router.js:47:12)")[0].path[-2:]
        ('lib', 'router.js')
        >>> frames("at 10:30 we met"), frames("tests/test_a.py:7: AssertionError")[0].line
        ([], 7)
    """
    text = text[:LOOKED_AT]
    found = list(_found(text))
    last_first = bool(_PYTHON.search(text)) or any(frame.path[-1].endswith(".py") for frame in found)
    return found[::-1] if last_first else found


def _found(text: str) -> Iterator[Frame]:
    matches = sorted((match for form in _FORMS for match in form.finditer(text)), key=lambda match: match.start())
    end = 0
    for match in matches:  # what one form has read, no other reads again
        if match.start() >= end:
            end = match.end()
            name = (match["name"] or "").strip(".")
            parts = re.split(r"[/\\]+", _SCHEME.sub("", match["path"].strip()))
            if len(parts) == 1 and _JVM.search(parts[0]):
                parts = [*name.split(".")[:-2], *parts]
            path = tuple(part for part in parts if part not in ("", ".", ".."))
            if path:
                yield Frame(path=path, line=int(match["line"]), name=re.split(r"[.#>:\\]", name)[-1])
