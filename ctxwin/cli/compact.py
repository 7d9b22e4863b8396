"""`ctxwin compact`: compacts a conversation without a question, so that what stands in it survives."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Annotated, Any

import typer

from ..errors import InputError, MessageError
from ..items import parse_tokens
from ..messages import Source, open_place
from ..packing import Packed, compact
from ..packing.packed import PackedRecord
from ..report import Report
from ..report.picture import clean, costs, stands
from .given import PickOption, opened
from .inputs import (
    BudgetOption,
    CostsOption,
    JsonOption,
    ModelOption,
    RepairOption,
    TokenizerOption,
    mended,
    write_whole,
)
from .options import json_text, many
from .working import working

__all__ = ["run"]


OUTPUT = PackedRecord

RUNS = 12
"""Most runs of left-out messages that are named; `--json` has every message."""
LINE = 400
"""Most characters of a line on what is left out."""
_NUMBER = re.compile(r"-?\d+")


def run(
    conversation: Annotated[
        str,
        typer.Argument(
            metavar="CONVERSATION", help="Messages, an export (file, folder, zip), a transcript; - for standard input."
        ),
    ],
    budget: BudgetOption = None,
    keep: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help='Kinds of things that stand surely, such as "keep all file paths".'),
    ] = None,
    pin: Annotated[
        list[str] | None,
        typer.Option(metavar="ID|N", help="A message that stays whole: its id or its number from 0; repeatable."),
    ] = None,
    tools: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Tool definitions that go with the request, a JSON list; they are counted."),
    ] = None,
    pick: PickOption = None,
    mend: RepairOption = False,
    model: ModelOption = None,
    tokenizer: TokenizerOption = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write there, whole or not at all; it may be CONVERSATION itself."
        ),
    ] = None,
    allow_secrets: Annotated[
        bool, typer.Option("--allow-secrets", help="Let passwords and keys stand too; else a mark stands for each.")
    ] = False,
    costed: CostsOption = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Say what would stand and what would be left out; write nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    r"""Compact a conversation: what stands, and its recent turns.

    Nobody has to ask for what stands: rules, limits, facts, decisions, tasks and preferences, each sentence as it was
    said. The compacted conversation goes to stdout as JSON, in the form that came in, ready to go on with; a table
    goes to stderr. With --json, stdout gets request, report and plan as one object, and there is no table.

    \b
    Example:
      ctxwin compact talk.json --budget 4k > short.json
      ctxwin compact talk.json -b 4k --preview
      ctxwin compact talk.json -b 4k --keep "keep all file paths and commands" --pin m12 --output talk.json
      ctxwin compact conversations.json --pick "Trip to Bergen" -b 2k > bergen.json

    \b
    Exit codes: 0 compacted; 2 bad input, or what must stay is larger than the budget.
    """
    total = parse_tokens(budget, option="--budget") if budget is not None else None
    given = opened(conversation)
    with working() as work:
        work.start("compacting")
        try:
            packed = compact(
                mended(given, pick) if mend else given,
                total,
                pick=None if mend else pick,
                model=model,
                tokenizer=tokenizer,
                pins=[int(one) if _NUMBER.fullmatch(one) else one for one in pin or ()],
                tools=_tools(tools) if tools is not None else None,
                keep=keep,
                allow_secrets=allow_secrets,
            )
        except MessageError as error:
            raise InputError(f"{conversation}: {error}") from error
    table = "\n".join([str(packed), *(costs(packed.report) if costed else [])])
    if preview:
        typer.echo("\n".join([table, *stands(packed.report), *_left_out(packed.report, conversation)]))
        return
    text = json_text(packed.to_dict() if as_json else packed.messages)
    if output is not None:
        write_whole(output, text)
    else:
        sys.stdout.write(text)
    if not as_json:
        _tell(packed, table, output)


def _tell(packed: Packed, table: str, output: str | None) -> None:
    typer.echo(table, err=True)
    if output is not None:
        typer.echo(f"\nwrote {clean(output)}", err=True)


def _tools(path: str) -> Sequence[Mapping[str, Any]]:
    """Read tool definitions from a file.

    Raises:
        InputError: the file cannot be read, or holds something else.
    """
    place = open_place(path)
    try:
        found = json.loads(place.text()) if isinstance(place, Source) else None
    except ValueError as error:
        raise InputError(f"--tools {path!r} is no JSON ({error}); give a list of tool definitions") from None
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise InputError(f"--tools {path!r} is no list of tool definitions; write them as the request has them")
    return found


def _left_out(report: Report, name: str) -> Iterator[str]:
    """Yield lines that name the messages that are left out or shortened, and the way back to them."""
    runs = [[*run] for out, run in groupby(report.decisions, key=lambda one: one.form == "out") if out]
    first = next((one.id for one in report.decisions if one.form not in ("full", "folded")), None)
    if first is None:
        return
    yield ""
    if runs:
        tokens = sum(one.full_tokens for run in runs for one in run)
        named = ", ".join(run[0].id if len(run) == 1 else f"{run[0].id} to {run[-1].id}" for run in runs[:RUNS])
        more = f" and {len(runs) - RUNS:,} more runs" if len(runs) > RUNS else ""
        yield clean(f"left out: {many(len(report.dropped), 'message')}, {tokens:,} tokens: {named}{more}", LINE)
    if report.shortened:
        yield clean(f"shortened: {', '.join(one.id for one in report.shortened[:RUNS])}", LINE)
    yield clean(f"the way back: ids count the messages of {name} from 0 (m0); --pin {first} keeps that one whole", LINE)
