"""`ctxwin eval`: score packings by the share of gold evidence that they keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from ..evaluate import ADVERSARIAL, Difference, Progress, Result, Row, evaluate, load_sample
from .options import parse_budgets, print_json

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["run"]

SHOWN = 10
"""How many overruns and failures are listed; `--json` has all."""

FIGURES = (("tokens used", "tokens", ",.0f"), ("gap %", "gap", ".2f"), ("ms a pack", "milliseconds", ".0f"))
"""What is shown beside recall: its name, the field of a `Row`, the format."""

GAINS = (("gain, points", "mean"), ("95 % from", "low"), ("to", "high"))
"""What is shown of a comparison: its name, the field of a `Difference`."""


def run(
    sets: Annotated[
        list[str] | None,
        typer.Argument(metavar="DIR...", help="Folders that hold a set each; without one, the package's sample."),
    ] = None,
    strategy: Annotated[
        list[str], typer.Option(metavar="NAME", help="Give it again to compare others with the first.")
    ] = ["auto"],  # noqa: B006
    budgets: Annotated[str, typer.Option(metavar="TOKENS,...", help="Budgets, separated by commas.")] = "1k,2k,4k,8k",
    tokenizer: Annotated[str, typer.Option(metavar="NAME", help="Counts the tokens.")] = "o200k_base",
    embedder: Annotated[
        str, typer.Option(metavar="NAME", help="Judges relevance beside words: minilm, static or none.")
    ] = "auto",
    limit: Annotated[int | None, typer.Option(metavar="N", help="Queries per set, spread over its sources.")] = None,
    processes: Annotated[
        int | None, typer.Option(metavar="N", help="Sources packed side by side; default: one a processor.")
    ] = None,
    wheels: Annotated[
        str | None, typer.Option(metavar="DIR", help="Where the wheels lie that a set asks about.")
    ] = None,
    categories: Annotated[bool, typer.Option("--categories", help="Show recall by category as well.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    r"""Score packings by the gold evidence that they keep.

    Recall is the percentage of a query's gold evidence that stands word for word in its packed request.
    Requests are recounted independently; one over its budget scores 0 and is listed. With two strategies, the
    gain over the first is given with its 95 % interval (paired bootstrap).

    \b
    A set is a folder with
      units.jsonl.gz  one unit a line: source, uid, text; where known session, time, speaker, role, kind
      queries.jsonl   one query a line: qid, source, query, category, gold (uids)

    \b
    Example:
      ctxwin eval locomo/ --budgets 1k,2k --strategy relevance --strategy auto
    """
    with _progress() as on_progress:
        result = evaluate(
            sets or [load_sample()],
            strategies=strategy,
            budgets=parse_budgets(budgets),
            tokenizer=tokenizer,
            embedder=embedder,
            limit=limit,
            processes=processes,
            wheels=wheels,
            on_progress=on_progress,
        )
    if as_json:
        print_json(result.to_dict())
    else:
        _show(result, categories=categories)


@contextmanager
def _progress() -> Iterator[Progress]:
    """Show a bar on stderr, where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    columns = (TextColumn("packing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("packing", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _show(result: Result, *, categories: bool) -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    for dataset in dict.fromkeys(row.dataset for row in result.rows):
        console.print(_table(result, dataset, categories=categories), "")
    for what, scores in (("over budget", result.overruns), ("not packed", result.failures)):
        for score in scores[:SHOWN]:
            detail = score.failure or f"{score.tokens:,} tokens"
            console.print(f"{what}: {score.dataset} {score.qid} {score.strategy} {score.budget:,}: {detail}")
        if len(scores) > SHOWN:
            console.print(f"{what}: {len(scores) - SHOWN:,} more, which --json lists")
    console.print(f"{len(result.overruns):,} over budget, {len(result.failures):,} not packed")


def _table(result: Result, dataset: str, *, categories: bool) -> Table:
    from rich.table import Table

    table = Table("strategy", "", title=dataset, title_justify="left", box=None, pad_edge=False)
    for budget in result.budgets:
        table.add_column(f"{budget:,}", justify="right")
    for strategy in result.strategies:
        rows = [row for row in result.rows if (row.dataset, row.strategy) == (dataset, strategy)]
        whole = [row for row in rows if row.category is None]
        if whole:
            table.add_row(strategy, f"recall % ({whole[0].queries:,} queries)", *_cells(result, whole))
            for name, figure, form in FIGURES:
                table.add_row("", name, *_cells(result, whole, figure, form))
        for category in dict.fromkeys(row.category for row in rows if row.category is not None):
            if categories or category == ADVERSARIAL:
                some = [row for row in rows if row.category == category]
                table.add_row("", f"{category} ({some[0].queries:,})", *_cells(result, some))
    for other in result.strategies[1:]:
        gains = [one for one in result.differences if (one.dataset, one.second) == (dataset, other)]
        for label, figure in GAINS:
            first = f"{other} - {result.strategies[0]}" if figure == "mean" else ""
            table.add_row(first, label, *_cells(result, gains, figure, "+.1f"))
    return table


def _cells(
    result: Result, rows: Sequence[Row | Difference], figure: str = "recall", form: str = ".1f"
) -> Iterator[str]:
    by_budget = {row.budget: format(getattr(row, figure), form) for row in rows}
    return (by_budget.get(budget, "") for budget in result.budgets)
