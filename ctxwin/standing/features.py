"""Read what a sentence shows of itself: named cues of words, forms of values, and the shape of the sentence.

Each cue is a list of English and Chinese words (`cues.toml`). A sentence has each cue or has it not; nothing else of
the talk is looked at, so that a sentence is judged once and the same wherever it stands.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

__all__ = ["VALUES", "feature_names", "feature_number", "features", "words_of"]


def _any(*patterns: str) -> re.Pattern[str]:
    """Compile patterns that do not look at the case of letters; a Chinese character ends a word as a space does."""
    return re.compile("|".join(patterns), re.IGNORECASE | re.ASCII)


def _exact(*patterns: str) -> re.Pattern[str]:
    """Compile patterns in which capital letters matter."""
    return re.compile("|".join(patterns), re.ASCII)


_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
_NUMBER = r"\d[\d.,]*"
_WORD_NUMBER = (
    r"(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|ninety"
    r"|hundred|thousand|half|dozen)"
)
_ZH_NUMBER = r"[0-9０-９一二两三四五六七八九十百千万半]+"
_UNIT = (
    r"(?:%|percent|k|m|km|cm|mm|kg|kilos?|g|grams?|lbs?|pounds?|oz|ml|l|lit(?:er|re)s?|met(?:er|re)s?|inch(?:es)?|feet"
    r"|ft|miles?|kb|mb|gb|tb|kib|mib|gib|bytes?|bits?|hz|khz|mhz|ghz|ms|s|secs?|seconds?|mins?|minutes?|h|hrs?|hours?"
    r"|days?|nights?|weeks?|months?|years?|people|persons?|guests?|kids|children|users?|calls?|pages?|lines?|words?"
    r"|items?|times|rows?|files?|requests?|degrees?|°c?|volts?|v|w|watts?|amps?|seats?|copies|pieces|points?|tokens?)"
)

VALUES: Mapping[str, re.Pattern[str]] = {
    "money": _any(
        rf"[$€£¥₹￥]\s?{_NUMBER}",
        rf"\b{_NUMBER}\s?(?:k\b)?\s?(?:[$€£¥₹]|(?:dollars?|euros?|pounds?|bucks|quid|yen|francs?|usd|eur|gbp|chf|rmb|cny)\b)",
        rf"{_ZH_NUMBER}\s?(?:元|块钱?|美元|美金|欧元|人民币|万元)",
    ),
    "date": _any(
        rf"\b{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?\b",
        rf"\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}(?![a-z])",
        rf"\b{_MONTH} \d{{4}}\b",
        r"\b\d{4}-\d{1,2}-\d{1,2}\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b",
        r"\b\d{1,2}(?:st|nd|rd|th)\b",
        r"\d{1,4}\s?年|\d{1,2}\s?月\s?\d{1,2}|[0-9一二三四五六七八九十]+[号日](?!码)|(?:周|星期|礼拜)[一二三四五六日天末]|月底|年底|月初",
        rf"\b{_DAY}\b",
        r"\b(?:tomorrow|tonight|mid-?(?:month|week)|end of (?:the )?(?:day|week|month|year|quarter)|eod|eow|q[1-4])\b",
    ),
    "time": _any(
        r"\b\d{1,2}[:.h]\d{2}\b(?:\s?[ap]\.?m\.?)?|\b\d{1,2}\s?(?:[ap]\.?m\b\.?|o['’]clock)|\b(?:noon|midnight)\b",
        r"[0-9一二三四五六七八九十]+点(?:半|[0-9一二三四五六七八九十]+分?|前|后|钟|之前|以前)?",
    ),
    "quantity": _any(
        rf"\b(?:{_NUMBER}|{_WORD_NUMBER})[\s-]?{_UNIT}\b",
        rf"{_ZH_NUMBER}\s?(?:个|人|位|页|行|次|天|周|个月|小时|分钟|秒|公斤|千克|克|斤|米|公里|厘米|升|度|份|件|箱|本|字|条|台|辆|遍|杯|片|层|平米?)",
    ),
    "address": _any(
        r"\b[a-z][a-z0-9+.-]{1,15}://\S+|\bwww\.\S+",
        r"[\w.+-]+@[\w-]+\.[\w.]+",
        r"\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b",
        r"\b(?:[a-z0-9-]+\.)+(?:com|org|net|io|dev|local|internal|lan|example|edu|gov|de|uk|cn|fr|app|ai|co)\b(?:/\S*)?",
        r"\blocalhost(?::\d+)?\b",
        r"\b\w+ (?:street|st|road|rd|avenue|ave|lane|drive|square|strasse|straße)\b",
        r"[\u4e00-\u9fff]{1,8}(?:路|街|道|巷|大厦|小区)\d+",
    ),
    "path": _any(
        r"(?<![\w/])(?:~|\.{1,2})?/(?:[\w.@+-]+/)*[\w.@+-]+",
        r"\b[A-Za-z]:\\[\w\\.-]+",
        r"(?<![\w/])(?:[\w.-]+/)+[\w.-]+\.[a-z]\w{0,5}\b",
        r"\b[\w-]+\.(?:py|js|tsx?|jsx|md|txt|json|ya?ml|toml|ini|cfg|conf|env|sh|sql|csv|xlsx?|docx?|pdf|html?|css"
        r"|java|go|rs|c|cpp|h|rb|php|lock|xml|log|png|jpe?g|zip|ipynb)\b",
    ),
    "command": _any(
        r"`[^`\n]{2,200}`",
        r"(?<!\S)--?[a-z][\w-]{1,30}(?:[= ]|$)",
        r"\b(?:pip|npm|yarn|pnpm|git|docker|kubectl|make|cargo|go|curl|ssh|psql|pytest|python3?|uv|apt|brew|terraform)"
        r" (?:[a-z-]+ )?[\w./@:=-]+",
    ),
    "code": _exact(
        r"\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Z0-9]{1,12}(?:-[A-Z0-9]{1,12}){1,5}\b",  # a code in groups
        r"\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}\b",
        r"\b(?=\w*\d)[A-Z]{1,6}\d{2,10}[A-Z0-9]*\b",
        r"\bv?\d+\.\d+(?:\.\d+)+\b|\bv\d+(?:\.\d+)*\b|\b[A-Za-z]+ \d+\.\d+\b",
        r"(?<!\w)(?:['\"](?=[\w@.-]*[_@\d])[\w@.-]{1,30}['\"]|@[a-z]\w{2,30}\b)",  # 'x_', "v2", @retry
        r"\b[a-z]+_[a-z_0-9]+\b|\b[A-Z]{2,}_[A-Z_0-9]+\b|\b[a-z]+[A-Z]\w+\b",
        r"#\d{1,7}\b|\b\d{2,5}(?:[ -]\d{2,5}){2,4}\b|\b(?!(?:19|20)\d\d\b)\d{3,}(?!\s?(?:[年元块页]|%))\b",
    ),
    "name": _exact(
        r"(?<![.!?:\n] )(?<!^)(?<![.!?:\n]  )\b[A-Z][a-z]{2,}(?:[ -][A-Z][a-z]+)*\b",
        r"(?<![\u4e00-\u9fff])(?:小|老|阿)[\u4e00-\u9fff](?:姐|哥|叔|姨)?|[\u4e00-\u9fff]{1,2}(?:老师|医生|经理|先生|女士|阿姨|师傅|主任|律师)",
    ),
}
"""Forms of values that a later turn may need exactly. Named in the order in which `features` gives them."""

_FILE = "cues.toml"
_APOSTROPHES = str.maketrans("’‘＇", "'''")
_WORD = re.compile(r"[a-z0-9]+(?:['-][a-z0-9]+)*")
_TOKEN = re.compile(r"[a-z0-9]+(?:['-][a-z0-9]+)*|[\u3400-\u9fff]")
_LEADING = frozenset(["and", "so", "but", "please", "then", "well", "yes", "ok", "okay", "just", "also", "or"])
"""Words that may stand before a word that begins a sentence."""


@dataclass(frozen=True, slots=True)
class _Cues:
    """The words of all cues, ready to be looked up."""

    names: tuple[str, ...]
    phrases: Mapping[str, Sequence[tuple[tuple[str, ...], bool, int]]]
    """By the first word: the further words, whether the phrase must begin the sentence, and the number of the cue."""
    chinese: Sequence[Sequence[str]]


@cache
def _cues() -> _Cues:
    tables = tomllib.loads(files(__package__).joinpath(_FILE).read_text(encoding="utf-8"))
    phrases: dict[str, list[tuple[tuple[str, ...], bool, int]]] = {}
    for number, table in enumerate(tables.values()):
        for phrase in table["english"].split(","):
            first, *more = _WORD.findall(phrase)
            phrases.setdefault(first, []).append((tuple(more), phrase.strip().startswith("^"), number))
    return _Cues(tuple(tables), phrases, [table["chinese"].split() for table in tables.values()])


def _cues_in(sentence: str) -> list[bool]:
    """Tell for each cue whether the sentence has a word of it."""
    cues = _cues()
    found = [False] * len(cues.names)
    words = _WORD.findall(sentence.lower().translate(_APOSTROPHES))
    begin = next((i for i, word in enumerate(words) if word not in _LEADING), 0)
    for i, word in enumerate(words):
        for more, first, number in cues.phrases.get(word, ()):
            if not found[number] and (not first or i in (0, begin)) and tuple(words[i + 1 : i + 1 + len(more)]) == more:
                found[number] = True
    if not sentence.isascii():
        for number, chinese in enumerate(cues.chinese):
            found[number] = found[number] or any(word in sentence for word in chinese)
    return found


_DIGIT = re.compile(
    r"[0-9０-９]|[一二两三四五六七八九十]\s?[元块点]|[一二两三四五六七八九十百千万][万元块]|noon|midnight|[a-z][A-Z]|_",
    re.ASCII,
)
_SIGN = re.compile(r"[./\\@`:-]|(?:street|road|avenue|lane|drive|square|straße)\b|[路街道巷]", re.IGNORECASE)
_WITH_DIGITS = ("money", "time", "code")
_WITH_SIGNS = ("address", "path", "command")
"""Forms of values that need a digit or a sign of some kind: most sentences have none."""

_SHAPES = (
    "two_values",
    "ordered",
    "question",
    "asks",
    "opens_no",
    "pointing",
    "program",
    "short",
    "long",
    "very_long",
    "heading",
    "listed",
    "imperative",
    "open_end",
    "chinese",
)
_VERBS = (
    r"use|keep|put|write|send|ask|call|check|run|add|include|leave|stop|start|stick|stay|avoid|skip|book|pay|tell|let"
    r"|take|give|bring|make|set|name|store|save|log|test|review|mention|address|speak|answer|reply|format|prefix|wrap"
    r"|round|quote|cite|treat|assume|remember|wait|return|close|lock|turn|wash|feed|water|report|back up|copy"
)
_IMPERATIVE = _any(
    rf"^(?:(?:and|oh|also|so|please|just|only|ok|then|but)[, ]+){{0,3}}(?:{_VERBS})\b", r"^(?:请|把|用|先|只|都|先把)"
)
_QUESTION = re.compile(r"[?？][\"'”’)\s]*$|[吗呢么][。！]?$")
_TAG = re.compile(
    r"(?!(?:(?:hmm+|so|and|but|ok|okay|well|also|oh|wait|hey)[, ]+){0,3}"
    r"(?:what|how|why|who|where|when|which|do|does|did|is|are|can|could|would|should|will)\b)(?:[^?？]{8,}"
    r"[,，;–—-] ?(?!or\b)(?:\w+['’]?\w*[ ]?){1,4}[?？]"
    r"|[^?？]{4,}(?:好吗|行吗|可以吗|好不好|明白吗|知道吗|记住了吗)[?？]?)",
    re.IGNORECASE,
)
"""A statement with a short question behind it: "never do so again, is that clear?" is no question."""
_ASKS = re.compile(
    r"^(?:(?:and|so|but|also|ok|oh)[, ]+)?(?:what|how|why|who|whose|where|when|which|do|does|did|is|are|was|were|can"
    r"|could|would|should|will|have|has)\b|^(?:怎么|什么|为什么|哪|谁|如何|是不是|有没有)",
    re.IGNORECASE,
)
_OPENS_NO = re.compile(
    r"(?:no|not|nope|nothing|yes|yeah|well|nah)\s*[,.!–—-]|no (?:fair|way|one|reason|idea)\b|[不没]\s*[，。！]",
    re.IGNORECASE,
)
_POINTING = re.compile(
    r"(?:(?:and|but|so|oh|well)[, ]+)?(?:it|that|this|there|they|these|those|he|she)"
    r"(?:['’]s|['’]re| is| was| are| were| has| had)\b|[这那它]"
    r"|(?:the|another|one) (?:(?:first|second|third|next|last|other|final|more) )?"
    r"(?:practice|update|point|thing|topic|aspect) (?:\w+ ){0,8}?(?:is|was|concerns|regards|has to do)\b",
    re.IGNORECASE,
)
"""A sentence about what was just said: alone it says nothing."""
_PROGRAM = re.compile(
    r"[;{}]\s*$|^\s*(?:\[[x+*!-]\]|\d+:|[$>#]|//|/\*|@|def |class |import |from \w+ import|return\b|if \()"
    r"|^\S+\s*=\s*\S|==|!=|->|\(\)|ISBN|doi:|arXiv|^\d{4}-\d\d-\d\d[T ]\d\d:"
    r"|^(?:Archived|Retrieved)\b"
)
"""A line of a program, a log or a list of references, pasted into a message."""
_HEADING = re.compile(r"\s*(?:#{1,6}\s|\*\*[^*]+\*\*:?\s*$|[^.!?。！？]{1,60}[:：]\s*$)")
_LISTED = re.compile(r"\s*(?:[-*•]|\d{1,2}[.)])\s")
_CHINESE = re.compile(r"[\u3400-\u9fff]")
CHARACTERS_A_WORD = 1.6
"""Chinese characters that count as one word where the length of a sentence is judged; set by hand, not measured."""


def feature_names() -> tuple[str, ...]:
    """Return the names of the features, in the order of `features`."""
    return (*VALUES, *_cues().names, *_SHAPES)


@cache
def feature_number(name: str) -> int:
    """Return the place of a feature in the order of `features`."""
    return feature_names().index(name)


def features(sentence: str) -> list[bool]:
    """Tell which features a sentence has, in the order of `feature_names()`.

    Example:
        >>> found = features("Never push to main before Ana has approved.")
        >>> [name for name, has in zip(feature_names(), found, strict=True) if has]
        ['name', 'prohibition', 'permission', 'decision_hint']
    """
    whole = sentence.strip()
    body = _LISTED.sub("", whole, count=1)
    values = _values_in(body)
    cues = _cues_in(body)
    said = {name for name, one in zip(_cues().names, cues, strict=True) if one}
    ordered = "addressed" in said and not said.isdisjoint(("obligation", "prohibition"))
    return [*values, *cues, sum(values) > 1, ordered, *_shapes_of(whole, body)]


def words_of(text: str) -> Iterator[str]:
    """Yield the words of a text in small letters; of Chinese, each two neighbouring characters."""
    last = ""
    for word in _TOKEN.findall(text.lower().translate(_APOSTROPHES)):
        if word < "\u3400":
            yield word
        elif last >= "\u3400":
            yield last + word
        last = word


def _values_in(body: str) -> list[bool]:
    found = dict.fromkeys(VALUES, False)
    found["name"] = bool(VALUES["name"].search(body))
    for form in (
        "date",
        "quantity",
        *(_WITH_DIGITS if _DIGIT.search(body) else ()),
        *(_WITH_SIGNS if _SIGN.search(body) else ()),
    ):
        found[form] = bool(VALUES[form].search(body))
    return list(found.values())


def _shapes_of(whole: str, body: str) -> tuple[bool, ...]:
    characters = 0 if body.isascii() else len(_CHINESE.findall(body))
    words = body.count(" ") + 1 + characters / CHARACTERS_A_WORD
    return (
        bool(_QUESTION.search(body)) and not _TAG.fullmatch(body),
        bool(_ASKS.match(body)),
        bool(_OPENS_NO.match(body)),
        bool(_POINTING.match(body)),
        bool(_PROGRAM.search(body)),
        words < 5,
        words > 22,
        words > 40,
        bool(_HEADING.match(whole)),
        body != whole,
        bool(_IMPERATIVE.match(body)),
        body.endswith((":", "：", ",", "，", "…", "...")),
        characters > 0,
    )
