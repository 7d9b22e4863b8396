"""`ctxwin explain`: tells for every item why it is in or out, and what more tokens would buy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from ..errors import InputError
from ..items import parse_tokens
from ..report import Offer
from ..report.picture import clean, costs, flagged, left_out, listing, stands, title
from ..report.record import ReportRecord
from .given import PickOption, told_apart
from .inputs import (
    BudgetOption,
    CostsOption,
    EmbedderOption,
    JsonOption,
    ModelOption,
    RepairOption,
    SecretsOption,
    ShareOption,
    StrategyOption,
    TokenizerOption,
    pack_watched,
)
from .options import print_json

__all__ = ["run"]

OFFERS = 12
"""Most offers that are listed; `--json` has all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreRecord:
    """What a larger budget would buy."""

    tokens: int
    """Tokens more than now."""
    offers: Sequence[Offer]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainRecord(ReportRecord):
    """What `--json` prints: the report, and what more tokens would buy."""

    more: MoreRecord


OUTPUT = ExplainRecord


def run(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="CONVERSATION|PATH...", help="One conversation at most, files, folders; - for stdin."),
    ],
    query: Annotated[
        str | None,
        typer.Option("--query", "-q", metavar="TEXT", help="The question; default: the last user message."),
    ] = None,
    budget: BudgetOption = None,
    pick: PickOption = None,
    mend: RepairOption = False,
    more: Annotated[
        str, typer.Option("--more", metavar="TOKENS", help="Say what so many more tokens would buy.")
    ] = "500",
    everything: Annotated[bool, typer.Option("--all", help="List also what is out.")] = False,
    strategy: StrategyOption = "auto",
    model: ModelOption = None,
    tokenizer: TokenizerOption = None,
    embedder: EmbedderOption = "auto",
    share: ShareOption = None,
    allow_secrets: SecretsOption = False,
    costed: CostsOption = False,
    as_json: JsonOption = False,
) -> None:
    r"""Say of every item why it is in, shortened or out.

    Says as well what more tokens would buy. A source that ends in .json, .jsonl, .ndjson or .zip is the
    conversation, and so is a folder that is an export and a text that is a transcript; the others are files and
    folders.

    \b
    Example:
      ctxwin explain talk.json --query "When does the lease end?" --budget 2k
      ctxwin explain src/ --query "where is the session cookie signed?" --budget 4k --all

    \b
    Exit codes: 0 done; 2 bad input, or what must stay is larger than the budget.
    """
    given = told_apart(sources, allow_secrets=allow_secrets)
    talks = given.conversations
    names = [talk if isinstance(talk, str) else talk.name for talk in talks]
    if len(talks) > 1:
        raise InputError(f"{names[0]!r} and {names[1]!r} are both conversations; give one at a time")
    extra = parse_tokens(more, option="--more")
    packed = pack_watched(
        talks[0] if talks else None,
        origin=names[0] if talks else "",
        query=query,
        budget=budget,
        pick=pick,
        files=given.files,
        items=given.items,
        strategy=strategy,
        model=model,
        tokenizer=tokenizer,
        embedder=embedder,
        shares=share or (),
        mend=mend,
        allow_secrets=allow_secrets,
    )
    offers = packed.report.more(extra)
    if as_json:
        print_json(packed.report.to_dict() | {"more": MoreRecord(tokens=extra, offers=offers)})
        return
    typer.echo(listing(packed.report, dropped=everything))
    if packed.report.standing:
        typer.echo("\n".join(stands(packed.report)))
    if packed.report.lost_facts:
        typer.echo(f"\nfacts that shortening lost: {', '.join(map(clean, packed.report.lost_facts))}")
    for line in flagged(packed.report):
        typer.echo(line, err=True)
    for path, read in packed.report.scanned:
        typer.echo(f"{clean(path)}: {read}", err=True)
    for path, reason in packed.report.skipped:
        typer.echo(f"skipped {clean(path)}: {reason}", err=True)
    if said := left_out(packed.report.secrets):
        typer.echo(said, err=True)
    if costed and (spent := costs(packed.report)):
        typer.echo("\n" + "\n".join(spent))
    titles = {one.id: title(one) for one in packed.report.decisions}
    typer.echo("\n" + "\n".join(_offered(offers, extra, titles)))


def _offered(offers: Sequence[Offer], extra: int, titles: Mapping[str, str]) -> Iterator[str]:
    if not offers:
        yield f"{extra:,} more tokens would buy nothing"
        return
    yield f"{extra:,} more tokens would buy, best first:"
    for one in offers[:OFFERS]:
        yield f"  {one.tokens:>+6,} tokens  {one.form:<8} {clean(titles.get(one.id, one.label), 60)}"
    if len(offers) > OFFERS:
        yield f"  … {len(offers) - OFFERS:,} more, which --json lists"
