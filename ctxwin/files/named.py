"""Finds values with secret names: `db_password = "..."`, `apiKey: ...`, `<token>...</token>`, `define('KEY', ...)`.

A name alone says little: code is full of tokens and keys. A key must look random, and a password must stand in a
settings file or hold more than letters; examples, references to variables, paths and identifiers do not count.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from .phrased import phrased_values

__all__ = ["is_example", "named_values"]

LEAST_PASSWORD, LEAST_KEY = 6, 16
"""Fewest characters of a password, and of a key."""
LOOK_BACK = 40
"""Characters before a word that tell what the word belongs to."""
LEAST_BITS = 2.9
"""Shannon entropy per character of a key: of 16 random hexadecimal digits, 99 in 100 have more than 2.6."""
LEAST_TURNS = 3
"""Changes between letters and digits in the longest word of a random key; no word of `oauth2_v1_token` has more than
one."""

MANY_BITS = 4.5
"""Shannon entropy per character of a key with signs between letters and digits."""

_WORDS = re.compile("pass|pwd|secret|token|credential|auth|key|salt")
"""Searched first, in lower case: searching for the rest at every place would take nine tenths of the time."""
_NAMED = re.compile(
    r"""
    (?: (?P<password> pass(?:w(?:or)?d|wd|phrase|) | pwd ) | secret(?:[_-]?key(?:_base)?)? | token | credential
      | (?P<auth> auth(?:orization)?) | (?P<key> keys?(?:-data)? | salt) )
    s? (?:[_-]?(?:value|prod|live|staging|dev|b64|base64|[0-9]{1,2}))?
    (?: ["'\])]{0,2} [ \t]{0,30} (?: :[ \t]{0,4}[\w.|?&<>]{1,30}(?:[ ]str)?[ \t]{0,4}= | [=!]==? | => | := | [=:] )
      | (?P<argument>["'],)(?=[ \t]{0,30}["']) | ["'][ ]value= | > )
    [ \t]{0,30}
    (?: (?:[bfru@$]{1,2}(?=["']))? (?P<quote>["'`]) (?P<quoted>[^"'`\r\n]{4,600}) (?P=quote)
      | (?P<bare>[^\s"'`<>,;&(){}\[\]\\]{6,600}) )
    """,
    re.VERBOSE | re.IGNORECASE,
)
_BEFORE_KEY = re.compile(
    r"(?:api|access|auth|account|private|signing|encryption|master|client|service|storage|shared|consumer|logged_in|nonce)"
    r"[_-]?$"
)
_BEFORE_TOKEN = re.compile(r"(?:api|access|auth|refresh|bearer|private|bot|_)[_-]?$")
"""Words before `token` that make a UUID a secret; without one it may be the token of a request or a page."""
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_BEFORE_ARGUMENT = re.compile(r"\([ ]?[\"'][\w.-]*$")
"""`define('DB_PASSWORD', ...)`, but no list of names."""
_BEFORE_AUTH = re.compile(r"[\"'_-]$")
_VARIABLE = re.compile(
    r"^[ \t]*(?:export[ ])?[A-Za-z_][\w.-]{0,80}[ \t]?=[ \t]?[\"']?([^\s\"'#]{16,600})", re.MULTILINE
)
"""A value in a file of environment variables, whatever its name."""
_VARIABLES = re.compile(r"(?:^|/)(?:[^/]*\.)?env(?:\.[^/]*)?$", re.IGNORECASE)
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
"""Files whose passwords may consist of letters alone; in other files such words come from forms and translations."""
_TRIALS = re.compile(
    r"(?:^|/)(?:tests?|testing|spec|fixtures?|examples?|samples?|docs?|cassettes)/|(?:^|/)(?:test_|conftest|examples?[.-])[^/]*$"
    r"|[._-](?:test|spec)\.[a-z]+$|\.(?:md|rst|adoc|markdown|ipynb)$",
    re.IGNORECASE,
)
"""Tests and documentation, whose passwords are made up."""
_EXAMPLE = re.compile(
    r"(?-i:^[A-Z][A-Z_]+$)|example|sample|dummy|placeholder|your|change[_-]?(?:me|this|it)|replace|insert|redacted|x{4,}|\*{3,}|\.\.\.|…|fake|mock"
    r"|test|12345678|abcdefgh|qwerty|foo|\bbar\b|todo|invalid|hunter2$|deadbeef|abc123|xyz789|s3cr3t$|(.)\1{5}"
    r"|^(?:my|the|some|new|old|user|admin|bad|wrong|good|valid|super|top|db|root|secure|strong)?[-_ ]?"
    r"(?:pass(?:w(?:or)?d|wd|phrase)?|secret|token|key|pwd|value)[-_ ]?[0-9]{0,4}[!.]?$",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"^[$%@#~./\\*-]{1,2}[\w./\\:-]*[%/]?$|^[{<\[(].*[}>\])]$|\$\{|\$\(|\{\{|<%|%[(sdr]|\{[\w.:!\[\]']{0,40}\}|://|^[\w.-]+\.[A-Za-z_]{2,}$|^[a-z_]{2,40}(?:\.[a-z_]\w{0,60})*\.[A-Z]\w{0,60}$|^os\.environ|^(?:ref|env|file|vault|arn|sha\d+|pbkdf2|md5)[:_$.]"
)
"""Variables, templates, paths, addresses, attributes of objects, and hashes that call themselves hashes."""
_WORD = re.compile(r"[A-Za-z0-9+/]+")
_TURN = re.compile(r"(?<=[A-Za-z])[0-9]|(?<=[0-9])[A-Za-z]")


def named_values(text: str, path: str) -> Iterator[tuple[int, int, str]]:
    r"""Yield (start, end, kind) of each value that looks secret and has a name that says so.

    Example:
        >>> text = "db_password: zq7!kfw2\napi_key = os.environ['KEY']\n"
        >>> [(text[start:end], kind) for start, end, kind in named_values(text, "app.yml")]
        [('zq7!kfw2', 'password')]
    """
    settings, trial = _SETTINGS.search(path) is not None, _TRIALS.search(path) is not None
    plain = _PLAIN_SETTINGS.search(path) is not None
    for one in _VARIABLE.finditer(text) if _VARIABLES.search(path) else ():
        if _by_chance(one[1]) and not is_example(one[1]) and not _REFERENCE.search(one[1]):
            yield *one.span(1), "secret"
    low = text.replace("\u0130", "I").lower()  # that letter alone becomes two
    for place in _WORDS.finditer(low):
        match = _NAMED.match(text, place.start())
        before = low[max(0, place.start() - LOOK_BACK) : place.start()]
        if match is None or not _is_name(match, before):
            continue
        group = "quoted" if match["quote"] else "bare"
        start, end = match.span(group)
        if scheme := _SCHEME.match(text, start, end):
            start = scheme.end()
        value = text[start:end]
        if group == "bare" and text[end : end + 1] in ("(", "[", "{"):
            continue  # a call
        if is_example(value) or _REFERENCE.search(value):
            continue
        written = group == "quoted" or settings or (before[-1:] == ";" and text[end : end + 1] in (";", '"', "'"))
        if _by_chance(value) or (match["password"] and written and not trial and _chosen(value, plain)):
            yield start, end, "password" if match["password"] else "secret"
    yield from phrased_values(text, path, _may_be, trial=trial)


def _may_be(value: str) -> bool:
    """Tell whether a value may be a secret that a phrase calls so."""
    return not is_example(value) and not _REFERENCE.search(value) and (_chosen(value, plain=False) or _by_chance(value))


def _is_name(match: re.Match[str], before: str) -> bool:
    """Tell whether the text before a word makes it the name of a secret."""
    if match["argument"] and not _BEFORE_ARGUMENT.search(before):
        return False
    if match["key"]:
        return _BEFORE_KEY.search(before) is not None
    if match["auth"]:
        return _BEFORE_AUTH.search(before) is not None
    if (match["password"] or "").lower() == "pass":
        return not before[-1:].isalpha()
    if _UUID.match(match["quoted"] or match["bare"]) and match[0].lower().startswith("token"):
        return _BEFORE_TOKEN.search(before) is not None
    return not before.endswith(("public", "publickey", "public_", "public_key_"))


def is_example(value: str) -> bool:
    """Tell whether a value is only an example of a secret.

    Example:
        >>> is_example("your-api-key-here"), is_example("AKIAIOSFODNN7EXAMPLE"), is_example("kX7bQ2mW9pLz")
        (True, True, False)
    """
    return _EXAMPLE.search(value) is not None


def _by_chance(value: str) -> bool:
    """Tell whether a value looks like a random key."""
    if len(value) < LEAST_KEY or any(sign.isspace() for sign in value):
        return False
    counts = Counter(value)
    bits = -sum(n / len(value) * math.log2(n / len(value)) for n in counts.values())
    turns = max((len(_TURN.findall(word)) for word in _WORD.findall(value)), default=0)
    return bits >= LEAST_BITS and (turns >= LEAST_TURNS or (len(value) >= 2 * LEAST_KEY and bits >= MANY_BITS))


def _chosen(value: str, plain: bool) -> bool:
    """Tell whether a value looks like a password that somebody chose."""
    if (
        len(value) < LEAST_PASSWORD
        or any(sign.isspace() or sign == "\\" for sign in value)
        or not any(map(str.isalpha, value))
    ):
        return False
    return plain or any(not sign.isalpha() and sign not in "-_./:" for sign in value)
