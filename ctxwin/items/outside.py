"""Read what comes from outside, such as a saved plan or a line of an evaluation set, into ctxwin's own values.

The model of such a value is a frozen dataclass: pydantic holds what was given against the annotations and builds the
value, so that nothing inside has to ask again. Texts, numbers and truth values are taken as they are, never converted;
keys that the dataclass does not have are left aside. pydantic is imported with the first value that is read, since most
programs read none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import InputError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails, SchemaValidator

__all__ = ["json_schema", "read_json", "read_value"]

Form = TypeVar("Form")

EXACT = frozenset({"bool", "date", "float", "int"})
"""Types of pydantic's schemas for which no other type stands in, such as a text for a number."""
WANTED = {
    "bool_type": "true or false",
    "dataclass_type": "an object",
    "date_type": "a date",
    "dict_type": "an object",
    "finite_number": "a finite number",
    "float_type": "a number",
    "int_type": "a whole number",
    "mapping_type": "an object",
    "string_type": "a string",
    "tuple_type": "a list",
}
"""What a value should be, by the type of pydantic's error."""
UNION = "|"
"""Stands in pydantic's paths for a member of a union, which is no key."""
SHOWN = 40
"""Most characters of a key, a number or a word that an error shows."""


class _RepeatedKeyError(ValueError):
    """A key stands twice in one object."""


def read_json(text: str | bytes, form: type[Form], where: str, *, remedy: str, version: int | None = None) -> Form:
    r"""Read the JSON text of one object as a value of a dataclass.

    Args:
        text: the JSON text; bytes are UTF-8, UTF-16 or UTF-32.
        form: the dataclass.
        where: what the text is, or its file and line, for errors.
        remedy: what to do if the text cannot be read.
        version: the only value that `version` may have in the text. Default: any.

    Raises:
        InputError: the text is no JSON, or does not have the form; the error names the key and no text of the value.

    Example:
        >>> from ctxwin import Budget
        >>> read_json('{"total": "8k"}', Budget, "budget.json", remedy="mend it")
        Traceback (most recent call last):
        ctxwin.errors.InputError: budget.json: 'total' is a whole number, not a string of 2 characters; mend it
    """
    return read_value(_parsed(text, where, remedy), form, where, remedy=remedy, version=version)


def read_value(plain: object, form: type[Form], where: str, *, remedy: str, version: int | None = None) -> Form:
    """Read plain values, as JSON or TOML gives them, as a value of a dataclass; arguments and errors of `read_json`."""
    from pydantic import ValidationError

    if version is not None and isinstance(plain, Mapping) and plain.get("version", version) != version:
        given = _given(plain["version"])
        raise InputError(f"{where}: 'version' is {given}, and this ctxwin reads version {version}; {remedy}")
    try:
        found: Form = _validator(form).validate_python(plain)  # type: ignore[arg-type]  # a class is hashable
    except ValidationError as error:
        first = max(error.errors(include_url=False), key=lambda one: len(one["loc"]))  # of a union, what came furthest
    else:
        return found
    raise InputError(f"{where}: {_told(first)}; {remedy}")  # outside: pydantic's own error shows the value


def json_schema(form: Any) -> dict[str, Any]:
    """Return the JSON schema of what is printed of a type: objects have all keys of the type, and no others.

    Example:
        >>> from ctxwin import Budget
        >>> json_schema(Budget)["properties"]["total"]
        {'title': 'Total', 'type': 'integer'}
    """
    from pydantic import TypeAdapter

    closed: dict[str, Any] = _closed(TypeAdapter(form).json_schema(mode="serialization"))
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **closed}


def _closed(schema: Any) -> Any:
    """Make every object of a schema have all keys and no others; of a description only the first line stays."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    if isinstance(closed.get("description"), str):
        closed["description"] = closed["description"].partition("\n")[0]
    if closed.get("type") == "object" and "properties" in closed:
        closed |= {"required": list(closed["properties"]), "additionalProperties": False}
    return closed


def _parsed(text: str | bytes, where: str, remedy: str) -> object:
    try:
        return json.loads(text, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        why = f"broken JSON ({error})"
    except _RepeatedKeyError as error:
        why = f"{error} twice in one object"
    except UnicodeDecodeError as error:
        why = f"no UTF-8 (byte {error.start:,})"
    except RecursionError:
        why = "nested too deeply to be read"
    except ValueError:
        why = "broken JSON (a number of thousands of digits)"
    except TypeError:
        why = f"a JSON text, not {type(text).__name__}"
    raise InputError(f"{where}: {why}; {remedy}")


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _RepeatedKeyError(f"{next(key for key in keys if keys.count(key) > 1)[:SHOWN]!r} stands")
    return found


@lru_cache
def _validator(form: type[Any]) -> SchemaValidator:
    from pydantic import TypeAdapter
    from pydantic_core import SchemaValidator

    return SchemaValidator(_exact(TypeAdapter(form).core_schema))


def _exact(schema: Any) -> Any:
    """Make pydantic's schema convert no text, number or truth value, and refuse NaN; lists still become tuples."""
    if isinstance(schema, list):
        return [_exact(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    exact = {key: _exact(value) for key, value in schema.items()}
    if exact.get("type") == "union":
        exact["choices"] = [(one, UNION) for one in exact["choices"]]
    if exact.get("type") == "float":
        exact["allow_inf_nan"] = False
    return exact | {"strict": True} if exact.get("type") in EXACT else exact


def _told(error: ErrorDetails) -> str:
    """Say which key is wrong, what it should be, and what it is."""
    kind, context = error["type"], error.get("ctx", {})
    key = f"{_path(error['loc'])!r}" if error["loc"] else "this"
    if kind == "missing":
        return f"{key} is missing"
    if kind == "unexpected_keyword_argument":
        return f"{key} is not known"
    if kind == "value_error":  # raised by the dataclass, in words of ctxwin's own
        return str(context["error"])
    if kind == "literal_error":
        return f"{key} is one of {context['expected']}, not {_given(error['input'], shown=True)}"
    if kind == "too_long":
        return f"{key} is a list of {context['max_length']}, not of {context['actual_length']}"
    return f"{key} is {WANTED.get(kind, 'another value')}, not {_given(error['input'])}"


def _path(keys: Sequence[int | str]) -> str:
    """Write keys as one path.

    Example:
        >>> _path(("gold_ranges", "src/a.py", 0)), _path(("turns", 7, "message"))
        ("gold_ranges['src/a.py'][0]", 'turns[7].message')
    """
    path = ""
    for key in keys:
        if key == UNION:
            continue
        name = key[:SHOWN] if isinstance(key, str) else key
        path += f".{name}" if isinstance(name, str) and name.isidentifier() else f"[{name!r}]"
    return path.removeprefix(".")


def _given(value: object, *, shown: bool = False) -> str:
    """Describe a wrong value; of a text only the length, since it may be a message."""
    if isinstance(value, str):
        return repr(value) if shown and len(value) <= SHOWN else f"a string of {len(value):,} characters"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return f"a list of {len(value):,}"
    if value is None or isinstance(value, bool | int | float):
        written = repr(value)
        return written if len(written) <= SHOWN else f"{written[:SHOWN]}…"
    return type(value).__name__
