"""`ctxwin ask --interactive`: a chat whose requests hold the conversation and parts of files under one budget."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import cached_property

from ..citations import Checked, Checker
from ..packing import Packed
from ..report.picture import clean, flagged
from .chat import ChatLoop
from .formats import context
from .options import printable
from .saying import status

__all__ = ["AskChat", "checked_lines"]


class AskChat(ChatLoop):
    """The loop of `ctxwin chat` over files: citations are checked; without a model the packed parts are printed."""

    @cached_property
    def _sources(self) -> Sequence[str]:
        return sorted({item.source for item in self._options["files"].items if item.source})

    def _answer(self, line: str) -> None:
        if self.window.model is not None:
            super()._answer(line)
            return
        self.window.add(line)
        with self._work.begin("packing"):
            packed = self._said = self.window.pack()
        sys.stdout.write(printable(context(packed, line, "text")))
        self._note(status(packed, self.window))
        self._warn(packed)

    def _after(self, answer: str) -> None:
        super()._after(answer)
        if self._said is not None:
            checked = Checker(self._said.report.excerpts, self._sources).check(answer)
            self._note("\n".join(checked_lines(checked)))
            self._warn(self._said)

    def _warn(self, packed: Packed) -> None:
        for line in flagged(packed.report):
            self._note(line)


def checked_lines(checked: list[Checked]) -> list[str]:
    """Return a line on how many citations hold, and a line for each that does not."""
    if not checked:
        return ["the answer cites nothing"]
    wrong = [one for one in checked if not one.right]
    lines = [f"{len(checked) - len(wrong):,} of {len(checked):,} citations hold"]
    return lines + [f"  {clean(one.text, 80)}: {one.verdict}" for one in wrong]
