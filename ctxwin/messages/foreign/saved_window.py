"""Reads exports of `Window.export` and of the chat's `/save`; messages keep their own form.

Forgotten messages are left out, and pinned messages stay pinned.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ...errors import MessageError
from ...items import Item
from ..conversation import DIALECTS
from .form import ForeignForm, ForeignTalk

__all__ = ["FORM"]

FORMAT, VERSION = "ctxwin.window", 1
"""As `ctxwin.window.saved` writes them."""


def _recognise(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("format") == FORMAT and isinstance(value.get("turns"), list)


def _read(value: Any) -> Iterable[ForeignTalk]:
    if value.get("version") != VERSION:
        raise MessageError(
            f"it was saved in version {value.get('version')!r}, and ctxwin reads {VERSION}; save it again"
        )
    items = []
    system, dialect = value.get("system"), value.get("dialect")
    if system is not None:
        items.append(Item(text="", role="system", raw={"role": "system", "content": system}))
    for at, turn in enumerate(value["turns"]):
        message = turn.get("message") if isinstance(turn, Mapping) else None
        if not isinstance(message, Mapping):
            raise MessageError(f"turn {at} has no 'message'; export the window again")
        if not turn.get("forgotten"):
            pinned = bool(turn.get("pinned"))
            items.append(Item(text="", role=message.get("role"), time=turn.get("time"), pinned=pinned, raw=message))
    yield ForeignTalk(items=items, id=str(value.get("id") or ""), dialect=dialect if dialect in DIALECTS else "openai")


FORM = ForeignForm(name="ctxwin window", recognise=_recognise, read=_read)
