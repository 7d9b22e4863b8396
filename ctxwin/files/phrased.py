r"""Secrets that a phrase around them gives away, rather than a name beside them.

A value on the line below its name (YAML, Kubernetes, Terraform, XML), an argument of a command (`sshpass -p`,
`IDENTIFIED BY`), addresses and connection strings, notes in other languages than English, tables with a column of
passwords.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator

__all__ = ["phrased_values"]

BACK, AHEAD = 100, 900
"""Characters around a sign in which its phrase stands; one takes half of those ahead at most."""
COLUMNS = frozenset({"password", "passwd", "passphrase", "secret", "api_key", "apikey", "token", "login_password"})
"""Names of columns of a table that hold secrets."""

_NAME = r"[\w.-]{0,40}(?:pass(?:w(?:or)?d|wd|phrase)|pwd|secret|token|api[_-]?key)[\w-]{0,12}"
_VALUE = r"(?P<value>[^\s\"'`<>]{6,300})"
_WORD = r"[\"'`*]{0,3}(?P<value>[^\s\"'`*，。、；<>|()\[\]{}=]{6,100})"
_RULES = tuple(
    (sign, kind, re.compile(pattern, re.IGNORECASE | re.MULTILINE))
    for kind, signs, pattern in (
        # YAML: a block below its name
        ("password", (": |", ": >"),
         rf"^[ \t-]{{0,60}}[\"']?{_NAME}[\"']?:[ \t]+[|>][+-]?[ \t]{{0,9}}\r?\n[ \t]+{_VALUE}"),
        ("password", ('= """', "= '''", '="""', ': """'),
         rf"{_NAME}[ \t]{{0,9}}[=:][ \t]{{0,9}}(?:\"\"\"|''')\r?\n?{_VALUE}(?:\"\"\"|''')"),
        ("password", ("= (\n", "= (\r", "=\n"),
         rf"{_NAME}[ \t]{{0,9}}=[ \t]{{0,9}}[(]?\r?\n[ \t]{{0,60}}b?[\"']{_VALUE}[\"']"),
        # Kubernetes and Terraform: a variable's name, then its value
        ("password", ("value:",),
         rf"name:[ \t]{{0,9}}[\"']?{_NAME}[\"']?[ \t]{{0,9}}\r?\n[ \t]{{1,60}}value:[ \t]{{0,9}}[\"']?{_VALUE}"),
        ("password", ("variable",),
         rf"variable[ ]\"{_NAME}\""
         rf"[ ]?{{[ \t]{{0,9}}\r?\n(?:[^{{}}\n]{{0,200}}\n){{0,6}}?[ \t]{{0,30}}default[ \t]{{0,30}}="
         rf"[ \t]{{0,9}}\"{_VALUE}\""),
        # XML
        ("password", ("<value>", "<string>"),
         rf"<(?:name|key)>{_NAME}</(?:name|key)>\s{{0,60}}<(?:value|string)>{_VALUE}</"),
        ("password", ('name="', "name='"), rf"name=[\"']{_NAME}[\"'][^<>\n]{{0,80}}>{_VALUE}</"),
        # Commands
        ("password", ("requirepass", "--pass", "--token", "--secret"),
         rf"--?(?:requirepass|masterauth|password|passwd|pass|token|secret)[ =]{{1,2}}[\"']?{_VALUE}"),
        ("password", ("sshpass",), rf"sshpass[ ]{{1,3}}-p[ ]?[\"']?{_VALUE}"),
        ("password", ("mysql",), rf"mysql(?:dump|admin)?[ ][^\n|;]{{0,80}}?[ ]-p(?!ort){_VALUE}"),
        ("password", ("sudo",), rf"echo[ ]{{1,3}}[\"']?{_VALUE}[\"']?[ ]{{0,3}}\|[ ]{{0,3}}sudo[ ]-S"),
        ("password", ("identified",), rf"identified[ ](?:with[ ][\w\"']{{1,40}}[ ])?by[ ][\"']{_VALUE}[\"']"),
        ("password", ("password '", "password \""),
         rf"(?:with|encrypted|user|role)[ ][^\n;]{{0,80}}?password[ ][\"']{_VALUE}[\"']"),
        ("password", ("securestring",), rf"ConvertTo-SecureString[ ](?:-String[ ])?[\"']{_VALUE}[\"']"),
        ("password", ("set ", "setx "), rf"^[ \t]{{0,20}}setx?[ ]\"?{_NAME}[= ]\"?{_VALUE}"),
        ("password", ("login ",), rf"login[ ][^\s]{{1,80}}[ ]password[ ]{_VALUE}"),
        # Addresses and strings of connection
        ("password-in-url", ("://",), r"[a-z][a-z0-9+.-]{1,20}://[^\s:/@\"'<>]{0,60}:(?P<value>[^\s:/@\"'<>]{6,200})@"),
        ("password-in-url", ("@tcp(", "@unix("), r"\w{1,40}:(?P<value>[^\s:@/\"']{6,100})@(?:tcp|unix)\("),
        ("password", ("password=", "pwd="),
         r"(?:host|user|server|dbname|database|port)=[^\s;\"']{1,80}[ ](?:[a-z_]{1,20}=[^\s;\"']{1,80}"
         r"[ ]){0,6}(?:password|pwd)=(?P<value>[^\s;\"'&]{6,200})"),
        ("password", ("pass=", "passwd=", "password="),
         r"(?:user|user_?name|login|email)=[^&\s]{0,80}&(?:\w{1,20}=[^&\s]{0,80}&){0,4}pass(?:word|wd)?=(?P<value>"
         r"[^&\s\"']{6,200})"),
        ("password", ('\\":',), rf"\\\"{_NAME}\\\"[ ]?:[ ]?\\\"(?P<value>[^\"\\\s]{{6,300}})\\\""),
        ("password", ("psk=",), rf"^[ \t]{{0,9}}psk=\"{_VALUE}\""),
        ("secret", ("_auth",),
         r"^[ \t]{0,9}(?://[^\s=]{0,200}:)?_auth[ \t]{0,9}=[ \t]{0,9}\"?(?P<value>[\w+/=-]{12,600})"),
    )
    for sign in signs
)  # fmt: skip
"""What a text must hold for the rule to be tried around it, in small letters, the kind of secret, and the phrase."""
_NOTED = tuple(
    (
        word,
        re.compile(rf"{word}[*`\"']{{0,3}}[ \t]{{0,3}}(?:[:=：]|ist|est|es|是|为)[ \t]{{0,3}}{_WORD}", re.IGNORECASE),
    )
    for word in (
        *("密码", "密碼", "口令", "パスワード", "비밀번호", "passwort", "kennwort", "mot de passe", "contraseña"),
        *("contrasena", "senha", "пароль", "wachtwoord", "hasło", "lösenord", "parola"),
    )
)
_NOTED_IN_PROSE = tuple(
    (word, re.compile(rf"{word}[*`\"']{{0,3}}(?:[ ]is|[ ]?[:|])[ \t]{{0,3}}{_WORD}", re.IGNORECASE))
    for word in ("password", "passphrase")
)
"""In notes and comments, where only a value of several kinds of characters is one."""
_PROSE = re.compile(r"\.(?:md|rst|adoc|markdown|txt|ipynb|docx|pdf|html?)$", re.IGNORECASE)
_STRING_DATA = re.compile(r"^stringData:[ \t]*\r?\n(?P<lines>(?:[ \t]{1,40}[^\n]{0,1000}\n?){1,200})", re.MULTILINE)
_ENTRY = re.compile(r"^[ \t]+[\w.-]{1,100}:[ \t]+[\"']?(?P<value>[^\s\"'|>][^\n\"']{0,900})", re.MULTILINE)
_TABLE = re.compile(r"\.[ct]sv$", re.IGNORECASE)


def phrased_values(
    text: str, path: str, is_value: Callable[[str], bool], *, trial: bool
) -> Iterator[tuple[int, int, str]]:
    r"""Yield (start, end, kind) of the values that a phrase calls secret.

    Args:
        text: of a file.
        path: its name.
        is_value: tells whether a value may be a password, and no example or reference.
        trial: whether it is a test or documentation, in which only notes are looked at.

    Example:
        >>> text = "sshpass -p zq7!kfw2 ssh host\nPasswort: Kq7!xW92b\n"
        >>> [text[start:end] for start, end, _ in phrased_values(text, "a.sh", lambda _: True, trial=False)]
        ['zq7!kfw2', 'Kq7!xW92b']
    """
    low = text.replace("\u0130", "I").lower()
    for sign, kind, pattern in () if trial else _RULES:
        for match in _around(text, low, sign, pattern):
            if is_value(match["value"]):
                yield *match.span("value"), kind
    yield from _noted(text, low, path, is_value, trial=trial)
    if "stringdata:" in low:
        for block in _STRING_DATA.finditer(text):
            for entry in _ENTRY.finditer(text, *block.span("lines")):
                yield *entry.span("value"), "kubernetes-secret"
    if _TABLE.search(path):
        yield from _columns(text, is_value)


def _noted(
    text: str, low: str, path: str, is_value: Callable[[str], bool], *, trial: bool
) -> Iterator[tuple[int, int, str]]:
    """Yield the passwords of notes."""
    prose = _PROSE.search(path) is not None
    for sign, pattern in (*(_NOTED if prose or not trial else ()), *(_NOTED_IN_PROSE if prose else ())):
        for match in _around(text, low, sign, pattern):
            if _is_mixed(match["value"]) and is_value(match["value"]):
                yield *match.span("value"), "password"


def _around(text: str, low: str, sign: str, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    at = done = 0
    while (at := low.find(sign, at)) >= 0:
        match = pattern.search(text, max(done, at - BACK), at + AHEAD)
        if match is None:
            at += AHEAD // 2  # what begins in the second half may end behind it
        else:
            yield match
            at = done = match.end()


def _is_mixed(value: str) -> bool:
    """Tell whether a word has letters, digits and signs, as no word of a sentence has."""
    kinds = (str.islower, str.isupper, lambda sign: not sign.isalnum())
    return any(map(str.isdigit, value)) and sum(any(map(kind, value[:-1])) for kind in kinds) >= 2


def _columns(text: str, is_value: Callable[[str], bool]) -> Iterator[tuple[int, int, str]]:
    """Yield the values below the headings of secrets, in tables with a line for each row."""
    head, _, _ = text.partition("\n")
    sign = max(",;\t|", key=head.count)
    names = [name.strip().strip("\"'").lower() for name in head.split(sign)]
    wanted = [place for place, name in enumerate(names) if name in COLUMNS]
    start = len(head) + 1
    for line in text[start:].split("\n") if wanted else ():
        cells = next(csv.reader([line], delimiter=sign), [])
        for place in wanted:
            value = cells[place].strip() if place < len(cells) else ""
            at = line.find(value)
            if value and at >= 0 and is_value(value):
                yield start + at, start + at + len(value), "password"
        start += len(line) + 1
