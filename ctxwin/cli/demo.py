"""`ctxwin demo`: shows ctxwin's main job on the package's sample, without key or network."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copytree, ignore_patterns
from textwrap import fill
from typing import Annotated

import typer

from ..errors import InputError
from ..messages import read
from ..packing import Packed
from ..packing.packed import PackedRecord
from ..report.picture import clean, columns
from ..sample import Question, conversation, files, questions
from .inputs import JsonOption, pack_watched, write_whole
from .options import print_json

__all__ = ["run"]

QUESTION = "q19"
"""The question of the sample that is asked: its answer needs a message and lines of a file."""
INDENT = 4
"""Columns before each shown line."""
LINES = 6
"""Most lines of a message that are shown."""
WORDS = (
    ("form", "full: whole; extract: the sentences that match; summary; stub: one line; out"),
    ("p", "how relevant to the question, from 0 to 1; 1.00 also for what must stay"),
    ("tokens", "as it stands there / as it was given"),
    ("why", "tail: the end always stays; outbid by m55 +2: these three have its room; repeats m7: says the same"),
    ("gap", "at most this much from the best: what a perfect choice of these forms could add"),
)
"""Explains the words of the table."""
NEXT = """\
Next, on your own:
  ctxwin pack talk.json --query "..." --budget 2k    a conversation
  ctxwin ask "..." src/ --budget 8k                  files and folders
  ctxwin explain talk.json --query "..."             why each item is in or out
  ctxwin --help                                      all commands"""


OUTPUT = PackedRecord


def run(
    question: Annotated[
        str | None,
        typer.Argument(metavar="[QUESTION]", help="Another question about the tour, in English or Chinese."),
    ] = None,
    budget: Annotated[
        str, typer.Option("--budget", "-b", metavar="TOKENS", help="Tokens the request may have.")
    ] = "2k",
    folder: Annotated[
        Path | None, typer.Option("--write", metavar="DIR", help="Write the sample there: talk.json and notes/.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    r"""Pack the sample that the package carries: a talk and six files.

    Two people plan a cycling tour in 116 messages. Needs no key and no network. The first run takes some seconds
    longer: it prepares the model that judges relevance.

    \b
    Example:
      ctxwin demo
      ctxwin demo "Which brake pads does the Koga take?" --budget 600
      ctxwin demo --write .

    \b
    Exit codes: 0 done; 2 bad input, such as a budget that is too small.
    """
    if question is not None and not question.strip():
        raise InputError("the question is empty; leave it out to see the sample's own")
    if folder is not None:
        _write(folder)
        return
    known = next(one for one in questions() if one.id == QUESTION)
    asked = question or known.text
    packed = pack_watched(conversation(), query=asked, budget=budget, files=[str(files())])
    if as_json:
        print_json(packed.to_dict())
        return
    typer.echo(_introduced(packed, asked))
    typer.echo(f"\nWhat fills the window, and why:\n\n{packed}\n\n{_explained()}")
    typer.echo(f"\nThe request, ready to send, in short (--json has all of it):\n\n{_request(packed)}")
    if question is None:
        typer.echo(f"\n{_checked(packed, known)}")
    typer.echo(f"\n{NEXT}")


def _write(folder: Path) -> None:
    """Write the sample as files, without replacing any.

    Raises:
        InputError: one of the names is taken, or the folder cannot be written.
    """
    talk, notes = folder / "talk.json", folder / "notes"
    if there := [path for path in (talk, notes) if path.exists()]:
        raise InputError(f"{str(there[0])!r} is there already; name another folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        copytree(files(), notes, ignore=ignore_patterns("__pycache__"))
    except OSError as error:
        raise InputError(f"cannot write {str(notes)!r} ({error.strerror or error}); name another folder") from error
    write_whole(str(talk), json.dumps(conversation(), ensure_ascii=False, indent=2) + "\n")
    typer.echo(f"wrote {talk} and {notes}")


def _introduced(packed: Packed, asked: str) -> str:
    told = (
        f"Nora and her aunt Meiling plan a cycling tour: {len(conversation())} messages and "
        f"{sum(one.is_file() for one in files().iterdir())} files, {packed.report.given:,} tokens. "
        f"The model may see {packed.report.limit:,}."
    )
    return f"{fill(told, columns())}\n\n{fill(f'Asked is: {clean(asked)}', columns())}"


def _explained() -> str:
    return "\n".join(
        fill(said, columns(), initial_indent=f"  {word:<8}", subsequent_indent=" " * 10) for word, said in WORDS
    )


def _request(packed: Packed) -> str:
    lines = []
    for item in read(packed.messages).items:
        said = [f"    {clean(line, columns() - INDENT)}".rstrip() for line in item.text.splitlines()]
        more = [f"    … {len(said) - LINES} more lines"] if len(said) > LINES else []
        lines += [f"{item.role}:", *said[:LINES], *more]
    return "\n".join(lines)


def _checked(packed: Packed, known: Question) -> str:
    """Show the lines of the request that hold the evidence for the answer."""
    missing = [fact for fact in known.facts if fact not in packed.text]
    if missing:
        return f"The answer is {known.answer!r}, and the request lacks {', '.join(missing)}; try a larger --budget."
    said = [line for line in packed.text.splitlines() if line.strip() != known.text]
    lines = dict.fromkeys(_around(fact, next(line for line in said if fact in line)) for fact in known.facts)
    shown = "\n".join(f"    {line}" for line in lines)
    return f"The answer is {known.answer!r}, and the request holds it:\n\n{shown}"


def _around(fact: str, line: str) -> str:
    """Cut a line to the width, with the fact in it."""
    room = columns() - INDENT
    start = max(0, line.index(fact) + len(fact) - room // 2) if len(line) > room else 0
    return ("…" if start else "") + clean(line[start:], room - 1)
