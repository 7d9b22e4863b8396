"""Find the values in a sentence that a summary may not change, each in one form.

English and Chinese: "1,200 euros" equals "€1200", "three years" "3 years", "May 7" "7 May", "50万元" "500000元".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from ...retrieve.words.lexical import STOP_WORDS, tokenize

__all__ = ["NUMBER_WORDS", "TITLES", "Value", "ValueKind", "is_each", "names_in", "new_name", "rivals", "values_in"]

ValueKind = Literal["number", "date", "name", "code"]
"""`code`: paths, addresses, files, identifiers, options, commands in backquotes, versions."""


@dataclass(frozen=True, slots=True)
class Value:
    """Something in a clause that may not be changed."""

    kind: ValueKind
    key: tuple[str, ...]
    """The value in one form; for a number and a date its parts, "" for a part that is not said."""
    text: str
    """The value as it is written."""

    def within(self, other: Value) -> bool:
        """Tell whether another value says all that this one says."""
        if self.kind != other.kind or len(self.key) != len(other.key):
            return False
        return all(mine in ("", theirs) for mine, theirs in zip(self.key, other.key, strict=True))


_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_MONTHS = {name.lower(): str(number) for number, name in enumerate(_MONTH.split("|"), 1)}
_WEEKDAYS = {name: str(at) for at, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), 1)}
_CHINESE_WEEKDAYS = dict(zip("一二三四五六日天末", "12345677w", strict=True))
_NUMERAL = "[零〇一二两三四五六七八九十百千]"
_DATE = re.compile(
    rf"""
    (?P<y1>\d{{4}})-(?P<m1>\d\d?)-(?P<d1>\d\d?)(?!\d)
  | (?<!\d)(?P<d2>\d\d?)(?:st|nd|rd|th)?[ ](?:of[ ])?(?P<m2>{_MONTH})\b(?:,?[ ](?P<y2>\d{{4}}))?
  | (?P<m3>{_MONTH})[ ](?P<d3>\d\d?)(?:st|nd|rd|th)?(?!\d)(?:,?[ ](?P<y3>\d{{4}}))?
  | \b(?P<m4>{_MONTH})\b(?!['’]|[ ](?:I|we|you)\b)(?:[ ](?P<y4>\d{{4}}))?
  | (?:(?P<y5>\d{{4}})年)?(?P<m5>\d\d?|[一二三四五六七八九十]{{1,2}})月(?:(?P<d5>\d\d?|{_NUMERAL}{{1,3}})[日号])?
  | (?<!\d)(?P<d6>\d\d?)[日号]
  | (?:周|星期|礼拜)(?P<w1>[一二三四五六日天末])
  | \b(?P<r1>(?i:(?:next|last|this)[ ](?:week|weekend|month|year|spring|summer|autumn|winter|quarter)
      |tomorrow|yesterday|today|tonight))\b
  | (?P<r2>[上下本这](?:个?月|周|星期|季度)(?![一二三四五六日天末])|[今明昨后前]天|[今明去后前]年)
  | \b(?P<w2>Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)days?\b
    """,
    re.VERBOSE,
)
_BACKQUOTED = re.compile(r"`([^`\n]{1,300})`")
_CODE = re.compile(
    r"""
    (?<![\w])
    (?: https?://[^\s<>"'，。；）]{1,500}
      | (?:~|\.{0,2})/[\w.@-][\w./@+-]{0,300} | [\w.@-]{1,100}(?:/[\w.@+-]{1,100}){2,20} 
      | [\w-]{1,60}/[\w-]{1,60}\.\w{1,8}
      | [A-Za-z][\w.]{0,40}/[A-Za-z]\w{0,40}[-_][\w.-]{1,60} | [A-Za-z]\w{0,40}[-_][\w.-]{1,40}/[\w.-]{1,60}
      | [\w.+-]{1,60}@[\w-]{1,60}\.[\w.]{2,40}
      | --?[A-Za-z][\w-]{0,60}
      | [A-Za-z_][\w]{0,60}(?:::|\.)[A-Za-z_]\w{0,60}\(\)? | [A-Za-z_]\w{0,60}\(\)
      | [\w-]{1,60}\.(?:py|js|ts|tsx|go|rs|c|h|cpp|java|rb|sh|sql|md|txt|csv|json|ya?ml|toml|html|css|log|cfg|ini|pdf)
      | [A-Za-z][A-Za-z0-9]{0,60}_\w{1,60} | _\w{1,60} | [a-z]{1,40}[A-Z]\w{0,60}
      | v?\d+\.\d+(?:\.\d+)+[\w-]{0,20}
      | (?=[0-9a-f]{0,39}[a-f])(?=[0-9a-f]{0,39}\d)[0-9a-f]{7,40}
      | [A-Za-z]+-?\d[\w-]{0,40}
      | [A-Z][A-Za-z]{1,20}[ ][A-HJ-Z](?!['’.])
    )(?![A-Za-z0-9_])
    """,
    re.VERBOSE | re.ASCII,
)
_UNITS = {
    surface: unit
    for unit, surfaces in {
        "ms": "ms millisecond milliseconds 毫秒", "s": "s sec secs second seconds 秒 秒钟",
        "min": "min mins minute minutes 分钟", "h": "h hr hrs hour hours 小时 个小时 钟头", "d": "day days 天",
        "wk": "week weeks 周 个星期", "mo": "month months 个月", "yr": "year years 年", "b": "byte bytes 字节",
        "kb": "kb kib", "mb": "mb mib", "gb": "gb gib", "tb": "tb tib",
        "km": "km kilometre kilometres kilometers 公里 千米",
        "m": "m metre metres meter meters 米", "cm": "cm 厘米", "mm": "mm 毫米", "mile": "mile miles 英里",
        "kg": "kg kilo kilos kilogram kilograms 公斤 千克", "g": "g gram grams 克", "t": "ton tons tonne tonnes 吨",
        "mg": "mg milligram milligrams 毫克", "ml": "ml 毫升", "l": "litre litres liter liters 升",
        "lb": "lb lbs", "jin": "斤",
        "%": "% percent", "usd": "$ dollar dollars usd 美元", "eur": "€ euro euros eur 欧元",
        "gbp": "£ gbp pound pounds", "cny": "¥ ￥ yuan rmb 元 块 块钱 人民币", 
        "nth": "第", "am": "am a.m. 上午 早上 凌晨", "pm": "pm p.m. 下午 晚上 傍晚",
    }.items()
    for surface in surfaces.split()
}  # fmt: skip
_SIZES = {"G": "gb", "T": "tb"}
"""Letters that, as capitals, mean a size in bytes: `du -h` writes "38G"."""
_DIMENSIONS = (
    "ms s min h d wk mo yr",
    "b kb mb gb tb",
    "km m cm mm mile",
    "kg g mg t lb jin",
    "ml l",
    "usd eur gbp cny",
    "am pm",
)
_BEFORE = ("第", "上午", "早上", "凌晨", "下午", "晚上", "傍晚")
_SCALES = {"k": 1e3, "thousand": 1e3, "million": 1e6, "billion": 1e9, "千": 1e3, "万": 1e4, "亿": 1e8}
_TENS = {"十": 10, "百": 100, "千": 1000}
_SMALL = dict(zip("零〇一二两三四五六七八九", (0, 0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))
_TWO_TO_TWENTY = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen twenty"
)
_TENFOLD = "thirty forty fifty sixty seventy eighty ninety"
NUMBER_WORDS = dict(zip(_TWO_TO_TWENTY.split(), range(2, 21), strict=True)) | dict(
    zip(_TENFOLD.split(), range(30, 100, 10), strict=True)
)
_UNIT = "|".join(
    re.escape(unit) + (r"(?!\w)" if unit.isascii() and unit[-1].isalpha() else "")
    for unit in sorted(_UNITS, key=len, reverse=True)
    if unit not in "$€£¥￥" and unit not in _BEFORE
)
_NUMBER = re.compile(
    rf"""
    (?P<before>[$€£¥￥]|{"|".join(_BEFORE)}|百分之)?
    (?P<number> (?<![\w.])\d+(?:,\d{{3}})*(?:\.\d+)? | (?<=[^\x00-\x7f])\d+(?:\.\d+)? | (?!十分(?!钟)){_NUMERAL}+
      | \bhalf[ ]a[ ]dozen\b | \b(?:a[ ])?dozen\b | \b(?:{"|".join(NUMBER_WORDS)})\b )
    (?:[ ]?(?P<scale>[kK](?![\w])|thousand\b|million\b|billion\b|[千万亿]))?
    (?:[ -]?(?P<unit>{_UNIT}))?
    """,
    re.VERBOSE | re.IGNORECASE,
)
_CLOCK = re.compile(
    rf"(?P<before>{'|'.join(_BEFORE)})?"
    rf"(?:(?<![\d.:])(?P<h1>\d{{1,2}})[:：](?P<m1>[0-5]\d)(?::\d\d)?(?![\d:])(?: ?(?P<unit>[ap][.]?m\b[.]?))?"
    rf"|(?P<h2>\d{{1,2}}|{_NUMERAL}{{1,3}})点(?:(?P<half>半)|(?P<m2>\d{{1,2}}|{_NUMERAL}{{1,3}})分?))",
    re.IGNORECASE,
)
_POINT = re.compile(r"\s*\(?\d{1,2}(?:[.)] |、)")
_MONEY = frozenset({"usd", "eur", "gbp", "cny"})
_BARE = re.compile(r"\s*(?:[.,;:，。；)）]|$|(?:for|if|when|and|or|each|per|to|by|after|before)\b)")
_EACH = re.compile(r"\b(?:an?|per|each|every) (second|minute|hour|day|week|month|year)\b", re.IGNORECASE)
_NAME = re.compile(r"(?<![\w'’])[A-Z][^\W\u3040-\u9fff]*")
_ORDINALS = frozenset("First Second Third Fourth Fifth Sixth Finally".split())  # noqa: SIM905
_CAPITAL = re.compile(r"(?<![\w'’])[A-Z][^\W\u3040-\u9fff]*")
_VERB = re.compile(r"['’]s\b| (?:is|was|has|had|will|would|does|did|can|may|must|should|and|\w{2,20}(?:s|ed))\b")
_COMMON = re.compile(r"(?:ed|ing|ly|ion|ment|ity|ness|s)$")
_SURNAME = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田"
    "任姜范石姚谭廖邹熊陆郝孔崔康毛邱秦顾侯邵孟龙段雷钱汤尹黎易武乔贺赖龚"
)
_CHINESE_NAME = re.compile(
    rf"(?:(?<=^)|(?<=[\s，。；：！？、“「（和与由对给跟叫是让请找妹弟姐哥爸妈友事士]))"
    rf"[{_SURNAME}](?:总|哥|姐|老师|经理|医生|先生|女士"
    rf"|(?![于的了是在到上下中大小多少不有为以达度低级速])[\u4e00-\u9fff]"
    r"(?=[\u4e00-\u9fff，。；！？、]|$))"
    rf"|[小老][{_SURNAME}]|(?<=[\u4e00-\u9fff])[A-Z](?![A-Za-z])"
)


TITLES = frozenset("mr mrs ms miss dr prof sir madam cllr councillor professor".split())  # noqa: SIM905
"""What stands before a name and is none."""


def names_in(text: str) -> frozenset[str]:
    """Return the words of a text that are always written with a capital, lower case; stop words are none.

    Example:
        >>> sorted(names_in("Ana met Bo. The lease ends. They signed the lease with Bo."))
        ['ana', 'bo']
    """
    words = set(re.findall(r"(?<![\w'’])[a-z]\w*", text))
    found = (_plain_name(match[0]) for match in _NAME.finditer(text))
    return frozenset(name for name in found if name not in words and name not in STOP_WORDS | TITLES)


def _dimension(unit: str) -> str:
    """Return what a unit measures; an unknown unit measures itself."""
    return next((units for units in _DIMENSIONS if unit in units.split()), unit)


def values_in(sentence: str, names: frozenset[str]) -> list[tuple[int, Value]]:
    """Return the values of a sentence with the characters at which they begin.

    Args:
        sentence: any text; what is found is taken out kind after kind, so that a date is no number.
        names: words, lower case, that are names wherever they stand with a capital.
    """
    found: list[tuple[int, Value]] = []
    if point := _POINT.match(sentence):
        sentence = " " * point.end() + sentence[point.end() :]
    readers = ((_BACKQUOTED, _code), (_DATE, _date), (_CODE, _code), (_CLOCK, _clock), (_NUMBER, _number))
    for pattern, read in readers:
        parts: list[str] = []
        done = 0
        for match in pattern.finditer(sentence):
            if (value := read(match)) is not None:
                found.append((match.start(), value))
                parts += (sentence[done : match.start()], " " * len(match[0]))
                done = match.end()
        sentence = "".join([*parts, sentence[done:]])
    found += (
        (match.start(), Value("number", ("1", _UNITS[match[1].lower()]), match[0]))
        for match in _EACH.finditer(sentence)
    )
    for match in _NAME.finditer(sentence):
        if (name := _plain_name(match[0])) in names:
            found.append((match.start(), Value("name", (name,), match[0])))
    found += ((match.start(), Value("name", (match[0],), match[0])) for match in _CHINESE_NAME.finditer(sentence))
    return list(_with_units(sentence, sorted(found, key=lambda one: one[0])))


def _with_units(sentence: str, values: list[tuple[int, Value]]) -> Iterator[tuple[int, Value]]:
    """Yield values with the unit of money that a bare number leaves out: "12 pounds for guests, 8 for members"."""
    unit = ""
    for at, value in values:
        bare = value.kind == "number" and not value.key[1] and ":" not in value.key[0]
        if bare and unit and _BARE.match(sentence, at + len(value.text)):
            yield at, replace(value, key=(value.key[0], unit))
        else:
            yield at, value
        if value.kind == "number" and value.key[1] in _MONEY:
            unit = value.key[1]


def _plain_name(name: str) -> str:
    return re.sub(r"['’]s?$", "", name).lower()


def _code(match: re.Match[str]) -> Value | None:
    text = match[1] if match.re is _BACKQUOTED else match[0]
    if match.re is _CODE and (units := re.fullmatch(r"\d+([A-Za-z]+)", text)) and units[1].lower() in _UNITS:
        return None
    return Value("code", (text.strip("./"),), text)


def _date(match: re.Match[str]) -> Value:
    got = {name.rstrip("123456"): text for name, text in match.groupdict().items() if text}
    if "w" in got:
        day = _CHINESE_WEEKDAYS.get(got["w"]) or _WEEKDAYS[got["w"][:3].lower()]
        return Value("date", (day,), match[0])
    if "r" in got:
        return Value("date", ("relative", got["r"].lower()), match[0])
    month = got.get("m", "")
    month = _MONTHS.get(month.lower()) or _whole(month)
    day = _whole(got.get("d", ""))
    return Value("date", (got.get("y", ""), month, day), match[0])


def _clock(match: re.Match[str]) -> Value | None:
    hour = _read_numeral(match["h1"] or match["h2"])
    minute = 30 if match["half"] else _read_numeral(match["m1"] or match["m2"])
    if hour is None or minute is None:
        return None
    unit = _UNITS.get((match["unit"] or match["before"] or "").lower(), "")
    return Value("number", (f"{hour:.0f}:{minute:02.0f}", unit), match[0])


def _whole(said: str) -> str:
    return "" if (number := _read_numeral(said)) is None else f"{number:.0f}"


def _number(match: re.Match[str]) -> Value | None:
    said, before = match["number"], match["before"]
    number = _read_numeral(said.replace(",", ""))
    if number is None or (said == "一" and match.string[match.end() : match.end() + 1] not in tuple("号楼层室馆期")):
        return None
    number *= _SCALES.get((match["scale"] or "").lower(), 1)
    unit = _SIZES.get(match["unit"] or "") or _UNITS.get((match["unit"] or "").lower(), "")
    unit = unit or ("%" if before == "百分之" else _UNITS.get(before or "", ""))
    return Value("number", (f"{number:.10g}", unit), match[0].strip())


def _read_numeral(said: str) -> float | None:
    """Read digits, an English word from two to ninety, or a Chinese numeral below ten thousand."""
    if said.lower().endswith("dozen"):
        return 6 if said.lower().startswith("half") else 12
    if said.lower() in NUMBER_WORDS:
        return NUMBER_WORDS[said.lower()]
    if said and said.isascii():
        return float(said)
    total = current = 0
    for sign in said:
        if sign in _TENS:
            total += (current or 1) * _TENS[sign]
            current = 0
        elif sign in _SMALL:
            current = _SMALL[sign]
        else:
            return None
    return total + current if said else None


def rivals(value: Value, other: Value, *, plain: bool) -> bool:
    """Tell whether one value could be mistaken for another: both are names, dates of a sort, or numbers of a unit.

    Args:
        value: of a summary.
        other: of the source.
        plain: whether the source has the value with its unit; then a number without any is of something else.
    """
    if value.kind != other.kind or len(value.key) != len(other.key) or is_each(value) < is_each(other):
        return False
    if value.kind != "number":
        return True
    if (":" in value.key[0]) != (":" in other.key[0]):  # a time of day
        return False
    units = value.key[1], other.key[1]
    if "" in units:
        return not plain or not units[0] or _dimension(units[0]) == _dimension("usd")
    return _dimension(units[0]) == _dimension(units[1])


def is_each(value: Value) -> bool:
    """Tell whether a value is the "a week" of "10 a week"."""
    return value.kind == "number" and value.key[0] == "1" and not value.text[0].isdigit()


def new_name(text: str, vocabulary: frozenset[str]) -> str:
    """Return the first word that must be a name, since it has a capital, and that the source does not have."""
    for match in _CAPITAL.finditer(text):
        known = (
            match[0].lower() in STOP_WORDS
            or match[0].lower() in NUMBER_WORDS
            or match[0] in _ORDINALS
            or not vocabulary.isdisjoint(tokenize(match[0]))
        )
        first = not text[: match.start()].strip(" \"'*-([“‘")
        if not known and (not first or (_VERB.match(text, match.end()) and not _COMMON.search(match[0]))):
            return match[0]
    return ""
