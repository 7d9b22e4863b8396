"""`ctxwin eval --replay`: prices caching policies on recorded conversations, as a table, JSON or a picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import typer

from ..errors import InputError, MissingExtra, StoreError
from ..evaluate import REPLAYED, Dataset, Replay, replay
from .options import parse_budgets, print_json, table_console
from .working import working

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["run_replay"]

FIGURES = (("price, fresh tokens", "price", ",.0f"), ("recall %", "recall", ".1f"), ("cached %", "cached", ".0f"))
"""Figures of a policy that are shown: name, field of a `Priced`, format."""
INCHES = 3.4
"""Side of the picture for one set under one budget."""


def run_replay(
    sets: Sequence[Dataset | str],
    *,
    compare: str | None,
    reads: str,
    budgets: str,
    tokenizer: str,
    limit: int | None,
    processes: int | None,
    plot: str | None,
    as_json: bool,
) -> None:
    """Replay conversations and show the prices; the arguments are the command's options.

    Raises:
        InputError: an option is wrong, or a set cannot be read.
        MissingExtra: a picture is wanted and matplotlib is not installed.
        StoreError: the picture cannot be written.
    """
    policies = [name.strip() for name in compare.split(",")] if compare is not None else list(REPLAYED)
    with working() as work:
        result = replay(
            sets,
            policies=policies,
            reads=_shares(reads),
            budgets=parse_budgets(budgets),
            tokenizer=tokenizer,
            limit=limit,
            processes=processes,
            on_progress=partial(work.show, "replaying requests"),
        )
    if as_json:
        print_json(result.to_dict())
    else:
        _show(result)
    if plot is not None:
        _draw(result, plot)


def _shares(text: str) -> list[float]:
    try:
        shares = [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"--reads {text!r} is no list of shares; write it like 0.5,0.1") from None
    if not all(0 < share <= 1 for share in shares):
        raise InputError(f"--reads {text!r} has a share outside 0 to 1; a cached token costs a part of a fresh one")
    return shares


def _show(result: Replay) -> None:
    console = table_console()
    for dataset, budget in dict.fromkeys((row.dataset, row.budget) for row in result.rows):
        console.print(_table(result, dataset, budget), "")
    for gain in result.gains:
        recall = "" if gain.recall_gain is None else f", recall {gain.recall_gain:+.1f} points to ref:repack"
        typer.echo(
            f"{gain.dataset} {gain.budget:,} read {gain.read:g}: {gain.policy} {gain.price:,.0f}, "
            f"cheapest other {gain.best} {gain.best_price:,.0f}{recall}"
        )
    skipped, over = (sum(getattr(row, name) for row in result.rows) for name in ("skipped", "overruns"))
    typer.echo(f"{over:,} over budget, {skipped:,} not packed")


def _table(result: Replay, dataset: str, budget: int) -> Table:
    """Show each policy's figures, a column for each read multiplier."""
    from rich.table import Table

    rows = {(row.policy, row.read): row for row in result.rows if (row.dataset, row.budget) == (dataset, budget)}
    requests = next(iter(rows.values())).requests
    title = f"{dataset}, {budget:,} tokens, {requests:,} requests"
    table = Table("policy", "read multiplier", title=title, title_justify="left", box=None, pad_edge=False)
    for read in result.reads:
        table.add_column(f"{read:g}", justify="right")
    for policy in result.policies:
        for number, (label, figure, form) in enumerate(FIGURES):
            values = [getattr(rows[policy, read], figure) for read in result.reads]
            if values[0] is not None:
                table.add_row("" if number else policy, label, *(format(value, form) for value in values))
    return table


def _draw(result: Replay, path: str) -> None:
    """Draw each policy's price against the read multiplier, a panel for each set and budget."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        command = 'pip install "ctxwin[notebook]"'
        raise MissingExtra("matplotlib", feature="--plot", command=command) from error
    panels = list(dict.fromkeys((row.dataset, row.budget) for row in result.rows))
    figure = Figure(figsize=(INCHES * len(panels), INCHES), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (dataset, budget) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for policy in result.policies:
            rows = [row for row in result.rows if (row.dataset, row.budget, row.policy) == (dataset, budget, policy)]
            recall = "" if rows[0].recall is None else f" (recall {rows[0].recall:.0f})"
            axes.plot([row.read for row in rows], [row.price for row in rows], marker="o", label=f"{policy}{recall}")
        axes.set(title=f"{dataset}, {budget:,} tokens", xscale="log", xlabel="price of a cached token", ylim=(0, None))
        axes.set_xticks(result.reads, [f"{read:g}" for read in result.reads])
        axes.minorticks_off()
        axes.legend(fontsize="x-small")
    figure.axes[0].set_ylabel("price of a request, in fresh tokens")
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise StoreError(f"cannot write {path!r} ({error}); give a path like prices.png") from error
