"""Reads the settings of the command line: their table, the places that set them, and the options that they stand for.

    option > environment (CTXWIN_BUDGET) > ctxwin.toml of the working folder > config.toml of the user > built in

A folder may come from anybody, so its file sets how things are packed, but never the model that is asked, its address,
or a model that is loaded (`PERSONAL`): it can send no key and no text anywhere. Keys are read from the environment
alone.

An option has a setting if it names the setting's variable (`envvar=`). The Python interface reads no settings.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StrictStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from typer.core import TyperCommand

from ..allocate import OLD_NAMES, strategies
from ..errors import CtxwinError, InputError
from ..items import parse_tokens
from ..tokens import get_tokenizer
from .setting_places import OPENAI, PREFIX, project_file, user_file

__all__ = [
    "PERSONAL",
    "Layer",
    "Origin",
    "Settings",
    "built_in",
    "defaults",
    "layers",
    "variable",
]

Origin = Literal["environment", "folder", "user", "built in"]
"""The place that sets a value: a variable, the file of the working folder, the user's own file, or none."""
PERSONAL = frozenset({"base_url", "embedder", "model"})
"""Settings that the file of a folder may not change."""

TYPES = {
    "bool_parsing": "neither true nor false",
    "bool_type": "neither true nor false",
    "string_type": "no text; put it in quotes",
}
"""Texts of errors on a value of the wrong type."""
MOST_BYTES = 100_000
"""Bytes of the largest settings file; a larger file is refused."""
SHOWN = 80
"""Most characters of a wrong value that are shown."""


def _budget(value: object) -> str:
    """Read a number of tokens as TOML or people write it."""
    try:
        parse_tokens("" if isinstance(value, bool) else str(value))
    except InputError:
        raise ValueError('no number of tokens; write it like 2000, "2k" or "1.5k"') from None
    return str(value)


def _strategy(value: str) -> str:
    if value not in strategies() and value not in OLD_NAMES:
        raise ValueError(f"no strategy{_meant(value, strategies())}; use one of {', '.join(strategies())}")
    return value


def _tokenizer(value: str) -> str:
    try:
        get_tokenizer(value)
    except CtxwinError as error:
        raise ValueError(str(error)) from None
    return value


def _url(value: str) -> str:
    if urlsplit(value).scheme not in ("http", "https") or not urlsplit(value).netloc:
        raise ValueError("no address; write it like http://127.0.0.1:11434/v1")
    return value


class Settings(BaseSettings):
    """The table of settings: name, possible values, and purpose."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", validate_default=False)

    budget: Annotated[str | None, BeforeValidator(_budget)] = Field(None, description="tokens a request may have")
    model: Annotated[StrictStr | None, Field(description="who answers in chat, else who is counted for")] = None
    tokenizer: Annotated[StrictStr | None, AfterValidator(_tokenizer), Field(description="what counts")] = None
    strategy: Annotated[StrictStr | None, AfterValidator(_strategy), Field(description="how is chosen")] = None
    embedder: Annotated[StrictStr | None, Field(description="what judges relevance beside words")] = None
    costs: Annotated[bool | None, Field(description="say what a call costs")] = None
    base_url: Annotated[StrictStr | None, AfterValidator(_url), Field(description="where models are asked")] = None

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: object, **__: object
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Use only the given values: each place is read and checked separately, so that errors can name it."""
        return (init_settings,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """The settings of one place."""

    origin: Origin
    values: Mapping[str, Any]


def layers() -> Sequence[Layer]:
    """Return the settings of the environment and of both files, the strongest first.

    Raises:
        InputError: a file cannot be read, names an unknown or forbidden setting, or a value is not possible.
    """
    folder, user = project_file(), user_file()
    of_folder = _checked(_read(folder), str(folder))
    if barred := sorted(PERSONAL & of_folder.keys()):
        raise InputError(
            f"{str(folder)!r} sets {barred[0]!r}, which a folder's file cannot, since it may be from others; "
            f"set it in {str(user)!r} or as {variable(barred[0])}"
        )
    asked = {"base_url": address} if (address := os.environ.get(OPENAI)) else {}
    return (
        Layer(origin="environment", values=asked | _checked(EnvSettingsSource(Settings)())),
        Layer(origin="folder", values=of_folder),
        Layer(origin="user", values=_checked(_read(user), str(user))),
    )


def built_in(commands: Iterable[TyperCommand], name: str) -> str | bool | None:
    """Return the default of a setting; None if each command has its own default."""
    found: set[Any] = {option.default for one in commands for option in one.params if _setting(option.envvar) == name}
    return found.pop() if len(found) == 1 else None


def defaults(command: TyperCommand) -> dict[str, Any]:
    """Return the settings that replace the defaults of a command's options that were not typed."""
    merged: dict[str, Any] = {}
    for layer in reversed(layers()):
        merged |= layer.values
    options = {option.name: _setting(option.envvar) for option in command.params}
    return {str(option): merged[one] for option, one in options.items() if one in merged}


def _setting(variable: str | Sequence[str] | None) -> str | None:
    """Return the setting of an option's variable; of several variables the first counts."""
    first = variable if isinstance(variable, str) or not variable else variable[0]
    return first.removeprefix(PREFIX).lower() if isinstance(first, str) else None


def _read(path: Path) -> Mapping[str, Any]:
    try:
        if path.is_file() and path.stat().st_size > MOST_BYTES:
            raise InputError(f"{str(path)!r} is over {MOST_BYTES:,} bytes, no file of settings; move it away")
        return TomlConfigSettingsSource(Settings, path).toml_data
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{str(path)!r} is no TOML ({error}); mend the file there") from error
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "no UTF-8"
        raise InputError(f"cannot read {str(path)!r} ({reason}); mend or remove the file") from error


def _checked(values: Mapping[str, Any], path: str | None = None) -> dict[str, Any]:
    """Return the checked values of a file, or of the environment."""
    try:
        return Settings.model_validate(dict(values)).model_dump(exclude_unset=True)
    except ValidationError as error:
        first = error.errors()[0]
    name, why = str(first["loc"][0]), TYPES.get(first["type"], first["msg"].removeprefix("Value error, "))
    if first["type"] == "extra_forbidden":
        known = ", ".join(Settings.model_fields)
        raise InputError(f"{path!r}: no setting {name!r}{_meant(name, Settings.model_fields)}; there are {known}")
    shown = "" if name == "base_url" else f" {repr(first['input'])[:SHOWN]}"  # an address may hold a key
    where = variable(name) if path is None else f"{path!r}: {name}"
    raise InputError(f"{where}{shown}: {why}")


def variable(name: str) -> str:
    """Return the variable of a setting.

    Example:
        >>> variable("base_url")
        'CTXWIN_BASE_URL'
    """
    return PREFIX + name.upper()


def _meant(name: str, known: Mapping[str, Any]) -> str:
    near = get_close_matches(name.lower(), known, n=1)
    return f" (did you mean {near[0]!r}?)" if near else ""
