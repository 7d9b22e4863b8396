"""Fits messages to a provider's shapes: mends wrong values, drops refused keys, turns unknown blocks into text."""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..checks.shapes import OPEN, Shape, Union, fits, shape_of
from .work import RepairWork

__all__ = ["GIVEN_UP", "Bench"]

GIVEN_UP: Any = object()
"""Stands for a value that cannot be mended."""

DEFAULTS: Mapping[str, Any] = {
    "annotations": [], "arguments": "{}", "name": "unknown", "pending_safety_checks": [], "status": "completed",
    "summary": [], "type": "function",
}  # fmt: skip
"""Values for required keys without a value; a block without another required value becomes text."""

TEXTS = ("ContentPartText", "InputText", "InputTextContent", "TextBlock")
"""Shapes of plain text, by which a list of blocks is recognized."""

SAYING = frozenset({"arguments", "content", "input", "output", "reason", "refusal", "result", "text", "thinking"})
"""Keys with text for a reader or a tool; other values there become text, and arguments become JSON."""

_WORD = re.compile(r"[a-z0-9_]{1,40}")


class Bench:
    """Mends the values of one message by the shapes of its dialect.

    Args:
        work: the request.
        index: the message's position, for notes on changes.
    """

    def __init__(self, work: RepairWork, index: int | None) -> None:
        self._work, self._index, self._dialect = work, index, work.dialect

    def mend(self, value: Any, union: Union, key: str = "") -> Any:
        """Return the most similar value that the provider takes, or GIVEN_UP."""
        if fits(value, self._dialect, union):
            return value
        if isinstance(value, Mapping) and (shape := shape_of(self._dialect, union, value)):
            return self._object(value, shape)
        if union.listed is not None and (isinstance(value, Mapping) or _is_list(value)):
            return self._list(value if _is_list(value) else [value], union.listed)
        if union.mapped is not None and isinstance(value, Mapping):
            inner = {str(one): self.mend(given, union.mapped) for one, given in value.items()}
            return self._done({one: given for one, given in inner.items() if given is not GIVEN_UP}, key)
        if union.any_object and not union.shapes:
            return self._done(_as_object(value), key)
        if "str" in union.scalars and (isinstance(value, int | float) or (key in SAYING and value is not None)):
            said = isinstance(value, int | float) or key == "arguments"
            return self._done(self._work.as_json(value) if said else self._work.text(value), key)
        if union.shapes and len(union.shapes) == 1 and isinstance(value, str) and key == "image_url":
            return self._done({"url": value}, key)
        return GIVEN_UP

    def as_text(self, block: object, union: Union) -> Any:
        """Return a text block with the words of another block; GIVEN_UP if the block has no words."""
        name = next((name for name in TEXTS if name in union.shapes), None)
        if name is None:
            return GIVEN_UP
        kind = block.get("type") if isinstance(block, Mapping) else None
        kind = kind if isinstance(kind, str) and _WORD.fullmatch(kind) else "block of no known type"
        title = "" if isinstance(block, str) or kind in _PLAIN else f"[{kind}]"
        said = self._work.text(block, title)
        if not said:
            return GIVEN_UP
        self.note("types_known", "a block that the provider does not take became text")
        return {"type": "input_text" if name.startswith("Input") else "text", "text": said}

    def note(self, rule: str, done: str) -> None:
        """Note a change of the message."""
        self._work.note(self._index, rule, done)

    def _done(self, value: Any, key: str) -> Any:
        self.note("well_formed", f"the value at {key!r} was given the type that the provider takes")
        return value

    def _object(self, value: Mapping[Any, Any], shape: Shape) -> Any:
        made: dict[str, Any] = {}
        for key, given in value.items():
            field = shape.fields.get(key) if isinstance(key, str) else None
            if field is None:
                if isinstance(key, str) and self._dialect in OPEN:
                    made[key] = given
                else:
                    self.note("keys_known", "keys that the provider refuses were left out")
                continue
            mended = self._decoded(given) if key == "source" else given
            mended = self.mend(mended, field.union, key)
            if mended is not GIVEN_UP:
                made[key] = mended
            elif not field.required:
                self.note("well_formed", f"the value at {key!r} is none that the provider takes and was left out")
        for key, field in shape.fields.items():
            if field.required and key not in made:
                if key not in DEFAULTS or not fits(DEFAULTS[key], self._dialect, field.union):
                    return GIVEN_UP
                made[key] = DEFAULTS[key]
                self.note("well_formed", f"the value at {key!r} was missing and was filled in")
        return made

    def _list(self, values: Sequence[Any], union: Union) -> list[Any]:
        made = []
        for value in values:
            mended = self.mend(value, union)
            if mended is GIVEN_UP:
                mended = self.as_text(value, union)
            if mended is GIVEN_UP:
                self.note("well_formed", "a list held something that the provider does not take; it was left out")
            else:
                made.append(mended)
        return made

    def _decoded(self, source: Any) -> Any:
        """Return base64 text as plain text, if a provider takes only PDFs as base64."""
        if self._dialect != "anthropic" or not isinstance(source, Mapping) or source.get("type") != "base64":
            return source
        media, data = source.get("media_type"), source.get("data")
        if not isinstance(media, str) or not isinstance(data, str) or not media.startswith("text/"):
            return source
        try:
            text = binascii.a2b_base64(data).decode()
        except (binascii.Error, ValueError):
            return source
        self.note("well_formed", "a text file in base64 was written out as text")
        return {"type": "text", "media_type": "text/plain", "data": text}


_PLAIN = frozenset({"text", "input_text", "output_text", "refusal"})


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _as_object(value: Any) -> dict[str, Any]:
    """Return arguments that are no object as an object."""
    if value is None or value == "":
        return {}
    if isinstance(value, str):
        try:
            found = json.loads(value)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            return found
    return {"input": value}
