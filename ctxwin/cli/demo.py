"""`ctxwin demo`: the main job on the sample that the package carries, without key or network."""

from __future__ import annotations

from typing import Annotated

import typer

from ..errors import InputError
from ..messages import read
from ..packing import Packed
from ..picture import clean
from ..sample import Question, conversation, files, questions
from .inputs import JsonOption, pack_watched
from .options import print_json

__all__ = ["run"]

QUESTION = "q19"
"""The sample's question that is asked: its answer needs a message and lines of a file."""
COLUMNS = 96
"""Characters of a line that are shown."""
LINES = 20
"""Lines of a message that are shown."""
NEXT = """\
Next, on your own:
  ctxwin pack talk.json --query "..." --budget 2k    a conversation
  ctxwin ask "..." src/ --budget 8k                  files and folders
  ctxwin explain talk.json --query "..."             why each item is in or out
  ctxwin --help                                      all commands"""


def run(
    question: Annotated[
        str | None,
        typer.Argument(metavar="[QUESTION]", help="Another question about the tour, in English or Chinese."),
    ] = None,
    budget: Annotated[
        str, typer.Option("--budget", "-b", metavar="TOKENS", help="Tokens the request may have.")
    ] = "2k",
    as_json: JsonOption = False,
) -> None:
    r"""Pack the package's own sample: two people plan a cycling tour, in 116 messages and six files.

    Needs no key and no network. The first run takes some seconds longer: it prepares the model that judges
    relevance.

    \b
    Example:
      ctxwin demo
      ctxwin demo "Which brake pads does the Koga take?" --budget 600

    \b
    Exit codes: 0 done; 2 bad input, such as a budget that is too small.
    """
    if question is not None and not question.strip():
        raise InputError("the question is empty; leave it out to see the sample's own")
    known = next(one for one in questions() if one.id == QUESTION)
    asked = question or known.text
    packed = pack_watched(conversation(), query=asked, budget=budget, files=[str(files())])
    if as_json:
        print_json(packed.to_dict())
        return
    typer.echo(_introduced(packed, asked))
    typer.echo(f"\nWhat fills the window, and why:\n\n{packed}")
    typer.echo(f"\nThe request, ready to send:\n\n{_request(packed)}")
    if question is None:
        typer.echo(f"\n{_checked(packed, known)}")
    typer.echo(f"\n{NEXT}")


def _introduced(packed: Packed, asked: str) -> str:
    return (
        f"Nora and her aunt Meiling plan a cycling tour: {len(conversation())} messages and "
        f"{sum(one.is_file() for one in files().iterdir())} files, {packed.report.given:,} tokens.\n"
        f"The model may see {packed.report.limit:,}. Asked is: {asked}"
    )


def _request(packed: Packed) -> str:
    lines = []
    for item in read(packed.messages).items:
        said = [f"    {clean(line, COLUMNS)}".rstrip() for line in item.text.splitlines()]
        more = [f"    … {len(said) - LINES} more lines"] if len(said) > LINES else []
        lines += [f"{item.role}:", *said[:LINES], *more]
    return "\n".join(lines)


def _checked(packed: Packed, known: Question) -> str:
    missing = [fact for fact in known.facts if fact not in packed.text]
    held = f"lacks {', '.join(missing)}; try a larger --budget" if missing else "holds it"
    return f"The answer is {known.answer!r}, and the request {held}."
