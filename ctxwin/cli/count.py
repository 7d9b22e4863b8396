"""`ctxwin count`: counts the tokens of files, folders or conversations, as a tree with totals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError, MessageError
from ..files import Files
from ..messages import Candidate, Export, Source, conversations, loaded, pick_one, read
from ..models import Model, get_model
from ..report.picture import clean, left_out
from ..report.record import FileSkipped, SecretLeftOut
from ..tokens import Count, Node, Tokenizer, count_conversation, count_tokens, count_tree, get_rules, get_tokenizer
from .given import CONVERSATIONS, PickOption, told_apart
from .inputs import JsonOption, ModelOption, SecretsOption, TokenizerOption
from .options import print_json
from .working import Working, working

__all__ = ["run"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Totals:
    """The sums of what was counted, and notes on how."""

    nodes: Sequence[Node] = ()
    total: Count = field(default_factory=lambda: Count.of(0))
    said: Sequence[str] = ()
    """Notes: the forms in which conversations were read, and the files that were counted as plain text."""
    skipped: Sequence[tuple[str, str]] = ()
    secrets: Sequence[tuple[str, str]] = ()

    def plus(self, other: _Totals) -> _Totals:
        return _Totals(
            nodes=(*self.nodes, *other.nodes),
            total=self.total + other.total,
            said=(*self.said, *other.said),
            skipped=(*self.skipped, *other.skipped),
            secrets=(*self.secrets, *other.secrets),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CountRecord:
    """What `--json` prints: the tree, the sum with its bounds, and notes on how was counted."""

    name: str
    tokens: int
    children: Sequence[Node]
    low: int
    high: int
    exact: bool
    tokenizer: str
    read: Sequence[str]
    skipped: Sequence[FileSkipped]
    secrets: Sequence[SecretLeftOut]


OUTPUT = CountRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rules:
    """The tokenizer and rules for counting."""

    tokenizer: Tokenizer
    model: Model | None
    allow_secrets: bool

    def conversation(self, given: object, name: str) -> tuple[Node, Count]:
        """Return a conversation's tree and its cost."""
        try:
            talk = read(given)  # type: ignore[arg-type]  # what `load` returns
            node = count_conversation(talk, self.tokenizer, get_rules(talk.dialect, self.model), name=name)
            return node, count_tokens(given, model=self.model, tokenizer=self.tokenizer)  # type: ignore[arg-type]
        except MessageError as error:
            raise InputError(f"{name}: {error}") from error


def run(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH...", help="Conversations, files and folders; - for standard input."),
    ],
    model: ModelOption = None,
    tokenizer: TokenizerOption = None,
    pick: PickOption = None,
    depth: Annotated[
        int | None, typer.Option("--depth", metavar="N", min=0, help="Show so many levels; default: all.")
    ] = None,
    allow_secrets: SecretsOption = False,
    as_json: JsonOption = False,
) -> None:
    r"""Count the tokens of files, folders and conversations, as a tree.

    A conversation is counted as the provider bills it: with what surrounds each message, tool schemas and
    media; of an export all conversations, or the one that --pick names. Files of any size are counted, in pieces;
    binary and ignored ones are left out. With --model, its window and price are set beside the sum.

    \b
    Example:
      ctxwin count src/ --depth 2
      ctxwin count talk.json --model gpt-5-mini
      ctxwin count conversations.json --pick "Trip to Bergen"

    \b
    Exit codes: 0 done; 2 bad input.
    """
    row = get_model(model) if model is not None else None
    rules = _Rules(
        tokenizer=get_tokenizer(tokenizer if tokenizer is not None else row), model=row, allow_secrets=allow_secrets
    )
    with working() as work:
        work.start("reading and counting")
        done = _count(paths, rules, pick, work)
    tree = done.nodes[0]
    if len(done.nodes) > 1:
        tree = Node(name="all", tokens=sum(node.tokens for node in done.nodes), children=tuple(done.nodes))
    if as_json:
        print_json(_record(tree, done, rules.tokenizer.name))
        return
    for line in _lines(tree, max(1, tree.tokens), len(f"{tree.tokens:,}"), depth):
        typer.echo(line)
    typer.echo("\n" + _summary(done.total, rules.tokenizer.name))
    for line in done.said:
        typer.echo(clean(line))
    if row is not None and row.window:
        cost = row.cost(done.total.tokens)
        price = f", ${cost:.5f} to read" if cost is not None else ""
        typer.echo(f"{100 * done.total.tokens / row.window:.1f} % of the window of {row.name}, {row.window:,}{price}")
    for path, reason in done.skipped:
        typer.echo(f"skipped {clean(path)}: {reason}", err=True)
    if said := left_out(done.secrets):
        typer.echo(said, err=True)


def _record(tree: Node, done: _Totals, tokenizer: str) -> CountRecord:
    return CountRecord(
        name=tree.name,
        tokens=done.total.tokens,
        children=tree.children,
        low=done.total.low,
        high=done.total.high,
        exact=done.total.exact,
        tokenizer=tokenizer,
        read=done.said,
        skipped=[FileSkipped(path=path, reason=reason) for path, reason in done.skipped],
        secrets=[SecretLeftOut(place=place, kind=kind) for place, kind in done.secrets],
    )


def _count(paths: Sequence[str], rules: _Rules, pick: str | None, work: Working) -> _Totals:
    given = told_apart(paths, allow_secrets=rules.allow_secrets)
    done, files, raw = _Totals(), list(given.files), []
    for talk in given.conversations:
        try:
            done = done.plus(_conversations(talk, rules, pick))
        except InputError as error:  # JSON of another kind is counted as the text that it is
            if pick is not None or not _is_text(talk):
                raise
            files.append(str(talk))
            raw.append(f"{talk}: counted as raw text, since it is no conversation ({error})")
    for item in given.items:
        count = rules.tokenizer.count(item.text)
        done = done.plus(_Totals(nodes=[Node(name=item.source or "", tokens=count.tokens)], total=count))
    if files:
        done = done.plus(_files(files, rules, work))
    return replace(done, said=(*done.said, *raw))


def _is_text(talk: str | Source | Export) -> bool:
    return isinstance(talk, str) and Path(talk).suffix.lower() in CONVERSATIONS


def _conversations(source: str | Source | Export, rules: _Rules, pick: str | None) -> _Totals:
    """Count the conversations of a file or an export, or only the picked one."""
    name, found = conversations(source)
    if pick is not None:
        one = loaded(pick_one(found, pick, name))
        node, total = rules.conversation(one.messages, name)
        return _Totals(nodes=[node], total=total, said=[f"{name}: read as {one.origin}"] if one.origin else ())
    first, second = next(found, None), next(found, None)
    if first is None:
        raise InputError(f"{name!r} holds no conversation with messages")
    if second is None:
        one = loaded(pick_one([first], None, name))
        node, total = rules.conversation(one.messages, name)
        return _Totals(nodes=[node], total=total, said=[f"{name}: read as {one.origin}"] if one.origin else ())
    return _all(name, [first, second], found, rules)


def _all(name: str, first: Sequence[Candidate], rest: Iterator[Candidate], rules: _Rules) -> _Totals:
    """Count all conversations of an export; each is one line, so that thousands take no memory."""
    nodes: list[Node] = []
    total = Count.of(0)
    for found in (first, rest):
        for one in found:
            title = one.title or one.id or f"conversation {len(nodes) + 1}"
            node, count = rules.conversation(one.messages, title)
            nodes.append(Node(name=node.name, tokens=node.tokens))
            total += count
    tree = Node(name=name, tokens=sum(node.tokens for node in nodes), children=tuple(nodes))
    form = f"{first[0].form}, " if first[0].form else ""
    said = f"{name}: read as {form}all {len(nodes):,} conversations; --pick counts one"
    return _Totals(nodes=[tree], total=total, said=[said])


def _files(paths: Sequence[str], rules: _Rules, work: Working) -> _Totals:
    files = Files(paths, allow_secrets=rules.allow_secrets, on_progress=work.show)
    skipped = [(one.path, one.reason) for one in files.skipped]
    large: dict[str, int] = {}
    for path in sorted(files.large.keys() - files.texts.keys()):
        try:
            large[path] = sum(rules.tokenizer.count_many([piece])[0] for piece in files.pieces(path))
        except InputError as error:
            skipped.append((path, str(error)))
    work.start(f"counting {len(files.texts):,} files")
    name = paths[0] if len(paths) == 1 else "files"
    tree = count_tree(files.texts.items(), rules.tokenizer, name=name, counted=large.items())
    total = Count.of(tree.tokens, error=rules.tokenizer.error)
    secrets = [(f"{one.path}:{one.line}", one.kind) for one in files.secrets]
    said = [f"{path}: {files.large[path]:,} bytes, counted in pieces as they stand" for path in large]
    return _Totals(nodes=[tree], total=total, said=said, skipped=skipped, secrets=secrets)


def _lines(node: Node, total: int, width: int, depth: int | None, indent: int = 0) -> Iterator[str]:
    share = 100 * node.tokens / total
    name = clean(node.name) + ("/" if node.children and indent else "")
    yield f"{node.tokens:>{width},} {share:>5.1f} %  {'  ' * indent}{name}"
    if depth is None or indent < depth:
        for child in node.children:
            yield from _lines(child, total, width, depth, indent + 1)


def _summary(total: Count, tokenizer: str) -> str:
    if total.exact:
        return f"{total.tokens:,} tokens, exact, by {tokenizer}"
    return f"{total.tokens:,} tokens, estimated between {total.low:,} and {total.high:,}, by {tokenizer}"
