"""`ctxwin chat`: a chat in the terminal with a history that outlives the model's window."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any, Self

import platformdirs
import typer

from ..clients.local import ANSWER, WINDOW, LocalModel
from ..errors import CtxwinError, InputError
from ..items import Budget, parse_tokens
from ..packing import Packed
from ..store import MemoryStore, open_store
from ..window import Window
from .given import PickOption
from .inputs import EmbedderOption
from .options import printable

__all__ = ["run"]

LOCAL = "local"
"""Names the small model that runs on this machine."""
SYSTEM = "You are a helpful assistant. Parts of a long conversation may be left out or shortened, marked as such."
"""What the model is told where nothing else is said."""
REPLACE = "--replace "
"""What /save takes before the name of a file that may be replaced."""
BAR = 24
"""Characters of the bar that shows what fills the window."""


def run(
    model: Annotated[
        str, typer.Option("--model", "-m", metavar="NAME", help="Who answers: a model's name, or `local`.")
    ] = LOCAL,
    budget: Annotated[
        str | None,
        typer.Option("--budget", "-b", metavar="TOKENS", help="Tokens of a request; default: the model's window."),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where the conversation is kept; default: chat.db in your data folder."),
    ] = None,
    name: Annotated[str, typer.Option("--id", metavar="NAME", help="Which conversation of that file.")] = "default",
    system: Annotated[str | None, typer.Option(metavar="TEXT", help="The system prompt.")] = None,
    embedder: EmbedderOption = "auto",
    recall: Annotated[bool, typer.Option("--recall", help="Let the model ask for what was left out.")] = False,
    imported: Annotated[
        Path | None,
        typer.Option("--import", metavar="FILE", help="Begin with a saved chat, an export or a transcript."),
    ] = None,
    pick: PickOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line for each answer.")] = False,
) -> None:
    r"""Chat in the terminal; the conversation is kept, and each request is packed from all of it.

    The endpoint is api.openai.com with OPENAI_API_KEY, or OPENAI_BASE_URL, such as a server on this machine;
    `--model local` needs neither network nor key. A line shows what fills the window; /help lists what else
    can be typed.

    \b
    Example:
      ctxwin chat --model gpt-5-mini --budget 8k
      ctxwin chat --model local --store notes.db --id garden
      ctxwin chat --import conversations.json --pick "Trip to Bergen" --id bergen

    \b
    Exit codes: 0 left by /quit or Ctrl-D; 2 bad input.
    """
    place = store or platformdirs.user_data_path("ctxwin", ensure_exists=True) / "chat.db"
    total = parse_tokens(budget, option="--budget") if budget is not None else None
    if imported is not None:
        with contextlib.closing(open_store(place)) as kept:
            Window.import_(imported, pick=pick, store=kept, id=name).close()
    elif pick is not None:
        raise InputError("--pick chooses a conversation of what --import reads; give both")
    kind = JsonChat if as_json else Chat
    with kind(place, name, model, total, {"embedder": embedder, "recall": recall}) as chat:
        if system is not None or chat.window.prompt is None:
            chat.window.system(system or SYSTEM)
        chat.talk()


class Chat:
    """The loop: read a line, answer it or do what it says.

    Args:
        store: where the conversation is kept.
        name: its name there.
        model: who answers; None: nobody.
        budget: tokens of a request; None: the model's window.
        options: further arguments of the window.
        first: a line to begin with, as though it had been typed.
    """

    def __init__(
        self,
        store: Path | MemoryStore,
        name: str,
        model: str | None,
        budget: int | None,
        options: Mapping[str, Any],
        first: str | None = None,
    ) -> None:
        self._store = store
        self._name = name
        self._options = options
        self._first = first
        self._said: Packed | None = None
        self.window = self._open(model, budget)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.window.close()

    def _open(self, model: str | None, budget: int | None) -> Window:
        local = LocalModel() if model == LOCAL else None
        limit = Budget(total=budget) if budget is not None else None
        if local is not None:
            total = min(budget or WINDOW, WINDOW)
            limit = Budget(total=total, reserve=min(ANSWER, total // 4))
        return Window(
            model=local.row if local is not None else model,
            budget=limit,
            client=local,
            store=self._store,
            id=self._name,
            **{**self._options, **({"tokenizer": local} if local is not None else {})},
        )

    def talk(self) -> None:
        """Talk until the input ends."""
        if find_spec("readline"):
            import readline  # noqa: F401 - gives `input` its history and its keys
        self._greet()
        if self._first is not None:
            self._do(self._first)
        while True:
            try:
                line = input("> " if sys.stdin.isatty() else "").strip()
            except EOFError:
                return self._note("")
            except KeyboardInterrupt:
                self._note("\n(Ctrl-D leaves)")
                continue
            if line in ("/quit", "/exit"):
                return
            if line:
                self._do(line)

    def _do(self, line: str) -> None:
        """Answer a line or follow it; whatever goes wrong is told, and the chat goes on."""
        try:
            if line.startswith("/"):
                word, _, rest = line[1:].partition(" ")
                if word not in COMMANDS:
                    raise InputError(f"no command /{word}; /help lists them")
                COMMANDS[word](self, rest.strip())
            else:
                self._answer(line)
        except KeyboardInterrupt:
            self._note("\n(stopped; the answer was not kept)")
        except CtxwinError as error:
            self._note(f"error: {error}")

    def _answer(self, line: str) -> None:
        answer = []
        with contextlib.closing(self.window.stream(line)) as pieces:
            for piece in pieces:
                answer.append(piece)
                sys.stdout.write(printable(piece))
                sys.stdout.flush()
        _say("")
        self._said = self.window.last
        self._after("".join(answer))

    def _after(self, answer: str) -> None:
        """Say what is to be said below an answer."""
        if self._said is not None:
            self._note(status(self._said, len(self.window)))

    def _note(self, text: str) -> None:
        """Say something about the conversation, faint where that can be shown."""
        faint, plain = ("\x1b[2m", "\x1b[0m") if sys.stdout.isatty() else ("", "")
        _say(f"{faint}{text}{plain}")

    def _greet(self) -> None:
        if isinstance(self._store, MemoryStore):
            kept = "not kept"
        else:
            had = f"{len(self.window):,} messages" if len(self.window) else "new, kept"
            kept = f"{had} in {self._store}"
        self._note(f"{self.window.model or 'no model'}, {self._name!r}: {kept}; /help")

    def why(self, _: str) -> None:
        """What the last request held, and why; before the first one, what the next would hold."""
        _say(str(self._said or self.window.explain()).rstrip())

    def pin(self, what: str) -> None:
        """Keep a message in every request: `/pin m12`, or the last one you wrote."""
        self.window.pin(self._meant(what))
        self._note("pinned; /unpin takes it back")

    def unpin(self, what: str) -> None:
        """Let a pinned message compete again."""
        self.window.unpin(self._meant(what))
        self._note("unpinned")

    def forget(self, what: str) -> None:
        """Leave a message out of every request: `/forget m12`; it stays stored."""
        self.window.forget(self._meant(what))
        self._note("forgotten; /remember takes it back")

    def remember(self, what: str) -> None:
        """Take a forgotten message back."""
        self.window.unforget(self._meant(what))
        self._note("remembered")

    def budget(self, tokens: str) -> None:
        """Give requests another budget: `/budget 4k`."""
        total = parse_tokens(tokens, option="/budget")
        self.window.set_budget(total)
        self._note(f"{total:,} tokens a request")

    def model(self, name: str) -> None:
        """Have another model answer: `/model gpt-5-mini`, `/model local`."""
        if not name:
            raise InputError("no model named; write it like /model gpt-5-mini")
        before, self.window = self.window, self._open(name, None)
        before.close()
        self._note(f"{name} answers from now on")

    def save(self, path: str) -> None:
        """Write the conversation to a JSON file: `/save talk.json`."""
        replaced = path.startswith(REPLACE)
        path = path.removeprefix(REPLACE).strip()
        if not path:
            raise InputError("no file named; write it like /save talk.json")
        if Path(path).exists() and not replaced:
            raise InputError(f"{path!r} is there already; name another file, or write /save {REPLACE}{path}")
        self.window.export(path)
        self._note(f"{len(self.window):,} messages in {path}")

    def usage(self, _: str) -> None:
        """What this conversation has cost."""
        _say(str(self.window.usage))

    def help(self, _: str) -> None:
        """This list."""
        for name, command in COMMANDS.items():
            _say(f"  /{name:<9} {command.__doc__}")
        _say("  /quit      Leave, as Ctrl-D does; Ctrl-C stops an answer.")

    def _meant(self, what: str) -> int | str:
        if what:
            return what
        mine = [turn.position for turn in self.window.turns if turn.message.get("role") == "user"]
        if not mine:
            raise InputError("nothing was said yet; name a message as /why does, like m12")
        return mine[-1]


class JsonChat(Chat):
    """The same for programs: lines in, one JSON object a line out, and what is said besides on stderr."""

    def _answer(self, line: str) -> None:
        reply = self.window.send(line)
        self._said = self.window.last
        plain = {"reply": reply.text, "messages": len(self.window)}
        if self._said is not None:
            plain |= {"tokens": self._said.tokens, "limit": self._said.report.limit}
        _say(json.dumps(plain, ensure_ascii=False))

    def _note(self, text: str) -> None:
        sys.stderr.write(text + "\n")


COMMANDS: Mapping[str, Callable[[Chat, str], None]] = {
    name: getattr(Chat, name)
    for name in ("why", "pin", "unpin", "forget", "remember", "budget", "model", "save", "usage", "help")
}


def status(packed: Packed, turns: int) -> str:
    """Say in one line what filled the window."""
    report = packed.report
    filled = round(BAR * packed.tokens / report.limit)
    parts = ", ".join(f"{name} {tokens:,}" for name, tokens in report.parts.items() if tokens and name != "overhead")
    kept = sum(one.rung != "out" for one in report.decisions)
    bar = "#" * filled + "." * (BAR - filled)
    return f"[{bar}] {packed.tokens:,} of {report.limit:,} tokens: {parts}; {kept:,} of {turns:,} messages"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
