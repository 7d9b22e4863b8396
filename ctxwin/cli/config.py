"""`ctxwin config`: shows every setting of the command line, its value, and where the value comes from."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from urllib.parse import urlsplit

import typer

from ..report.picture import clean
from ..store.cache import cache_dir
from .commands import COMMANDS, load_command
from .inputs import JsonOption
from .options import print_json, table_console
from .settings import PREFIX, Layer, Origin, Settings, built_in, layers, project_file, user_file, variable

__all__ = ["run"]

OTHERS = ("CTXWIN_CACHE", "CTXWIN_GRID")
"""Variables that Python programs read too, and that no file can set."""
KEY = "OPENAI_API_KEY"
"""The variable of the key, which no file can set and nothing shows."""
PATH = 200
"""Most characters of a path that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A setting, its value and where the value comes from."""

    name: str
    value: str | bool | None
    """The value; None means the default in each command's help."""
    origin: Origin
    variable: str
    help: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsFile:
    """A file of settings, and whether it is there."""

    path: str
    exists: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigRecord:
    """What `--json` prints."""

    settings: Sequence[Shown]
    files: Mapping[str, SettingsFile]
    cache: str
    key: bool
    """Whether the environment has a key; the key is not shown."""


OUTPUT = ConfigRecord


def run(as_json: JsonOption = False) -> None:
    r"""Show every setting, its value and where it comes from.

    An option goes before the environment, that before ctxwin.toml in the working folder, and that before your own
    config.toml. A folder may be from others: its file cannot say which model is asked, where, or which embedder is
    loaded. Keys are read from the environment alone. Files are TOML, a line for each setting, such as budget = "4k".

    \b
    Example:
      ctxwin config
      ctxwin config --json

    \b
    Exit codes: 0 done; 2 a file or a variable cannot be used.
    """
    settings = [_shown(name, [*layers(), _last()]) for name in Settings.model_fields]
    files = {"folder": project_file(), "user": user_file()}
    for line in _strays():
        typer.echo(line, err=True)
    if as_json:
        there = {name: SettingsFile(path=str(path), exists=path.is_file()) for name, path in files.items()}
        print_json(ConfigRecord(settings=settings, files=there, cache=str(cache_dir()), key=KEY in os.environ))
    else:
        _show(settings, files)


def _last() -> Layer:
    commands = [load_command(name) for name in COMMANDS]
    return Layer(origin="built in", values={name: built_in(commands, name) for name in Settings.model_fields})


def _shown(name: str, found: Sequence[Layer]) -> Shown:
    """Return a setting with the value of the first place that sets it."""
    first = next(layer for layer in found if name in layer.values)
    return Shown(
        name=name,
        value=_plain(first.values.get(name)),
        origin=first.origin,
        variable=variable(name),
        help=str(Settings.model_fields[name].description),
    )


def _plain(value: str | bool | None) -> str | bool | None:
    """Return a value without secrets: an address without its user and password, which may be a key."""
    if isinstance(value, str) and "@" in value and (parts := urlsplit(value)).scheme:
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return value


def _strays() -> Iterator[str]:
    """Name variables that look like settings and are none."""
    known = [*OTHERS, *map(variable, Settings.model_fields)]
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known:
            near = get_close_matches(name, known, n=1)
            yield f"{clean(name)} sets nothing{f'; did you mean {near[0]}?' if near else ''}"


def _show(settings: Sequence[Shown], files: Mapping[str, Path]) -> None:
    from rich.table import Table

    table = Table("setting", "value", "from", "for", box=None, pad_edge=False)
    for one in settings:
        value = "see --help" if one.value is None else one.value
        table.add_row(one.name, clean(value if isinstance(value, str) else str(value).lower()), one.origin, one.help)
    console = table_console()
    console.print(table, "")
    for name, path in files.items():
        typer.echo(f"{name:<12}{clean(str(path), PATH)}{'' if path.is_file() else ' (not there)'}")
    typer.echo(f"environment {PREFIX} and the setting in capitals, such as {settings[0].variable}")
    typer.echo(f"{'':<12}{KEY} is {'set' if KEY in os.environ else 'not set'}")
    typer.echo("first       option, environment, folder, user, built in")
