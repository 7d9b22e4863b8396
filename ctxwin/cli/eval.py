"""`ctxwin eval`: scores packings by the share of gold evidence that they keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, cast

import typer

from ..errors import InputError
from ..evaluate import ADVERSARIAL, Difference, RecallResult, ScoreRow, ablations, evaluate, get_variant, load_sample
from ..evaluate.cache_run import ReplayRecord
from ..evaluate.recall_run import RecallRecord
from .options import parse_budgets, print_json, table_console
from .replay import run_replay
from .working import working

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from ..evaluate.survival import Measure

__all__ = ["run"]

SHOWN = 10
"""Most overruns and failures that are listed; `--json` has all."""

FIGURES = (
    ("files %", "files", ".1f"),
    ("tokens used", "tokens", ",.0f"),
    ("gap %", "gap", ".2f"),
    ("ms a pack", "milliseconds", ".0f"),
)
"""Figures that are shown after recall, if known: name, field of a `ScoreRow`, format."""
RECALL = ("recall %", "recall", ".1f")
"""Shown after answer survival."""

GAINS = (("gain, points", "mean"), ("95 % from", "low"), ("to", "high"))
"""Figures of a comparison that are shown: name, field of a `Difference`."""


OUTPUT = RecallRecord | ReplayRecord


def run(
    sets: Annotated[
        list[str] | None,
        typer.Argument(metavar="DIR...", help="Folders that hold a set each; without one, the package's sample."),
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="VARIANT,...",
            help="What to measure, the others against the first; default: auto, with --replay all policies.",
        ),
    ] = None,
    ablate: Annotated[
        bool, typer.Option("--ablate", help="Show what each feature is worth: drop one at a time.")
    ] = False,
    replayed: Annotated[
        bool, typer.Option("--replay", help="Go through conversations turn by turn and price each caching policy.")
    ] = False,
    reads: Annotated[
        str, typer.Option(metavar="SHARE,...", help="With --replay: what a cached token costs of a fresh one.")
    ] = "0.5,0.25,0.1,0.05,0.025",
    plot: Annotated[
        str | None, typer.Option(metavar="FILE.png", help="With --replay: draw price against recall into a file.")
    ] = None,
    history: Annotated[
        bool,
        typer.Option(
            "--history/--no-history", help="Ask with the dialogue before a question and its date, or the bare question."
        ),
    ] = True,
    measure: Annotated[
        str, typer.Option(metavar="NAME", help="`evidence`: recall of it; `answers`: whether an answer is still said.")
    ] = "evidence",
    budgets: Annotated[
        str | None, typer.Option(metavar="TOKENS,...", help="Default: 1k,2k,4k,8k, with --replay 4k,8k.")
    ] = None,
    tokenizer: Annotated[str, typer.Option(metavar="NAME", help="Counts the tokens.")] = "o200k_base",
    limit: Annotated[
        int | None, typer.Option(metavar="N", help="Queries of a set, or conversations, spread evenly over it.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(metavar="N", help="Sources packed side by side; default: one a processor.")
    ] = None,
    wheels: Annotated[
        str | None, typer.Option(metavar="DIR", help="Where the wheels lie that a set asks about.")
    ] = None,
    categories: Annotated[bool, typer.Option("--categories", help="Show recall by category as well.")] = False,
    sources: Annotated[
        bool, typer.Option("--sources", help="Show recall by source as well: project, conversation.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    r"""Score packings by the gold evidence that they keep.

    Recall is the percentage of a query's gold evidence that stands word for word in its packed request; where the gold
    is lines of files, those of which any gold line stands there are counted as well.
    Requests are recounted independently; one over its budget scores 0 and is listed. With several variants, the
    gain over the first is given with its 95 % interval (paired bootstrap).

    With --measure answers a request scores 1 where it says an answer of the query, else the best share of an answer's
    words that it says; queries whose answer their own gold evidence does not say are left out.

    \b
    A variant is written
      STRATEGY[-FEATURE...][@EMBEDDER]  auto, relevance@none, auto-session-date@static
      ref:NAME                          bm25, hybrid (with MiniLM): whole items, best first; bm25_sentences,
                                        hybrid_sentences; ceiling (the gold alone)
      ref:NAME[-FEATURE...][@EMBEDDER]  coverage, greedy, head_tail, mmr, summary: common strategies
      peer:NAME                         another package, from the extra `peers`

    \b
    A set is a folder with
      units.jsonl.gz  one unit a line: source, uid, text; where known session, time, speaker, role, kind
      queries.jsonl   one query a line: qid, source, query, category, gold (uids); where known history, question_date

    With --replay each conversation is sent request by request, as a policy would have: auto, ref:truncate, ref:repack,
    ref:append, ref:breakpoints, each with @EMBEDDER if wanted. Prices are in tokens of fresh input. A folder with
    transcripts.jsonl.gz (one conversation a line: messages) is a set too.

    \b
    Example:
      ctxwin eval locomo/ --budgets 1k,2k --compare auto@none,auto@static,auto@minilm
      ctxwin eval locomo/ --budgets 1k --ablate
      ctxwin eval --replay beam_100k/ transcripts/ --budgets 4k,8k --plot prices.png
    """
    if replayed:
        run_replay(
            sets or [load_sample()], compare=compare, reads=reads, budgets=budgets or "4k,8k", tokenizer=tokenizer,
            limit=limit, processes=processes, plot=plot, as_json=as_json,
        )  # fmt: skip
        return
    if plot is not None:
        raise InputError("--plot draws what --replay measures; give both")
    compare, budgets = compare or "auto", budgets or "1k,2k,4k,8k"
    variants = [get_variant(text.strip()) for text in compare.split(",")]
    if ablate and len(variants) > 1:
        raise InputError("--ablate drops the features of one variant; name one with --compare, or none for auto")
    with working() as work:
        result = evaluate(
            sets or [load_sample()],
            variants=ablations(variants[0]) if ablate else variants,
            budgets=parse_budgets(budgets),
            tokenizer=tokenizer,
            history=history,
            measure=cast("Measure", measure),
            limit=limit,
            processes=processes,
            wheels=wheels,
            on_progress=partial(work.show, "packing requests"),
        )
    if as_json:
        print_json(result.to_dict())
    else:
        _show(result, ablate=ablate, categories=categories, sources=sources)


def _show(result: RecallResult, *, ablate: bool, categories: bool, sources: bool) -> None:
    console = table_console()
    for dataset in dict.fromkeys(row.dataset for row in result.rows):
        console.print(_table(result, dataset, ablate=ablate, categories=categories), "")
        if sources:
            console.print(_by_source(result, dataset), "")
        if ablate:
            console.print(*_losses(result, dataset), "", sep="\n")
    for what, scores in (("over budget", result.overruns), ("not packed", result.failures)):
        for score in scores[:SHOWN]:
            detail = score.failure or f"{score.tokens:,} tokens"
            typer.echo(f"{what}: {score.dataset} {score.qid} {score.variant} {score.budget:,}: {detail}")
        if len(scores) > SHOWN:
            typer.echo(f"{what}: {len(scores) - SHOWN:,} more, which --json lists")
    typer.echo(f"{len(result.overruns):,} over budget, {len(result.failures):,} not packed")


def _table(result: RecallResult, dataset: str, *, ablate: bool, categories: bool) -> Table:
    """Show each variant's figures and gain; of an ablation, only those of the whole."""
    table = _empty(result, "variant", "", title=dataset)
    first, *others = result.variants
    for variant in [first] if ablate else result.variants:
        rows = [row for row in result.rows if (row.dataset, row.variant) == (dataset, variant)]
        whole = [row for row in rows if row.category is None]
        if whole:
            table.add_row(variant, f"{_measured(result)} % ({whole[0].queries:,} queries)", *_cells(result, whole))
            for name, figure, form in [RECALL, *FIGURES] if result.measure == "answers" else FIGURES:
                if getattr(whole[0], figure) is not None:
                    table.add_row("", name, *_cells(result, whole, figure, form))
        for category in dict.fromkeys(row.category for row in rows if row.category is not None):
            if categories or category == ADVERSARIAL:
                some = [row for row in rows if row.category == category]
                table.add_row("", f"{category} ({some[0].queries:,})", *_cells(result, some))
    for other in [] if ablate else others:
        gains = _differences(result, dataset, other)
        for label, figure in GAINS:
            pair = f"{other} - {first}" if figure == "mean" else ""
            table.add_row(pair, label, *_cells(result, gains, figure, "+.1f"))
    return table


def _by_source(result: RecallResult, dataset: str) -> Table:
    """Show recall by source, and by file if the gold is lines of files."""
    table = _empty(result, "source", "variant", "", title=f"{dataset} by source")
    of_set = [row for row in result.source_rows if row.dataset == dataset]
    for source, variant in dict.fromkeys((row.category, row.variant) for row in of_set):
        rows = [row for row in of_set if (row.category, row.variant) == (source, variant)]
        table.add_row(source, variant, f"{_measured(result)} % ({rows[0].queries:,})", *_cells(result, rows))
        if rows[0].files is not None:
            table.add_row("", "", "files %", *_cells(result, rows, "files"))
    return table


def _losses(result: RecallResult, dataset: str) -> Iterator[RenderableType]:
    """Show the loss without each feature, largest first; features without any effect share one line."""
    lost = {variant: _differences(result, dataset, variant) for variant in result.variants[1:]}
    table = _empty(result, "without")
    for variant in sorted(lost, key=lambda variant: sum(one.mean for one in lost[variant])):
        if any(one.low or one.high for one in lost[variant]):
            cells = {one.budget: _loss(one) for one in lost[variant]}
            table.add_row(variant, *(cells.get(budget, "") for budget in result.budgets))
    if table.row_count:
        yield f"{dataset}: {_measured(result)} lost without a feature, points (95 % from, to)"
        yield table
    if same := [variant for variant in lost if not any(one.low or one.high for one in lost[variant])]:
        yield f"nothing lost or won: {', '.join(same)}"


def _loss(gain: Difference) -> str:
    return f"{0 - gain.mean:+.1f} ({0 - gain.high:+.1f}, {0 - gain.low:+.1f})"


def _empty(result: RecallResult, *names: str, title: str | None = None) -> Table:
    """Return a new table with a column for each budget."""
    from rich.table import Table

    table = Table(*names, title=title, title_justify="left", box=None, pad_edge=False)
    for budget in result.budgets:
        table.add_column(f"{budget:,}", justify="right")
    return table


def _measured(result: RecallResult) -> str:
    """Name what is measured, which is also the field of a row."""
    return "answers" if result.measure == "answers" else "recall"


def _differences(result: RecallResult, dataset: str, variant: str) -> Sequence[Difference]:
    return [one for one in result.differences if (one.dataset, one.second) == (dataset, variant)]


def _cells(
    result: RecallResult, rows: Sequence[ScoreRow | Difference], figure: str | None = None, form: str = ".1f"
) -> Iterator[str]:
    figure = figure or _measured(result)
    by_budget = {row.budget: format(getattr(row, figure), form) for row in rows}
    return (by_budget.get(budget, "") for budget in result.budgets)
