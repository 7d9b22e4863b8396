"""Lists the commands, and imports the module of a command when the command is called."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from inspect import getdoc
from typing import Any

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

__all__ = ["COMMANDS", "CommandGroup", "load_command", "output_of"]

COMMANDS = {
    "ask": "Print the parts of files that a question needs, with citations.",
    "cache": "Show what is kept in the cache folder and how long, or remove it.",
    "chat": "Chat in the terminal; each request is packed from the whole talk.",
    "compact": "Compact a conversation: what stands, and its recent turns.",
    "config": "Show every setting, its value and where it comes from.",
    "count": "Count the tokens of files, folders and conversations, as a tree.",
    "demo": "Pack the sample that the package carries: a talk and six files.",
    "eval": "Score packings by the gold evidence that they keep.",
    "explain": "Say of every item why it is in, shortened or out.",
    "knee": "Show how many tokens are enough for a talk or for files.",
    "models": "List models with window, longest answer, prices and tokenizer.",
    "pack": "Pack a conversation, and files beside it, under a token budget.",
}
"""The first line of each command's help by the command's name, which is also the name of its module."""


class CommandGroup(TyperGroup):
    """A group whose commands have a name and a line of help until one of them is called."""

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the called command, loaded, and the arguments behind its name."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command if name is None else load_command(name), rest


def output_of(name: str) -> Any:
    """Return the type of what a command prints with `--json`."""
    return import_module(f".{name}", __package__).OUTPUT


@cache
def load_command(name: str) -> TyperCommand:
    """Import the module of a command and return the command.

    Example:
        >>> [option.name for option in load_command("config").params]
        ['as_json']
    """
    run = import_module(f".{name}", __package__).run
    alone = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    # A docstring cannot hold the sign itself that keeps the lines after it as they are.
    alone.command(name, help=str(getdoc(run)).replace(r"\b", "\b"))(run)
    command = typer.main.get_command(alone)
    assert isinstance(command, TyperCommand)
    return command
