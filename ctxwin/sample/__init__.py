"""Provides a short conversation and a few files that the package carries: two people plan a cycling tour.

Everything is invented for ctxwin: 116 OpenAI messages over seven sittings with tool calls, a picture, Chinese turns, a
standing instruction and values that change later; six files; and questions with the evidence that answers them, by
message index and by lines of files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Question", "conversation", "files", "questions"]

_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question about the sample, and the places of its answer."""

    id: str
    text: str
    category: str
    """`single`, `multi`, `superseded`, `instruction`, `tool` or `file`."""
    answer: str
    facts: tuple[str, ...]
    """Strings that the evidence contains, word for word."""
    messages: tuple[tuple[int, ...], ...]
    """Indices of the messages that answer the question: one of each group is needed."""
    lines: Mapping[str, tuple[tuple[int, int], ...]] = field(hash=False)
    """Lines that are needed too, by file name: first and last line, from 1, inclusive."""


def conversation() -> list[dict[str, Any]]:
    """Return the conversation as new OpenAI messages; the last one is a user's question.

    Example:
        >>> conversation()[-1]["content"].startswith("Settled. One last thing")
        True
    """
    messages: list[dict[str, Any]] = json.loads(_read("conversation.json"))
    return messages


def files() -> Path:
    """Return the folder of the sample files: notes, conditions, expenses, a log, a module, a Chinese text.

    Example:
        >>> sorted(path.suffix for path in files().iterdir() if path.is_file())
        ['.csv', '.log', '.md', '.md', '.py', '.txt']
    """
    return _FOLDER / "files"


def questions() -> tuple[Question, ...]:
    """Return the questions with their gold evidence.

    Example:
        >>> questions()[0].answer
        '4196, from 15:00'
    """
    rows = [json.loads(line) for line in _read("questions.jsonl").splitlines()]
    return tuple(
        Question(
            id=row["id"],
            text=row["question"],
            category=row["category"],
            answer=row["answer"],
            facts=tuple(row["facts"]),
            messages=tuple(map(tuple, row["messages"])),
            lines={name: tuple((first, last) for first, last in pairs) for name, pairs in row["lines"].items()},
        )
        for row in rows
    )


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
