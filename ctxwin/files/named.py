"""Values that a name calls secret: `db_password = "..."`, `apiKey: ...`, `<token>...</token>`, `define('KEY', ...)`.

A name alone says little: code is full of tokens and keys. A key must look drawn by chance, and a password stand in a
file of settings or have more than letters; examples, references to variables, paths and identifiers are none.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

__all__ = ["is_example", "named_values"]

LEAST_PASSWORD, LEAST_KEY = 6, 16
"""Characters of the shortest password, and of the shortest key."""
LEAST_BITS = 2.9
"""Shannon entropy per character of a key: of 16 hexadecimal digits drawn by chance, 99 in 100 have more than 2.6."""
LEAST_TURNS = 3
"""Changes between letters and digits in the longest word of a key drawn by chance; `oauth2_v1_token` has one each."""

MANY_BITS = 4.5
"""That of a key in which signs stand between letters and digits."""

_NAMED = re.compile(
    r"""
    (?P<word> pass(?:w(?:or)?d|wd|phrase)s? | pwd | (?<![a-z])pass | secret(?:[_-]?key(?:_base)?)? | tokens?
      | credentials? | authorization | (?<=["'_])auth(?=["'=])
      | (?:api|access|auth|account|private|signing|encryption|master|client|service|storage|shared|consumer|logged_in
        |nonce)[_-]?(?:keys?|salt)(?:-data)? )
    (?:[_-]?(?:value|prod|live|staging|dev|b64|base64|[0-9]{1,2}))?
    (?:
      (?P<shut>["'\])]{1,2})? [ \t]{0,30}
      (?: :[ \t]{0,4}[\w.|?]{1,30}[ \t]{0,4}= | [=!]==? | => | := | [=:,] | (?<=["'][ \t])value= )
      | >
    )
    [ \t]{0,30}
    (?: (?P<quote>["'`]) (?P<quoted>[^"'`\r\n]{4,600}) (?P=quote) | (?P<bare>[^\s"'`<>,;&(){}\[\]\\]{6,600}) )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_PASSWORDS = ("pass", "pwd")
"""Beginnings of the words for what people choose; the others are drawn by chance."""
_SCHEME = re.compile(r"(?:bearer|basic|token|bot|apikey)[ ]+", re.IGNORECASE)
_SETTINGS = re.compile(
    r"(?:^|/)(?:[^/]*\.(?:ya?ml|toml|ini|cfg|conf|cnf|properties|env|tfvars|tfstate|config|xml|reg)|\.?env(?:[.][^/]*)?"
    r"|dockerfile[^/]*|\.[a-z]+rc|credentials|config)$",
    re.IGNORECASE,
)
"""Files in which a value needs no quotes."""
_PLAIN_SETTINGS = re.compile(
    r"(?:^|/)(?:[^/]*\.(?:ini|cfg|conf|cnf|properties|env|tfvars)|\.?env(?:[.][^/]*)?|docker-compose[^/]*)$",
    re.IGNORECASE,
)
"""Files whose passwords may be mere letters; elsewhere those are words in forms and translations."""
_TRIALS = re.compile(
    r"(?:^|/)(?:tests?|testing|spec|fixtures?|examples?|samples?|docs?|cassettes)/|(?:^|/)(?:test_|conftest)[^/]*$"
    r"|[^/]*[._-](?:test|spec)\.[a-z]+$|\.(?:md|rst|adoc|markdown|ipynb)$",
    re.IGNORECASE,
)
"""Tests and documentation, whose passwords are made up."""
_EXAMPLE = re.compile(
    r"example|sample|dummy|placeholder|your|change[_-]?(?:me|this|it)|replace|insert|redacted|x{4,}|\*{3,}|\.\.\.|…|fake|mock"
    r"|test|12345678|abcdefgh|qwerty|foo|\bbar\b|todo|invalid|hunter2$|deadbeef|s3cr3t$|(.)\1{5}"
    r"|^(?:my|the|some|new|old|user|admin|bad|wrong|good|valid|super|top|db|root|secure|strong)?[-_ ]?"
    r"(?:pass(?:w(?:or)?d|wd|phrase)?|secret|token|key|pwd|value)[-_ ]?[0-9]{0,4}[!.]?$",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"^[$%{<\[(@#~./\\*-]|\$\{|\$\(|\{\{|<%|%[(sdr]|\{[\w.:!\[\]']{0,40}\}|://|^[\w.-]+\.[A-Za-z_]{2,}$|^(?:ref|env|file|vault|arn|sha\d+|pbkdf2|md5)[:_$.]"
)
"""Variables, templates, paths, addresses, attributes of objects, hashes that say so."""
_WORD = re.compile(r"[A-Za-z0-9+/]+")
_TURN = re.compile(r"(?<=[A-Za-z])[0-9]|(?<=[0-9])[A-Za-z]")


def named_values(text: str, path: str) -> Iterator[tuple[int, int, str]]:
    r"""Yield (start, end, kind) of the values that look secret and have a name that says so.

    Example:
        >>> text = "db_password: zq7!kfw2\napi_key = os.environ['KEY']\n"
        >>> [(text[start:end], kind) for start, end, kind in named_values(text, "app.yml")]
        [('zq7!kfw2', 'password')]
    """
    settings, trial = _SETTINGS.search(path) is not None, _TRIALS.search(path) is not None
    plain = _PLAIN_SETTINGS.search(path) is not None
    for match in _NAMED.finditer(text):
        group = "quoted" if match["quote"] else "bare"
        start, end = match.span(group)
        if scheme := _SCHEME.match(text, start, end):
            start = scheme.end()
        value, word = text[start:end], match["word"].lower()
        if is_example(value) or _REFERENCE.search(value):
            continue
        password = word.startswith(_PASSWORDS)
        written = group == "quoted" or settings or text[end : end + 1] == ";"
        if _by_chance(value) or (password and written and not trial and _chosen(value, plain)):
            yield start, end, "password" if password else "secret"


def is_example(value: str) -> bool:
    """Tell whether a value only shows what one looks like.

    Example:
        >>> is_example("your-api-key-here"), is_example("AKIAIOSFODNN7EXAMPLE"), is_example("kX7bQ2mW9pLz")
        (True, True, False)
    """
    return _EXAMPLE.search(value) is not None


def _by_chance(value: str) -> bool:
    """Tell whether a value is a key that nobody chose."""
    if len(value) < LEAST_KEY or any(sign.isspace() for sign in value):
        return False
    counts = Counter(value)
    bits = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    turns = max((len(_TURN.findall(word)) for word in _WORD.findall(value)), default=0)
    return bits >= LEAST_BITS and (turns >= LEAST_TURNS or (len(value) >= 2 * LEAST_KEY and bits >= MANY_BITS))


def _chosen(value: str, plain: bool) -> bool:
    """Tell whether a value is a password that somebody chose."""
    if len(value) < LEAST_PASSWORD or any(sign.isspace() for sign in value) or not any(map(str.isalpha, value)):
        return False
    return plain or any(not sign.isalpha() and sign not in "-_./:" for sign in value)
