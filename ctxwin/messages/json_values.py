"""Reads the values of a JSON text one at a time: the elements of its list, its lines, or its single value."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TextIO

from ..errors import InputError

__all__ = ["MOST", "JsonValues"]

CHUNK = 1 << 20
"""Characters that are read at once; more for a longer value."""
MOST = 1 << 28
"""Most characters of one value, a conversation or a whole text; each takes some four times as many bytes."""
MARGIN = 16
"""Characters before the end of the buffer in which the cut may cause an error: an escape, a literal."""
FIRST_LINE = 1 << 20
"""Characters within which a first line must end that may be a whole list."""

_DECODER = json.JSONDecoder()
_SPACE = " \t\n\r"


class JsonValues:
    """Reads a JSON text value by value; memory holds one value and the characters read ahead.

    The standard decoder reads each value: streaming parsers on PyPI change lone surrogates and refuse NaN and large
    integers (ijson 3.6 with yajl2_c does all three), and a conversation may hold these.

    Args:
        text: a stream of characters at its beginning; it is closed when all is read.
        name: the file's name, for errors.
        lines: whether the file's name says that each line is a value.

    Raises:
        InputError: while iterating: the text is no JSON (with line and column), or one value is too long.

    Example:
        >>> from io import StringIO
        >>> list(JsonValues(StringIO('[{"a": 1}, {"a": 2}]'), "a.json"))
        [{'a': 1}, {'a': 2}]
    """

    def __init__(self, text: TextIO, name: str, *, lines: bool = False) -> None:
        self._text = text
        self._name = name
        self._buffer = ""
        self._at = 0
        self._line = 1
        """Line number of the first character in the buffer."""
        self._column = 1
        self._ended = False
        try:
            self._more()
        except InputError:
            text.close()
            raise
        self.listed = self._peek() == "[" and not lines and not self._list_a_line()
        """Whether the text is a list; the values are then its elements."""

    def close(self) -> None:
        """Close the stream without reading on."""
        self._text.close()

    def __iter__(self) -> Iterator[Any]:
        with self._text:
            if not self.listed:
                while self._peek():
                    yield self._value()
                return
            yield from self._elements()
            if self._peek():
                raise self._broken("Extra data", self._at)

    def _elements(self) -> Iterator[Any]:
        self._at += 1
        if self._peek() == "]":
            self._at += 1
            return
        while True:
            self._peek()
            yield self._value()
            mark = self._peek()
            if mark not in (",", "]"):
                raise self._broken("Expecting ',' delimiter", self._at)
            self._at += 1
            if mark == "]":
                return

    def _list_a_line(self) -> bool:
        """Tell whether the first line is a whole list and another value follows."""
        line, end, rest = self._buffer[self._at : self._at + FIRST_LINE].partition("\n")
        if not end or rest.lstrip(_SPACE)[:1] not in ("[", "{"):
            return False
        try:
            json.loads(line)
        except (ValueError, RecursionError):
            return False
        return True

    def _peek(self) -> str:
        """Go to the next character that is no space and return it; "" at the end."""
        while True:
            while self._at < len(self._buffer) and self._buffer[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if self._ended:
                return ""
            self._more()

    def _value(self) -> Any:
        while True:
            try:
                value, end = _DECODER.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                if self._ended or not self._cut(error):
                    raise self._broken(error.msg, error.pos) from None
            except RecursionError:
                raise InputError(f"{self._name!r} is nested too deeply to be read; give messages as a list") from None
            except ValueError as error:  # a number of thousands of digits
                raise InputError(f"{self._name!r} cannot be read as JSON ({error}); mend the file") from None
            else:
                if end < len(self._buffer) or self._ended:  # a number at the very end may go on
                    self._at = end
                    return value
            self._more()

    def _cut(self, error: json.JSONDecodeError) -> bool:
        """Tell whether an error may come from the end of the buffer."""
        return error.msg.startswith("Unterminated string") or error.pos >= len(self._buffer) - MARGIN

    def _more(self) -> None:
        """Drop the characters that were read and read on, twice as many each time for one long value."""
        done, rest = self._buffer[: self._at], self._buffer[self._at :]
        if lines := done.count("\n"):
            self._line, self._column = self._line + lines, len(done) - done.rfind("\n")
        else:
            self._column += len(done)
        if len(rest) > MOST:
            raise InputError(f"{self._name!r} has one value of over {MOST:,} characters; give a smaller part of it")
        new = self._text.read(max(CHUNK, len(rest)))
        self._buffer, self._at, self._ended = rest + new, 0, not new

    def _broken(self, what: str, at: int) -> InputError:
        before = self._buffer[:at]
        lines = before.count("\n")
        column = at - before.rfind("\n") if lines else self._column + at
        return InputError(f"{self._name}:{self._line + lines}:{column}: broken JSON ({what}); mend the file there")
