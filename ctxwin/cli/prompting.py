"""Reads a message that is typed or pasted in a chat; a message may have many lines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.key_binding import KeyPressEvent

__all__ = ["QUOTE", "reader"]

QUOTE = '"""'
"""Stands before and after a message of several lines."""


def reader(words: Mapping[str, Callable[[], Sequence[str]]]) -> Callable[[], str]:
    """Return a function that reads the next message; it raises EOFError at the end and KeyboardInterrupt on Ctrl-C.

    In a terminal, pasted lines are one message, Alt-Enter begins a new line, and Tab completes from `words`: the words
    that can begin a message, and those that can follow. In a terminal and in a pipe, lines between two `QUOTE`s are one
    message.

    Args:
        words: words that can be completed, each with a function that returns the words that may follow.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return _read_lines
    session = _session(words)
    return lambda: _unquoted(session.prompt("> "))


def _read_lines() -> str:
    text = input()
    while _is_open(text):
        text += "\n" + input()
    return _unquoted(text)


def _is_open(text: str) -> bool:
    """Tell whether a message waits for its closing quote.

    Example:
        >>> [_is_open(text) for text in (QUOTE + "one", QUOTE + "one" + QUOTE, "one" + QUOTE)]
        [True, False, False]
    """
    begun = text.lstrip()
    return begun.startswith(QUOTE) and QUOTE not in begun[len(QUOTE) :]


def _unquoted(text: str) -> str:
    """Return a message without the quotes around it and the space at its ends."""
    text = text.strip()
    if text.startswith(QUOTE) and text.endswith(QUOTE) and len(text) >= 2 * len(QUOTE):
        text = text[len(QUOTE) : -len(QUOTE)]
    return text.strip()


def _session(words: Mapping[str, Callable[[], Sequence[str]]]) -> PromptSession[str]:
    """Set up the line editor; its history is that of this run, and is not written to a file."""
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.document import Document
    from prompt_toolkit.key_binding import KeyBindings

    keys = KeyBindings()

    @keys.add("enter")
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if _is_open(buffer.text):
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    class Words(Completer):
        def get_completions(self, document: Document, _: CompleteEvent) -> Iterator[Completion]:
            first, space, rest = document.text_before_cursor.partition(" ")
            known, begun = (words.get(first, tuple)(), rest) if space else (words, first)
            return (Completion(one, -len(begun)) for one in known if begun and one.startswith(begun))

    return PromptSession(
        multiline=True,
        key_bindings=keys,
        completer=Words(),
        complete_while_typing=False,
        prompt_continuation="  ",
    )
