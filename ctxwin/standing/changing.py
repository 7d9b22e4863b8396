"""Tell whether a newer sentence changes what an older one says, in other words.

It must say that something changed ("moved to", "no longer", "改成") or name what is no more ("instead of tabs"), have
another value of the same type, and share a word with the older sentence beside which neither sets a word of its own:
"the oven budget" and "the garden budget" are two things.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ..retrieve.words.lexical import STOP_CHARACTERS, STOP_WORDS, tokenize
from .entry import Entry
from .typed import comparable, typed_values

__all__ = ["EMPTY", "Topic", "changed", "content", "labels_of", "says_change", "shared"]

COVERED = 0.3
"""Share of the older sentence's topic that a newer one must name to change a value of the same type. Of 120 updates in
other words, English and Chinese, .3 finds 77 and .5 71; neither replaces one of 120 unlike values of a kind."""
UNTYPED = 0.5
"""The same where no value of the same type is seen, as in "the novel is in third person"."""
WEAK = -3.0
"""Log odds of a sentence's own cues below which it changes nothing: chatter that holds a word such as "now"."""

_LABEL = re.compile(
    r"\b([A-Za-z]{3,20}) (\d{1,3}|[A-Z])\b(?=[^.!?]{0,40}\b(?:is|are|was|has|have|runs|starts|needs|gets|goes)\b)"
)
"""A numbered thing, such as "Chapter 3": its number belongs to the subject."""
_OWNER = re.compile(
    r"\b(?!(?:it|that|this|there|here|what|who|where|when|how|let|he|she)['’])([A-Za-z]{2,20})['’]s [a-z]+\b(?<!ing)"
)
"""Whose a thing is, such as "my sister's flight": the owner belongs to the subject."""
_HEAD = re.compile(r"[A-Z][A-Z ]{2,30}: ")
"""A kind in capital letters before a sentence, such as "TODO: ": no part of what it is about."""
_SAYS_CHANGE = """
    actually correction scratch change changed plan make instead longer any more anymore now new moved rather sorry
    wrong wait second thought raised lowered extended pushed brought turns out update updated revised just also then so
    oh go goes going went get gets got come comes coming run runs use uses put set call called say says said take
    takes keep have has want need know case one thing way today really still already is are was were be been it
"""
"""Words that say that something is or changed, and not what."""
EMPTY = frozenset(stem for word in _SAYS_CHANGE.split() for stem in tokenize(word))
_COMMON = """
    week month year day hour minute second morning evening night time date number thing name old good news please
    people ones first last next monday tuesday wednesday thursday friday saturday sunday decide decided decision plan
    agree agreed end start begin 每小 小时 每月 每天 每周 医生 经理 老师 先生 女士
"""
COMMON = frozenset(stem for word in _COMMON.split() for stem in tokenize(word)) | EMPTY
"""Words that alone show no topic, and tell no two things apart."""
_SPENDING = frozenset(tokenize("spend pay cost"))
"""Words that alone show no topic either, yet a "spending limit" is one of its own."""
_CHANGES = """
    moved, shifted, changed, switched, switch to, swapped, raised, lowered, extended, bumped, pushed, postponed,
    rescheduled, delayed, slipped, migrated, renamed, rotated, replaced, replaces, retired, dropped, cut, halved,
    doubled, cancelled, canceled, scrap, scrapped, scratch, revoked, rebuilt, rebased, upgraded, updated,
    correction, revised, take over, takes over, took over, taken over, handed over, gone off, went off, got rid,
    becomes, became, turns out, turned out, went up, went down, gone up, went with, stretch, instead, rather than,
    no longer, not any more, anymore, any more, any longer, after all, actually, on second thought,
    on second thoughts, make that, make it, change of plan, change of plans, forget, voted, decided, killed
"""
"""Words that say that something changed."""
_PERHAPS = """
    now, from now, from here, from today, from this, from next, going forward, as of, these days, this time, our new,
    a new one, previous, formerly, since the, since last, since this, agreed, left, is ill, is taken, is gone, allowed,
    again, too tight, too long, too short, too small, too expensive, too slow, came back, can't make, cannot make,
    stopped, quit, closed, void, expired, dead, lost, asked for more, given us, gave us, had to
"""
"""Words that say so where a value of the same type shows it; a new rule begins with them too."""
_DATED = (
    r"since\s(?:mon|tues|wednes|thurs|fri|satur|sun)day|since\s(?:january|february|march|april|may|june|july|august"
    r"|september|october|november|december)"
)
_CHANGES_ZH = (
    r"改[成为到用期由在了走第月]|还是.{1,12}吧|换[成到了]|变成|挪到|推[到迟]|提前|延[到期后长了]|拖到|往后挪|涨|降[到了]"
    r"|调[成到整走]|搬[到去]|迁[到移]|不再|不用了|作废|取消|最后还?是?定|放宽|收紧|统一|更正|不对|说错|离职|退休"
)
_PERHAPS_ZH = (
    r"现在|以后|之后|从今|[月周天今]起|最近|可以[加花]到|更新|其实|病了|来不了|占了|订不上|重[装新构]|开学后"
    r"|了(?:[，。！]|$)"
)


def _phrases(text: str) -> str:
    return "|".join(re.escape(one.strip()).replace(r"\ ", r"\s") for one in text.split(","))


_SURELY = re.compile(rf"\b(?:{_phrases(_CHANGES)}|update(?=[:,]))\b|{_CHANGES_ZH}", re.IGNORECASE | re.ASCII)
_MAYBE = re.compile(rf"\b(?:{_phrases(_PERHAPS)}|{_DATED})\b|^(?:the\s)?new\b|{_PERHAPS_ZH}", re.IGNORECASE | re.ASCII)
_LAST = re.compile(r"[\u3400-\u9fff]{0,2}$")
_IF = re.compile(r"(?:if|unless|suppose|in case)\b|[如要][果是]|假如|万一", re.IGNORECASE)
_LEAVES = re.compile(
    r"\b(?:instead of|rather than|no longer|forget|scrap|scrapped|got rid of|dropped|drop|left|gone off|renamed|killed"
    r"|stopped|quit|can't make|cannot make)((?: [\w'-]+){1,3})",
    re.IGNORECASE,
)
_IS_LEFT = re.compile(
    r"((?:[\w'-]+ ){1,3})(?:(?:has|have|is|was|'s|got|rule|no|just) ){0,2}(?:left|retired|moved|cancelled|canceled|ill"
    r"|taken|dead|killed|gone|quit|closed|revoked|void|too|lost|dropped|expired)\b",
    re.IGNORECASE,
)
_LEFT_ZH = re.compile(
    r"([^，。]{2,6}?)(?:那条)?(?:调走|离职|退休|病了|来不了|占了|被占|订不上|作废|太|不[用要再行在])|不再?[用在是喝要去]([^，。]{2,5})"
)
_PIECE = re.compile(r"\x00|[^\W_]\w*(?:'\w+)?|[^\w\s]")
_PREPOSITIONS = frozenset(["of", "for", "at", "in", "on"])
_ARTICLES = frozenset(["the", "a", "an", "our", "my", "your", "this", "that", "his", "her", "their"])
_NAMES = frozenset({"name", "first"})
_BREAK, _PREPOSITION, _ARTICLE = "", "\x01", "\x02"


@dataclass(frozen=True, slots=True)
class Topic:
    """What a sentence is about, and its values."""

    text: str
    words: frozenset[str]
    names: frozenset[str]
    """Stems of the names in it, which may be what it is about or its value."""
    typed: Mapping[str, set[str]]
    """Its values by type."""
    order: tuple[str, ...]
    """Its words in order, with marks for prepositions, articles and whatever else parts two words."""
    labels: frozenset[str]
    leaves: frozenset[str]
    """Words for what is no more."""
    surely: bool
    """Whether it surely says that something changed."""
    position: int
    rank: int

    @classmethod
    def of(cls, entry: Entry) -> Topic:
        """Read a sentence."""
        text = _HEAD.sub("", entry.text, count=1)
        typed, rest = typed_values(text, entry.values)
        pieces = _PIECE.findall(rest)
        stems = [tokenize(piece)[: 1 if piece.isascii() else None] for piece in pieces]  # not the parts of a name
        words = frozenset(word for some in stems for word in some if _is_content(word)) - EMPTY
        names = (stem for form in ("name", "first") for one in typed.get(form, ()) for stem in tokenize(one))
        return cls(
            text=text,
            words=words,
            names=frozenset(names),
            typed=typed,
            order=tuple(map(_mark, pieces)),
            labels=labels_of(entry.text),
            leaves=frozenset(tokenize(" . ".join(_left(text)))) & words,
            surely=_SURELY.search(text) is not None,
            position=entry.position,
            rank=entry.rank,
        )


def content(text: str) -> frozenset[str]:
    """Return the words of a sentence that may be what it is about."""
    return frozenset(word for word in tokenize(text) if _is_content(word)) - EMPTY


def says_change(entry: Entry) -> bool:
    """Tell whether a sentence says that something is not as it was.

    Example:
        >>> from ctxwin.items import Item
        >>> from .entry import entries_of
        >>> said = ("The rent is 900 euros.", "The rent has been raised to 950 euros.")
        >>> [says_change(next(entries_of(Item(text=text)))) for text in said]
        [False, True]
    """
    says = _SURELY.search(entry.text) or _MAYBE.search(entry.text)
    return entry.strength >= WEAK and says is not None and _IF.match(entry.text) is None


def labels_of(text: str) -> frozenset[str]:
    """Return what tells a thing from others of its name: its number, or whose it is.

    Example:
        >>> sorted(labels_of("My sister's flight is LH 802, and chapter 3 is done."))
        ['chapter 3', 'sister']
    """
    numbered = (f"{noun.lower()} {number.lower()}" for noun, number in _LABEL.findall(text))
    return frozenset([*numbered, *(owner.lower() for owner in _OWNER.findall(text))])


def shared(new: Topic, old: Topic) -> frozenset[str]:
    """Return the words by which both sentences are about the same thing."""
    if new.position == old.position or new.rank < old.rank or (old.labels and new.labels != old.labels):
        return frozenset()
    both = (new.words & old.words) - COMMON - _SPENDING
    parted = {one for one in both if _parted(one, new, old)}
    rest = frozenset(both - parted)
    return rest if _subject(old) in rest or not any(map(str.isascii, parted)) else frozenset()


def changed(new: Topic, old: Topic, both: frozenset[str]) -> float:
    """Return how surely a sentence that says a change changes an older one: 0 for not, else up to 3.

    Args:
        new: the newer sentence.
        old: the older one.
        both: the words that are `shared`.
    """
    if not all(kind in _NAMES or any(comparable(kind, one) for one in new.typed) for kind in old.typed):
        return 0.0  # the older one has a value that would be lost
    topic = old.words - (old.names - both) - COMMON
    cover = len(both) / max(1, len(topic))
    if not all(map(str.isascii, topic)):
        cover = min(1.0, 2 * len(both) / (1 + len(topic)))  # each character stands in two pairs
    pairs = [
        (kind, was, {value for value in now if value not in new.leaves})
        for kind, was in old.typed.items()
        for one, now in new.typed.items()
        if comparable(kind, one)
    ]
    again = any(was & now and now - was for _, was, now in pairs)  # the old value is named beside the new one
    if again or (new.leaves & old.words - old.leaves and (len(new.words & old.words) > 1 or cover >= UNTYPED)):
        return 2 + cover
    subject = _subject(old) in both
    if types := {kind for kind, was, now in pairs if now - was and was - now}:
        surely = subject or not types <= _NAMES
        return 1 + cover if cover >= (COVERED if surely else UNTYPED) else 0.0
    named = both <= old.names | new.names or (old.typed and new.typed)
    return cover if new.surely and not named and cover >= (COVERED if subject else UNTYPED) else 0.0


def _subject(topic: Topic) -> str:
    """Return the first word that says what a sentence is about."""
    return next((word for word in topic.order if word in topic.words), "")


def _left(text: str) -> list[str]:
    found = [match[1] for pattern in (_LEAVES, _IS_LEFT) for match in pattern.finditer(text)]
    return found if text.isascii() else [*found, *(match[1] or match[2] for match in _LEFT_ZH.finditer(text))]


def _is_content(word: str) -> bool:
    return word not in STOP_WORDS and not any(map(str.isdigit, word)) and (word.isascii() or len(word) > 1)


def _mark(piece: str) -> str:
    low = piece.lower()
    if low in _PREPOSITIONS:
        return _PREPOSITION
    if low in _ARTICLES:
        return _ARTICLE
    stems = tokenize(piece) if low not in STOP_WORDS and piece.isascii() and piece[0].isalnum() else []
    return stems[0] if stems else _BREAK


def _parted(word: str, new: Topic, old: Topic) -> bool:
    """Tell whether the sentences set unlike words beside one that they share: the oven budget, the garden budget."""
    if not word.isascii():
        was = _before(word, old.text, new.text)
        return len(was) == 2 and was not in new.text and not _begins(word, new.text)
    if word not in new.order or word not in old.order:
        return False
    i, j = new.order.index(word), old.order.index(word)
    for step in (-1, 1):
        a, b = i + step, j + step
        while (one := _at(new.order, a)) and one == _at(old.order, b):
            a, b = a + step, b + step
        if _unlike({_at(new.order, a)}, {_at(old.order, b)}, new, old):
            return True
    return _unlike(_beside(new.order, i), _beside(old.order, j), new, old)


def _unlike(mine: set[str], its: set[str], new: Topic, old: Topic) -> bool:
    mine, its = mine - COMMON - {_BREAK}, its - COMMON - {_BREAK}
    return bool(mine and its) and mine.isdisjoint(old.words) and its.isdisjoint(new.words)


def _at(order: tuple[str, ...], place: int) -> str:
    found = order[place] if 0 <= place < len(order) else _BREAK
    return _BREAK if found in (_PREPOSITION, _ARTICLE) else found


def _beside(order: tuple[str, ...], place: int) -> set[str]:
    """Return the word directly before one, and the one behind a preposition that follows it."""
    after = place + 1
    if after < len(order) and order[after] == _PREPOSITION:
        after += 1
        while after < len(order) and order[after] == _ARTICLE:
            after += 1
        return {_at(order, place - 1), _at(order, after)}
    return {_at(order, place - 1)}


def _begins(word: str, text: str) -> bool:
    """Tell whether a word begins a clause."""
    at = text.find(word)
    return at <= 0 or not text[at - 1].isalnum()


def _before(word: str, text: str, other: str) -> str:
    """Return the two Chinese characters before what two texts share; fewer where they only build sentences.

    Args:
        word: a word that both texts have.
        text: the text that is looked at.
        other: the other text.
    """
    at, there = text.find(word), other.find(word)
    while min(at, there) > 0 and text[at - 1] == other[there - 1]:
        at, there = at - 1, there - 1
    found = _LAST.search(text[: max(0, at)].removesuffix("的"))
    last = found[0] if found else ""
    return last if STOP_CHARACTERS.isdisjoint(last) else last[:1]
