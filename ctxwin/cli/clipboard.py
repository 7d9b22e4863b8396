"""Copies through the terminal (OSC 52), which works over ssh and needs no installation where ctxwin runs."""

from __future__ import annotations

import base64
import os
import sys

from ..errors import InputError

__all__ = ["MOST", "copy"]

TERMINAL = "/dev/tty"
"""The terminal of this process, whatever its streams are connected to."""
MOST = 74_994
"""Bytes that every terminal takes: xterm and hterm ignore a sequence longer than 100,000 characters of base64."""


def copy(text: str) -> int:
    """Ask the terminal to put a text on the clipboard; return its size in bytes.

    A terminal does not report whether it did. kitty, iTerm2, WezTerm, Alacritty, foot, xterm, Windows Terminal and, if
    `set-clipboard` is on, tmux do.

    Raises:
        InputError: there is no terminal.
    """
    data = text.encode("utf-8", errors="replace")
    sequence = b"\x1b]52;c;" + base64.b64encode(data) + b"\x07"
    try:
        terminal = os.open(TERMINAL, os.O_WRONLY | os.O_NOCTTY)
    except (OSError, AttributeError):  # no terminal; or Windows, whose console is reached through its streams
        if not sys.stderr.isatty():
            raise InputError(
                "no terminal to copy through; use --output FILE, or pipe into a clipboard program like pbcopy or xclip"
            ) from None
        sys.stderr.write(sequence.decode("ascii"))
        sys.stderr.flush()
        return len(data)
    try:
        while sequence:
            sequence = sequence[os.write(terminal, sequence) :]
    finally:
        os.close(terminal)
    return len(data)
