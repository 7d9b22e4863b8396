"""Reads the shapes that providers take from `shapes.toml`, and finds where a value differs from its shape."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from ..conversation import DIALECTS, Dialect, Path, brief

__all__ = ["OPEN", "Fault", "Field", "Shape", "Union", "faults", "fits", "shape_of", "tables", "union_of"]

OPEN: frozenset[Dialect] = frozenset({"openai"})
"""Dialects that take unknown keys. OpenAI ignores them, and servers of open models need some (`reasoning_content`);
Anthropic says "Extra inputs are not permitted", Responses "Unknown parameter"."""

_SCALARS: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "null": (type(None),),
}
_TOKEN = re.compile(r"\s*(?:'(?P<word>[^']*)'|(?P<name>\w+)|(?P<sign>[\[\]{}|]))")


@dataclass(frozen=True, slots=True, kw_only=True)
class Union:
    """The possible shapes of a value; the first that fits counts."""

    text: str
    """The union as it is written in the file."""
    scalars: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()
    listed: Union | None = None
    mapped: Union | None = None
    shapes: tuple[str, ...] = ()
    anything: bool = False
    any_object: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A key of a shape."""

    union: Union
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """An object that a provider takes: its keys, and the keys with a fixed word that identify it."""

    name: str
    fields: Mapping[str, Field]
    telling: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A place where a value is not what the provider takes."""

    path: Path
    kind: Literal["value", "type", "key"]
    """A wrong or missing value, a type that the provider does not know there, or a key that it refuses."""
    said: str

    @property
    def place(self) -> str:
        """The path of the place, as the providers write it."""
        steps = (f"[{step}]" if isinstance(step, int) else "." + brief(step).strip("'") for step in self.path)
        return "".join(steps).lstrip(".")


@cache
def tables() -> Mapping[Dialect, Mapping[str, Union | Shape]]:
    """Return the shapes of each dialect by name, read once."""
    known = tomllib.loads((files(__package__) / "shapes.toml").read_text(encoding="utf-8"))
    return {dialect: _read(known[dialect]) for dialect in DIALECTS}


def _read(table: Mapping[str, Any]) -> dict[str, Union | Shape]:
    unions = {name: text for name, text in table.items() if isinstance(text, str)}
    read: dict[str, Union | Shape] = {}
    for name, given in table.items():
        if isinstance(given, str):
            read[name] = _union(given, unions)
            continue
        fields = {
            key.removesuffix("?"): Field(union=_union(text, unions), required=not key.endswith("?"))
            for key, text in given.items()
        }
        telling = {key: field.union.words for key, field in fields.items() if _telling(key, field.union)}
        read[name] = Shape(name=name, fields=fields, telling=telling)
    return read


def _telling(key: str, union: Union) -> bool:
    return key in ("type", "role") and bool(union.words) and not union.shapes and not union.scalars


def _union(text: str, short: Mapping[str, str]) -> Union:
    tokens = list(_TOKEN.finditer(text))
    union, rest = _parse(tokens, short, text)
    if rest:
        raise ValueError(f"shapes.toml: {text!r} goes on after its end; write one value")
    return union


def _parse(tokens: list[re.Match[str]], short: Mapping[str, str], text: str) -> tuple[Union, list[re.Match[str]]]:
    scalars, words, shapes = set[str](), set[str](), list[str]()
    listed = mapped = None
    anything = any_object = False
    while tokens and tokens[0]["sign"] not in ("]", "}"):
        token, tokens = tokens[0], tokens[1:]
        name = token["name"]
        if token["sign"] == "[":
            listed, tokens = _parse(tokens, short, text)
            tokens = tokens[1:]
        elif token["sign"] == "{":
            mapped, tokens = _parse(tokens, short, text)
            tokens = tokens[1:]
        elif token["word"] is not None:
            words.add(token["word"])
        elif name == "any":
            anything = True
        elif name == "object":
            any_object = True
        elif name in _SCALARS:
            scalars.add(name)
        elif name in short:
            shapes += [part.strip() for part in short[name].split("|")]
        elif name is not None:
            shapes.append(name)
    return (
        Union(
            text=text,
            scalars=frozenset(scalars),
            words=frozenset(words),
            listed=listed,
            mapped=mapped,
            shapes=tuple(shapes),
            anything=anything,
            any_object=any_object,
        ),
        tokens,
    )


def union_of(dialect: Dialect, name: str = "Message") -> Union:
    """Return the union of shapes that a name stands for."""
    found = tables()[dialect][name]
    assert isinstance(found, Union)
    return found


def shape_of(dialect: Dialect, union: Union, value: Mapping[Any, Any]) -> Shape | None:
    """Return the best fitting shape for an object by its `type` and `role`; None if there is none."""
    told = list(_told(dialect, union, value))
    if len(told) < 2:
        return told[0] if told else None
    return next((shape for shape in told if not any(_inside(value, shape, dialect, ()))), told[0])


def _told(dialect: Dialect, union: Union, value: Mapping[Any, Any]) -> Iterator[Shape]:
    table = tables()[dialect]
    for name in union.shapes:
        shape = table[name]
        assert isinstance(shape, Shape)
        if all(_tells(value, key, words, shape) for key, words in shape.telling.items()):
            yield shape


def _tells(value: Mapping[Any, Any], key: str, words: frozenset[str], shape: Shape) -> bool:
    if key not in value:
        return not shape.fields[key].required
    found = value[key]
    return isinstance(found, str) and found in words


def fits(value: object, dialect: Dialect, union: Union) -> bool:
    """Tell whether a value is what a provider takes."""
    return next(iter(faults(value, dialect, union)), None) is None


def faults(value: object, dialect: Dialect, union: Union, path: Path = ()) -> Iterator[Fault]:
    """Yield the places where a value is not what a provider takes, in order.

    Example:
        >>> message = {"role": "user", "content": [{"type": "text"}]}
        >>> [fault.place for fault in faults(message, "openai", union_of("openai"))]
        ['content[0].text']
    """
    if union.anything or _plain(value, union):
        return
    if isinstance(value, Mapping):
        yield from _object(value, dialect, union, path)
    elif union.listed is not None and isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for position, inner in enumerate(value):
            yield from faults(inner, dialect, union.listed, (*path, position))
    else:
        yield Fault(path=path, kind="value", said=f"is {_named(value)}; give {_wanted(union)}")


def _plain(value: object, union: Union) -> bool:
    if isinstance(value, str) and value in union.words:
        return True
    if isinstance(value, bool):
        return "bool" in union.scalars
    return any(isinstance(value, _SCALARS[name]) for name in union.scalars)


def _object(value: Mapping[Any, Any], dialect: Dialect, union: Union, path: Path) -> Iterator[Fault]:
    shape = shape_of(dialect, union, value)
    if shape is not None:
        yield from _inside(value, shape, dialect, path)
    elif union.any_object:
        return
    elif union.mapped is not None:
        for key, inner in value.items():
            yield from faults(inner, dialect, union.mapped, (*path, key))
    elif union.shapes and isinstance(value.get("type"), str):
        yield Fault(path=path, kind="type", said=f"has the type {brief(value['type'])}, which {dialect} has not here")
    else:
        yield Fault(path=path, kind="value", said=f"is {_named(value)}; give {_wanted(union)}")


def _inside(value: Mapping[Any, Any], shape: Shape, dialect: Dialect, path: Path) -> Iterator[Fault]:
    for key, field in shape.fields.items():
        if key in value:
            yield from faults(value[key], dialect, field.union, (*path, key))
        elif field.required:
            yield Fault(path=(*path, key), kind="value", said=f"is missing; give {_wanted(field.union)}")
    for key in value:
        if not isinstance(key, str) or (key not in shape.fields and dialect not in OPEN):
            yield Fault(path=(*path, key), kind="key", said="is a key that the provider refuses; leave it out")


def _named(value: object) -> str:
    return brief(value) if isinstance(value, str) or value is None else type(value).__name__


def _wanted(union: Union) -> str:
    names = sorted(union.scalars | {repr(word) for word in union.words} | ({"list"} if union.listed else set()))
    if union.shapes or union.mapped or union.any_object:
        names.append("object")
    return " or ".join(names)
