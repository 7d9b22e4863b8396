"""Finds the encoding of a text: by its mark, as UTF-8 or UTF-16, by the letters of a language, else by a detector."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter

__all__ = ["SNIFFED", "decoded", "is_binary"]

SNIFFED = 65_536
"""Bytes that are read to recognize binary data or an unnamed encoding: 0.1 s at most."""
MOSTLY = 4
"""Correct characters beyond ASCII per wrong byte from which a text counts as damaged UTF-8."""
AT_HOME = 0.85
"""Share of a text's accented letters that must belong to one language; the rest are in names and foreign words."""

_BOMS = (
    (b"\xef\xbb\xbf", "utf-8-sig"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_ALPHABETS = tuple(
    frozenset(letters)
    for letters in (
        "àâæçéèêëîïôœùûüÿ",  # French
        "äöüßé",  # German
        "áéíóúüñ",  # Spanish
        "áàâãçéêíóôõúü",  # Portuguese
        "àèéìíîòóùú",  # Italian
        "àçèéíïòóúü",  # Catalan
        "åäöæøéü",  # Danish, Finnish, Norwegian, Swedish
        "áéëèêíïóöúü",  # Dutch
    )
)
_ICELANDIC = frozenset("áðéíóúýþæö")  # Turkish letters look like some of these, but it lacks the others
_LETTER = r"[A-Za-zÀ-ÖØ-öø-ÿŒœŠšŽžŸ]"
_FOREIGN = re.compile(
    r"[À-ÖØ-öø-ÿŒœŠšŽžŸ]{3}"  # whole words beyond ASCII: Cyrillic, Greek, Chinese, ...
    r"|[^\x00-\x7f\xa0“”‘’„‚«»–—…•]{3}"
    rf"|(?<={_LETTER})[¡-©«-¯±¹»-¿÷×€‚ƒ†‡ˆ‰‹›˜™¸´¨¦¤¥£¢]{_LETTER}"  # signs inside a word: other letters
    r"|(?<=[a-zß-öø-ÿ])[À-ÖØ-ÞŒŠŽŸ]"  # a capital inside a word
)
_NO_RUSSIAN = re.compile(
    r"[^\x00-\x7fА-Яа-яЁёІіЇїЄєҐґ\xa0№«»„“”‘’–—…•]"
    r"|[A-Za-z][А-Яа-яЁё]|[А-Яа-яЁё][A-Za-z]|[а-яёіїєґ][А-ЯЁІЇЄҐ]"  # words in two alphabets, capitals inside a word
)
_RUSSIAN_VOWELS = 0.25
"""Share of а, е, и, о among the letters of a Russian text is .35; of Greek or Hebrew read as Russian, .1 to .2."""
LEAST_HEBREW = 10
"""Letters from which it is no chance that some stand at the ends of words alone."""
KANA = 0.3
"""Share of them among the wide characters of a Japanese text; it is more than a half in most."""
_CENTRAL = tuple(
    frozenset(letters)
    for letters in (
        "ąćęłńóśźż",  # Polish
        "áčďéěíňóřšťúůýž",  # Czech
        "áäčďéíĺľňóôŕšťúýž",  # Slovak
        "áéíóöőúüű",  # Hungarian
        "čćđšž",  # Croatian, Slovene
    )
)
_TURKISH = frozenset("çğıöşüâî\u0307")  # what is left of İ as a small letter too
_SHARED = frozenset("áäéíóôöúüçýâîšž")
"""Letters that cp1252 has at the same places: by them alone nothing is told."""
_NO_CENTRAL = re.compile(
    r"(?<=[^\W\d_])[¡-©«-¯±-´¶-¹»-¿÷×€‚†‡‰‹›˜™¸¨¦¤¥ˇ˘˛˝˙¶](?=[^\W\d_])"  # signs inside a word
    r"|[\x80-\x9f]|[^\x00-\x7f\xa0“”‘’„‚«»–—…•]{5}"
)
_ACCENTED = re.compile(r"[À-ÖØ-öø-ÿŒœŠšŽžŸ]")


def decoded(data: bytes) -> tuple[str, str] | None:
    r"""Return a text and the name of its encoding; None for binary data.

    Example:
        >>> decoded("Tür\n".encode("latin-1")), decoded("Тест кода".encode("cp1251"))[0], decoded(b"\x7fELF\x00\x01")
        (('Tür\n', 'cp1252'), 'Тест кода', None)
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace"), encoding
    if b"\x00" in data[:SNIFFED]:
        encoding = _utf_16(data[:SNIFFED])
        return (data.decode(encoding, errors="replace"), encoding) if encoding else None
    if is_binary(data[:SNIFFED]):
        return None
    try:
        return _escaped(data) or (data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        ways = (_mixed, _damaged, _western, _central, _hebrew, _cyrillic, _japanese, _western_names, _guessed)
        return next((found for way in ways if (found := way(data))), None)


def is_binary(head: bytes) -> bool:
    """Tell by the first bytes of a file whether it holds no text."""
    if any(head.startswith(mark) for mark, _ in _BOMS):
        return False
    return head.startswith(b"%PDF-") or (b"\x00" in head and not _utf_16(head))


def _utf_16(head: bytes) -> str:
    """Return the byte order of UTF-16 without a mark; "" if the bytes are no text."""
    head = head[: len(head) // 2 * 2]
    for encoding in ("utf-16-le", "utf-16-be"):
        text = head.decode(encoding, errors="ignore")
        kinds = Counter(map(unicodedata.category, text))
        odd = kinds["Cn"] + kinds["Co"] + kinds["Cc"] - sum(map(text.count, "\t\n\r\f"))
        common = sum(map(text.count, " \n\t,.。，、eao的"))  # by the wrong order they are rare signs
        if 2 * len(text) >= len(head) - 2 and odd == 0 and common:
            return encoding
    return ""


def _escaped(data: bytes) -> tuple[str, str] | None:
    """Read Japanese mail, whose bytes are all ASCII."""
    if b"\x1b$" not in data or b"\x1b(" not in data:
        return None
    try:
        return data.decode("iso2022_jp"), "iso2022_jp"
    except UnicodeDecodeError:
        return None


def _mixed(data: bytes) -> tuple[str, str] | None:
    """Read a file of lines in UTF-8 and of Western ones, such as a log that several programs write."""
    lines, western = data.split(b"\n"), []
    texts: list[str] = []
    for number, line in enumerate(lines):
        try:
            texts.append(line.decode("utf-8"))
        except UnicodeDecodeError:
            western.append(number)
            texts.append("")
    found = _western(b"\n".join(lines[number] for number in western)) if not all(map(str.isascii, texts)) else None
    if found is None:
        return None
    for number, text in zip(western, found[0].split("\n"), strict=True):
        texts[number] = text
    return "\n".join(texts), f"utf-8, {found[1]}"


def _damaged(data: bytes) -> tuple[str, str] | None:
    """Read UTF-8 with some wrong bytes."""
    text = data.decode("utf-8", errors="replace")
    wrong = text.count("\ufffd")
    right = len(text) - len(text.encode("ascii", errors="ignore")) - wrong
    return (text, "utf-8") if right >= MOSTLY * wrong else None


def _western(data: bytes) -> tuple[str, str] | None:
    """Read a Western European text: ASCII words with accents of one language, and typographic signs."""
    encoding = "cp1252"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    if "¤" in text and not any(0x80 <= byte < 0xA0 for byte in set(data)):
        encoding = "iso8859-15"  # has the euro there
        text = data.decode(encoding)
    if _FOREIGN.search(text):
        return None
    letters = Counter(_ACCENTED.findall(text.lower()))
    home = max(sum(letters[one] for one in alphabet) for alphabet in _ALPHABETS)
    if letters.keys() & set("áæí"):
        home = max(home, sum(letters[one] for one in _ICELANDIC))
    return (text, encoding) if home >= AT_HOME * letters.total() else None


def _central(data: bytes) -> tuple[str, str] | None:
    """Read a text of Central Europe or Turkey, whose two encodings the detector takes for one another."""
    for encoding in ("cp1250", "iso8859-2", "cp1254"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        letters = Counter(sign for sign in text.lower() if not sign.isascii() and sign.isalpha())
        homes = _CENTRAL if encoding != "cp1254" else (_TURKISH,)
        own = any(letters.keys() <= home and letters.keys() & home - _SHARED for home in homes)
        if own and not _NO_CENTRAL.search(text):
            return text, encoding
    return None


def _hebrew(data: bytes) -> tuple[str, str] | None:
    """Read a Hebrew text: five letters have a form of their own at the end of words, and stand nowhere else."""
    text = data.decode("cp1255", errors="replace")
    letters = len(re.findall("[א-ת]", text))
    at_ends = len(re.findall("[םןךףץ](?![א-ת])", text))
    right = not re.search("[^\x00-\x7fא-ת\u05b0-\u05c4\xa0“”‘’„–—…₪]|[םןךףץ][א-ת]", text)
    return (text, "cp1255") if right and letters >= LEAST_HEBREW and at_ends else None


def _japanese(data: bytes) -> tuple[str, str] | None:
    """Read a Japanese text in EUC, which short looks like Korean: its syllables are in every sentence."""
    try:
        text = data.decode("euc_jp")
    except UnicodeDecodeError:
        return None
    wide = [sign for sign in text if not sign.isascii()]
    kana = sum("\u3041" <= sign <= "\u30fe" for sign in wide)
    return (text, "euc_jp") if kana >= KANA * len(wide) else None


def _western_names(data: bytes) -> tuple[str, str] | None:
    """Read words of several Western languages, such as a list of names."""
    text = data.decode("cp1252", errors="replace")
    letters = Counter(_ACCENTED.findall(text.lower()))
    home = sum(letters[one] for one in frozenset().union(*_ALPHABETS))
    right = not _FOREIGN.search(text) and "\ufffd" not in text
    return (text, "cp1252") if right and home >= AT_HOME * letters.total() else None


def _cyrillic(data: bytes) -> tuple[str, str] | None:
    """Read a Russian or Ukrainian text, for which the detector needs some lines."""
    for encoding in ("cp1251", "koi8-r", "koi8-u"):
        text = data.decode(encoding, errors="replace")
        letters = Counter(re.findall("[а-яёіїєґ]", text.lower()))
        if not _NO_RUSSIAN.search(text) and sum(letters[one] for one in "аеиоі") > _RUSSIAN_VOWELS * letters.total():
            return text, encoding
    return None


def _guessed(data: bytes) -> tuple[str, str] | None:
    from charset_normalizer import from_bytes

    best = from_bytes(data[:SNIFFED]).best()
    if best is None:
        return None
    try:
        return data.decode(best.encoding), best.encoding
    except UnicodeDecodeError:  # the guess held for the beginning alone; a character cut at its end is no reason
        return data.decode("latin-1"), "latin-1"
