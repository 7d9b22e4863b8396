"""Secrets in files: which lines hold keys, tokens and passwords, and the text without them.

Some 480 kinds of keys are known to Kingfisher's scanner by how their providers write them (Apache-2.0, MongoDB; its
rules are compiled once and kept in the cache folder); what only a name calls secret is found in `named`.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import PurePath
from typing import TYPE_CHECKING

from ..chunking.syntax import is_code, language_of
from ..store.cache import cache_folder
from .keys import private_keys
from .named import is_example, named_values

if TYPE_CHECKING:
    from kingfisher_sdk import Scanner

__all__ = ["MARK", "Place", "Secret", "find_secrets", "leave_out", "nothing_else", "redacted"]

Place = tuple[int, int, str]
"""Where a secret stands in a text: its first character, the one behind its last, and its kind."""

MARK = "[secret left out]"
"""Stands for a line, or for what follows the name in it."""
RULES = "secret-rules"
"""Folder of the compiled rules in the cache folder; they hold nothing of what is read."""
PRIVATE_KEY = "private-key"
DATA = ("json", "yaml", "toml")
"""Languages of files that may be nothing but secrets, beside prose; in code there is always something else."""

_WORTH = re.compile(r"[A-Za-z0-9_+/=-]{16}|://|pass|curl", re.IGNORECASE)
"""What every key has that the scanner knows; loading its rules takes .25 s, which short prose need not wait for."""
_SHAPES = {
    "telegram-bot-token": (":AA", re.compile(r"(?<![0-9])[0-9]{8,10}:AA[\w-]{33}(?![\w-])")),
    "discord-bot-token": (".", re.compile(r"[MNO](?<![\w.-].)[\w-]{23,27}\.[\w-]{6}\.[\w-]{27,38}(?![\w-])", re.ASCII)),
    "google-oauth-token": ("ya29.", re.compile(r"ya29\.[\w-]{60}")),
    "openai-api-key": ("sk-", re.compile(r"sk-(?:proj|svcacct|admin)-[\w-]{60}")),
    "password-hash": ("$", re.compile(r"\$(?:apr1|2[aby]|[156]|y)\$[A-Za-z0-9./$,=]{30}")),
    "argon2-hash": ("$argon2", re.compile(r"\$argon2(?:id|i|d)\$[A-Za-z0-9./$,=+]{30}")),
    "django-hash": ("pbkdf2_", re.compile(r"pbkdf2_sha(?:1|256)\$[0-9]{3,9}\$[\w./+=$]{30}")),
    "ldap-hash": ("{S", re.compile(r"\{S?S?SHA(?:256|512)?\}[A-Za-z0-9+/]{27}")),
    "discord-webhook": ("/webhooks/", re.compile(r"discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/[\w-]{60}")),
    "one-time-password": ("otp", re.compile(r"(?:[?&]secret=|TOTP\([\"'])[A-Z2-7]{16}")),
    "mnemonic": ("nemonic", re.compile(r"nemonic[\"']?[ ]{0,9}[:=][ ]{0,9}[\"'](?:[a-z]{3,8}[ ]){11,23}[a-z]{3,8}")),
    "cookie": ("\tTRUE\t", re.compile(r"\t(?:TRUE|FALSE)\t[0-9]{1,12}\t[^\t\n]{1,100}\t[^\s]{16}")),
}
"""Kinds beside those of the scanner, which wants their provider's name nearby: first what a text must hold, which
is found fifty times as fast."""
_STORES = re.compile(
    r"id_(?:rsa|dsa|ecdsa|ed25519)|[._]netrc|\.pgpass|pgpass\.conf|\.htpasswd|\.git-credentials|\.pypirc", re.IGNORECASE
)
"""Names of files that are made to hold secrets alone."""
_NAMED_STORES = re.compile(
    r"(?:.*\.)?env|\.env(?:\..*)?|env\.txt|\.npmrc|credentials(?:\..*)?|.*secrets?\.(?:ya?ml|json|toml|ini|txt)"
    r"|kubeconfig|.*\.(?:tfstate|kubeconfig|pem|key|p8|ppk|keystore)|service[_-]?account.*\.json|client_secret.*\.json",
    re.IGNORECASE,
)
"""Names of files that are nothing else once one secret is found in them."""
_EMPTY = re.compile(r"\s*(?:[#;{}\[\](),]|//|---|$)")
_BEFORE = re.compile(
    r"([ \t]*(?:[\w.$-]{1,40}[ \t]){0,3}[\"']?[\w.$-]{1,60}[\"']?[ \t]{0,30}(?:=>|:=|=|:)[ \t]{0,30})"
    r"[@bfru]?[\"'`]{0,3}"
)
"""An assignment up to its value."""
_CLOSING = re.compile(r"[\"'`)\]},; \t\r]*")
"""May stand behind a secret of several lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret that is left out; its value is not kept."""

    path: str
    line: int
    """On which it begins, from 1; of one that begins before the places shown of a large file, the first left out."""
    kind: str
    """What it is: `github-pat`, `private-key`, `password`, ..."""


def redacted(
    text: str, path: str, *, before: str = "", after: str = "", keys: Iterable[tuple[int, int]] = ()
) -> tuple[str, tuple[Secret, ...]]:
    r"""Return a text without the lines that hold secrets, and what was on them.

    A line keeps its number: `MARK` stands in its place, behind the name of a value that is assigned, and a secret of
    several lines leaves empty ones.

    Args:
        text: of a file, or of a part of it.
        path: the file's name, which tells settings from code and tests.
        before: some of what stands before the part.
        after: some of what stands behind it.
        keys: where private keys are known to stand, as places in the text; they may begin before it and end behind it.

    Example:
        >>> redacted("host: db1\npassword: zq7!kfw2\nport: 5432\n", "app.yml")[0]
        'host: db1\npassword: "[secret left out]"\nport: 5432\n'
    """
    return leave_out(text, path, sorted(_within(text, path, before, after, keys)))


def find_secrets(text: str, path: str) -> Sequence[Place]:
    """Return where secrets stand in a text, in its order.

    Args:
        text: the content of a whole file.
        path: the file's name, which tells settings from code and tests.
    """
    return sorted(_found(text, path))


def leave_out(text: str, path: str, found: Sequence[Place]) -> tuple[str, tuple[Secret, ...]]:
    """Return a text without the lines at these places, and what was on the lines, as `redacted` does.

    Args:
        text: the text.
        path: the file's name.
        found: the places, in the order of the text.
    """
    if not found:
        return text, ()
    lines = text.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    secrets: list[Secret] = []
    done = 0  # lines that are left out up to there
    for start, end, kind in found:
        first, last = bisect_right(starts, start) - 1, bisect_right(starts, max(start, end - 1)) - 1
        if first >= done:
            lines[first] = _without(lines[first], start - starts[first], several=last > first)
            secrets.append(Secret(path=path, line=first + 1, kind=kind))
        for number in range(max(first + 1, done), last + 1):
            rest = lines[number][end - starts[number] :] if number == last else ""
            lines[number] = rest if _CLOSING.fullmatch(rest) else ""
        done = max(done, last + 1)
    return "\n".join(lines), tuple(secrets)


def nothing_else(text: str, path: str, secrets: tuple[Secret, ...]) -> bool:
    r"""Tell whether a file is nothing but secrets: by its name, or because more than half of its lines are.

    Args:
        text: as `redacted` returned it.
        path: the file's name.
        secrets: as `redacted` returned them.

    Example:
        >>> nothing_else("user: me\n", "a.yml", ()), nothing_else("", "id_rsa", ())
        (False, True)
    """
    name = PurePath(path).name
    if _STORES.fullmatch(name):
        return True
    if not secrets:
        return False
    if _NAMED_STORES.fullmatch(name):
        return True
    others = sum(MARK not in line and not _EMPTY.match(line) for line in text.split("\n"))
    language = language_of(path)
    return (language in DATA or not is_code(language)) and len(secrets) > others


def _within(text: str, path: str, before: str, after: str, keys: Iterable[tuple[int, int]]) -> Iterator[Place]:
    """Yield (start, end, kind) of what is secret in a text, by what stands around it too."""
    shift = len(before)
    around = [(start - shift, end - shift, kind) for start, end, kind in _found(before + text + after, path)]
    for start, end, kind in [*around, *((*key, PRIVATE_KEY) for key in keys)]:
        if start < len(text) and end > 0:
            yield max(0, start), min(len(text), end), kind


def _found(text: str, path: str) -> Iterator[Place]:
    """Yield (start, end, kind) of secrets; at the same place the scanner's kind comes first."""
    if _WORTH.search(text):
        yield from _scanned(text, path)
    for kind, (sign, pattern) in _SHAPES.items():
        for match in pattern.finditer(text) if sign in text else ():
            yield *match.span(), kind
    for key in private_keys(text):
        yield key.start, key.end, PRIVATE_KEY
    yield from named_values(text, path)


def _without(line: str, at: int, *, several: bool) -> str:
    """Return the name that a line gives to the secret at this place, or its indentation, and the mark."""
    if named := _BEFORE.fullmatch(line, 0, at):
        if several:  # whatever quotes it are closed below
            return line[:at] + MARK
        return f'{named[1]}"{MARK}"' + ("," if line.rstrip().endswith(",") else "")
    return line[: len(line) - len(line.lstrip())] + MARK


def _scanned(text: str, path: str) -> Iterator[Place]:
    from kingfisher_sdk import ScanInput

    data = text.encode("utf-8", "replace")
    spans = [
        (place["start_offset"], place["end_offset"], _kind(one.rule_id))
        for one in _scanner().scan_input(ScanInput(path=path or "text", data=data))
        if one.visible and one.confidence != "low"
        for place in [one.location]
    ]
    ascii_only = len(data) == len(text)
    at = chars = 0
    for start, end, kind in sorted(spans):
        first = start if ascii_only else chars + len(data[at:start].decode("utf-8", "ignore"))
        length = end - start if ascii_only else len(data[start:end].decode("utf-8", "ignore"))
        at, chars = start, first
        if not is_example(text[first : first + length]):
            yield first, first + length, kind


@cache
def _scanner() -> Scanner:
    """Compile the rules, 3 s, or read them from the cache folder."""
    from kingfisher_sdk import Rules, Scanner

    try:
        return Scanner(Rules(cache_dir=str(cache_folder() / RULES)))
    except OSError:
        return Scanner(Rules(cache=False))


def _kind(rule: str) -> str:
    """Turn the name of a rule, such as `betterleaks.aws-access-token.1`, into that of what it finds."""
    return rule.removeprefix("betterleaks.").rpartition("/")[2].split(".")[0]
