"""Read evaluation sets: units that may be packed, and queries with the units that answer them.

A set is a folder with `units.jsonl.gz` and `queries.jsonl`. If the queries name released wheels
(`flask==3.1.1`), there are no units: the files of the wheel are the corpus.
"""

from __future__ import annotations

import csv
import gzip
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from .. import sample
from ..errors import InputError
from ..files import decode
from ..items import Item, Kind
from ..items.outside import read_json

__all__ = ["LINE_REMEDY", "Dataset", "GoldMode", "GoldQuery", "lines_of", "load", "load_sample"]

GoldMode = Literal["all", "any", "one_of_each_group"]

LinePairs = tuple[tuple[int, int], ...]

LINE_REMEDY = "correct the line"
"""What to do with a line that cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GoldQuery:
    """A question to one source, and the units of the source that answer it."""

    qid: str
    source: str
    text: str
    category: str = ""
    gold: tuple[str, ...] = ()
    """Uids of the units that hold the evidence; empty for a question without an answer in the source."""
    answers: tuple[str, ...] = ()
    """Answers, each of them enough."""
    mode: GoldMode = "all"
    """Whether all gold units count alike, any one is enough, or one of each group is enough."""
    groups: tuple[tuple[str, ...], ...] = ()
    """Gold uids by group, for `one_of_each_group`."""
    spans: Mapping[str, LinePairs] = field(default_factory=dict, hash=False)
    """Spans by uid: first character and the one after the last."""
    ranges: Mapping[str, LinePairs] = field(default_factory=dict, hash=False)
    """Line ranges by uid: first and last line, from 1, inclusive."""
    history: tuple[Item, ...] = ()
    """The earlier turns of the question's dialogue, oldest first; they are no gold."""
    asked: str | None = None
    """When the question is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitRow:
    """A line of `units.jsonl.gz`."""

    source: str
    uid: str
    text: str
    kind: Literal[Kind, ""] | None = None
    role: str | None = None
    speaker: str | None = None
    session: str | None = None
    time: str | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SaidRow:
    """A message before a question."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryRow:
    """A line of `queries.jsonl`."""

    qid: str
    source: str
    query: str
    category: str | None = None
    gold: tuple[str, ...] = ()
    answers: tuple[str | tuple[str, ...], ...] = ()
    """Answers; a list holds other wordings of one."""
    gold_mode: GoldMode = "all"
    gold_groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    gold_spans: tuple[tuple[str, int, int], ...] = ()
    gold_ranges: Mapping[str, LinePairs] | LinePairs = ()
    """Lines by uid; a list is of turns (QMSum), which `gold` names one by one."""
    history: tuple[SaidRow, ...] = ()
    question_date: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A named set: the units of each source, in order, and the queries to it."""

    name: str
    sources: Mapping[str, tuple[Item, ...]] = field(hash=False)
    queries: tuple[GoldQuery, ...]


def load(folder: str | Path, *, wheels: str | Path | None = None) -> Dataset:
    """Read a set from its folder.

    Args:
        folder: the folder with `queries.jsonl` and, unless the sources are wheels, `units.jsonl.gz`.
        wheels: the folder with released wheels, packed (`*.whl`) or unpacked, for sets whose sources name wheels.

    Raises:
        InputError: a file is missing or malformed, a wheel is missing, or a query names evidence that its
            source lacks.
    """
    folder = Path(folder)
    path = folder / "queries.jsonl"
    if not path.is_file():
        raise InputError(f"no evaluation set in {str(folder)!r}: it has no queries.jsonl; name a folder with one")
    queries = tuple(_query(read_json(line, QueryRow, where, remedy=LINE_REMEDY)) for where, line in lines_of(path))
    units = folder / "units.jsonl.gz"
    names = sorted({query.source for query in queries})
    sources = _units(units) if units.is_file() else {name: _wheel(name, folder, wheels) for name in names}
    known = {name: {item.id: item for item in items} for name, items in sources.items()}
    return Dataset(
        name=folder.resolve().name,
        sources=sources,
        queries=tuple(_checked(query, known.get(query.source, {})) for query in queries),
    )


def load_sample() -> Dataset:
    """Make a set of the package's sample conversation and files; messages are named `m0`, `m1`, ...

    Example:
        >>> dataset = load_sample()
        >>> dataset.name, dataset.queries[0].groups
        ('sample', (('m71', 'm74'), ('m71', 'm37')))
    """
    turns = [_turn(f"m{number}", message) for number, message in enumerate(sample.conversation())]
    documents = [
        Item(id=path.name, source=path.name, kind="document", text=path.read_text(encoding="utf-8"))
        for path in sorted(sample.files().iterdir())
        if path.is_file()
    ]
    queries = tuple(_sample_query(question) for question in sample.questions())
    return Dataset(name="sample", sources={"sample": (*turns, *documents)}, queries=queries)


def _sample_query(question: sample.Question) -> GoldQuery:
    groups = [tuple(f"m{index}" for index in group) for group in question.messages]
    groups += [(name,) for name in question.lines]
    return GoldQuery(
        qid=question.id,
        source="sample",
        text=question.text,
        category=question.category,
        gold=tuple(dict.fromkeys(uid for group in groups for uid in group)),
        mode="one_of_each_group",
        groups=tuple(groups),
        ranges=question.lines,
    )


def _turn(uid: str, message: Mapping[str, Any]) -> Item:
    content = message["content"] or ""
    text = content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content).strip()
    return Item(id=uid, text=text, role=message["role"], speaker=message.get("name"), source="sample", raw=message)


def lines_of(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the lines of a file that are not blank, each with its place for errors; `.gz` is unpacked.

    Raises:
        InputError: the file cannot be read, or is no UTF-8.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield f"{path}:{number}", line
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"cannot read {str(path)!r} ({error}); fetch it again") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{str(path)!r} is no UTF-8 (byte {error.start:,}); save it as UTF-8") from None


def _query(row: QueryRow) -> GoldQuery:
    spans: dict[str, LinePairs] = {}
    for uid, start, stop in row.gold_spans:
        spans[uid] = (*spans.get(uid, ()), (start, stop))
    return GoldQuery(
        qid=row.qid,
        source=row.source,
        text=row.query,
        category=row.category or "",
        gold=tuple(dict.fromkeys(row.gold)),
        answers=tuple(text for text in _flat(row.answers) if text.strip()),
        mode=row.gold_mode,
        groups=tuple(row.gold_groups.values()),
        spans=spans,
        ranges=row.gold_ranges if isinstance(row.gold_ranges, Mapping) else {},
        history=_history(row.history, row.query),
        asked=row.question_date or None,
    )


def _flat(answers: Sequence[str | Sequence[str]]) -> Iterator[str]:
    for one in answers:
        yield from (one,) if isinstance(one, str) else one


def _history(messages: Sequence[SaidRow], question: str) -> tuple[Item, ...]:
    """Return the messages before a question; if the last message is the question itself, leave it out."""
    turns = [Item(id=f"h{number}", text=said.content, role=said.role) for number, said in enumerate(messages)]
    if turns and turns[-1].role == "user" and turns[-1].text.strip() == question.strip():
        turns.pop()
    return tuple(turns)


def _checked(query: GoldQuery, units: Mapping[str, Item]) -> GoldQuery:
    """Refuse missing evidence; leave blank units and blank ends of ranges out of the gold."""
    for uid in (*query.gold, *query.spans, *query.ranges):
        if uid not in units:
            raise InputError(
                f"query {query.qid!r} names {uid!r} as gold, which {query.source!r} does not hold; {LINE_REMEDY}"
            )
    for uid, pairs in query.spans.items():
        _check_pairs(query, uid, "characters", pairs, least=0, most=len(units[uid].text))
    ranges = {}
    for uid, pairs in query.ranges.items():
        lines = units[uid].text.split("\n")
        _check_pairs(query, uid, "lines", pairs, least=1, most=len(lines))
        ranges[uid] = tuple(_trimmed(lines, pairs))
    gold = (uid for uid in query.gold if units[uid].text.strip() and ranges.get(uid) != ())
    return replace(query, gold=tuple(gold), ranges=ranges)


def _check_pairs(query: GoldQuery, uid: str, what: str, pairs: LinePairs, *, least: int, most: int) -> None:
    for first, last in pairs:
        if not least <= first <= last <= most:
            raise InputError(
                f"query {query.qid!r} names {what} {first} to {last} of {uid!r}, which has {most:,}; {LINE_REMEDY}"
            )


def _trimmed(lines: Sequence[str], pairs: LinePairs) -> Iterator[tuple[int, int]]:
    for first, last in pairs:
        full = [number for number in range(first, last + 1) if lines[number - 1].strip()]
        if full:
            yield full[0], full[-1]


def _units(path: Path) -> dict[str, tuple[Item, ...]]:
    sources: dict[str, list[Item]] = {}
    for where, line in lines_of(path):
        row = read_json(line, UnitRow, where, remedy=LINE_REMEDY)
        item = Item(
            id=row.uid,
            text=row.text,
            kind=row.kind or "turn",
            source=row.source,
            role=row.role,
            speaker=row.speaker,
            session=row.session,
            time=row.time,
            title=row.title,
        )
        sources.setdefault(row.source, []).append(item)
    return {source: tuple(items) for source, items in sources.items()}


def _wheel(name: str, folder: Path, wheels: str | Path | None) -> tuple[Item, ...]:
    """Read the text files of a released wheel, `flask==3.1.1`, as documents named by their paths."""
    remedy = f"run `pip download --no-deps --dest WHEELS {name}` and give the folder as --wheels WHEELS"
    if "==" not in name:
        raise InputError(f"{str(folder)!r} has no units.jsonl.gz, and its source {name!r} is no released wheel")
    if wheels is None:
        raise InputError(f"{folder.name!r} asks about the files of {name}, which it does not hold; {remedy}")
    package, _, version = name.partition("==")
    stem = f"{re.sub('[-_.]+', '_', package).lower()}-{version}"
    files = _packed_wheel(Path(wheels), stem) or _unpacked_wheel(Path(wheels), stem)
    if not files:
        raise InputError(f"no {stem}-*.whl and no unpacked {stem} in {str(wheels)!r}; {remedy}")
    return tuple(
        Item(id=path, source=path, kind="document", text=text)
        for path, data in sorted(files.items())
        if not path.split("/")[0].endswith(".dist-info") and (text := decode(data)) is not None
    )


def _packed_wheel(wheels: Path, stem: str) -> dict[str, bytes]:
    for path in sorted(wheels.glob("*.whl")):
        if path.name.lower().startswith(f"{stem}-"):
            with zipfile.ZipFile(path) as archive:
                return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    return {}


def _unpacked_wheel(wheels: Path, stem: str) -> dict[str, bytes]:
    """Find the folder with the wheel's `.dist-info`, and read the files that its RECORD lists."""
    for info in (*sorted(wheels.glob("*.dist-info")), *sorted(wheels.glob("*/*.dist-info"))):
        if info.name.lower() == f"{stem}.dist-info" and (info / "RECORD").is_file():
            with (info / "RECORD").open(newline="", encoding="utf-8") as record:
                names = [row[0] for row in csv.reader(record) if row]
            paths = {name: info.parent / name for name in names}
            return {name: path.read_bytes() for name, path in paths.items() if path.is_file()}
    return {}
