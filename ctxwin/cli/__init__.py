"""Runs the command line: `ctxwin COMMAND --help` shows what each command does, with an example.

Every module of this package with a function `run` is the command of the same name; the function's docstring is the
command's help, and `OUTPUT` is the type of what its --json prints. The module is imported when its command is called
(`commands`), and third-party packages are imported inside `run`, so that no command waits for the modules and packages
of another.

Exit codes: 0 done; 1 the reader of a pipe has gone, or as a command's help says; 2 bad input, reported in one line on
stderr; 130 interrupted.
"""

from __future__ import annotations

import errno
import gc
import os
import shutil
import sys
import textwrap
import warnings
from collections.abc import Sequence
from typing import Annotated, NoReturn, TextIO

import typer

from .. import __version__
from ..errors import CtxwinError, InputError
from .commands import COMMANDS, CommandGroup, load_command, output_of

__all__ = ["app", "main"]

EXIT_PIPE = 1
"""The reader of a pipe has gone."""
UNWRITABLE = frozenset({errno.EPIPE, errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What a write to the output fails by: the reader has gone, the disk is full, a limit is reached."""
EXIT_INPUT = 2
"""The input is bad; the message says what to do."""
LONGEST = 4_000
"""Most characters of an error or a warning."""
OBJECTS = 20_000
"""New objects after which Python looks for unreachable cycles, 700 by default: what is imported stays, and a
command that reads little lost some 6 % of its time to the search."""
EXIT_INTERRUPT = 130
"""Ctrl-C: 128 + SIGINT, as shells have it."""

HELP = """Pack a long conversation and many files into a language model's context window.

\b
Example:
  ctxwin demo
  ctxwin ask "where is the session cookie signed?" src/ --budget 8k

\b
Exit codes:
  0    done
  1    the reader of a pipe has gone, or as a command says
  2    bad input, told in one line on stderr
  130  interrupted
"""

app = typer.Typer(
    name="ctxwin",
    cls=CommandGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
for _name, _line in COMMANDS.items():
    app.command(_name, help=_line)(lambda: None)  # until it is called


@app.callback(invoke_without_command=True, help=HELP)
def _ctxwin(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", "-V", help="Print the version and leave.")] = False,
    schema: Annotated[
        str | None,
        typer.Option("--json-schema", metavar="COMMAND", help="Print the schema of a command's --json and leave."),
    ] = None,
) -> None:
    if version:
        typer.echo(f"ctxwin {__version__}")
    elif schema is not None:
        if schema not in COMMANDS:
            raise InputError(f"no command {schema!r} for --json-schema; give one of {', '.join(COMMANDS)}")
        from ..items.outside import json_schema  # with what follows, which --help does not need
        from .options import print_json

        print_json(json_schema(output_of(schema)))
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())
    else:
        from .settings import defaults  # with pydantic; --help and --version read no settings

        name = context.invoked_subcommand
        context.default_map = {name: defaults(load_command(name))}


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and exit with its code; bad input is reported in one line on stderr."""
    gc.set_threshold(OBJECTS, *gc.get_threshold()[1:])
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by the caller, as by `>&-`
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  # until the end
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # lone surrogates
    warnings.showwarning = _warn
    # what a user typed, not what a program does
    warnings.filterwarnings("default", "strategy=|cache policy", DeprecationWarning)
    sys.exit(_run_command(arguments))


def _run_command(arguments: Sequence[str] | None) -> int:
    try:
        code = app(arguments, prog_name="ctxwin", standalone_mode=False)
        sys.stdout.flush()
    except typer.TyperException as error:  # a usage error: unknown option, missing argument, ...
        command = getattr(getattr(error, "ctx", None), "command_path", "ctxwin")
        return _fail(f"{error.format_message().rstrip('.')}; see `{command} --help`")
    except CtxwinError as error:
        return _fail(str(error))
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPT
    except OSError as error:
        if error.errno not in UNWRITABLE:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the flush at exit must not fail
        if isinstance(error, BrokenPipeError):
            return EXIT_PIPE
        return _fail(f"the output cannot be written ({error.strerror}); make room, or write it elsewhere")
    return code if isinstance(code, int) else 0


def _fail(message: str) -> int:
    line = f"ctxwin: error: {_cleaned(message)}"
    if sys.stderr.isatty():  # else one line, which is easier to search in a log
        line = textwrap.fill(line, shutil.get_terminal_size().columns, break_long_words=False, break_on_hyphens=False)
    sys.stderr.write(f"{line}\n")
    return EXIT_INPUT


def _warn(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    (file or sys.stderr).write(f"ctxwin: warning: {_cleaned(str(message))}\n")


def _cleaned(message: str) -> str:
    from ..report.picture import clean  # with half of the house

    return clean(message, LONGEST)
