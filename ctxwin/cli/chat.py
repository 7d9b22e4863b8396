"""`ctxwin chat`: a chat in the terminal whose history may grow beyond the model's window."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Self

import platformdirs
import typer

from ..clients import Endpoint
from ..clients.local import LocalModel
from ..embed import get_embedder
from ..errors import CtxwinError, InputError
from ..items import parse_tokens
from ..models import names
from ..packing import Packed
from ..report.picture import clean
from ..standing import Entry
from ..store import MemoryStore, Turn, open_store
from ..window import Window
from .given import PickOption
from .inputs import BaseUrlOption, EmbedderOption
from .options import LOCAL, printable
from .prompting import reader
from .saying import ListedChat, described, filled, in_kinds, limit_of, list_conversations, name_of, status, stood
from .working import Answering

__all__ = ["ChatLoop", "run"]

SYSTEM = "You are a helpful assistant. Parts of a long conversation may be left out or shortened, marked as such."
"""The default system prompt."""
NAMING = ("pin", "unpin", "forget", "remember", "erase")
"""Commands that take the name of a message."""
REPLACE = "--replace "
"""Word that /save takes before the name of a file that may be replaced."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRecord:
    """What `--json` prints on a line of its own for each answer."""

    reply: str
    messages: int
    """Messages of the conversation."""
    tokens: int | None
    """Tokens of the request."""
    limit: int | None
    """Tokens that the request might have had."""


OUTPUT = AnswerRecord | Sequence[ListedChat]


def run(
    model: Annotated[
        str,
        typer.Option(
            "--model", "-m", envvar="CTXWIN_MODEL", metavar="NAME", help="Who answers: a model's name, or `local`."
        ),
    ] = LOCAL,
    base_url: BaseUrlOption = None,
    budget: Annotated[
        str | None,
        typer.Option(
            "--budget",
            "-b",
            envvar="CTXWIN_BUDGET",
            metavar="TOKENS",
            help="Tokens of a request; default: the model's window.",
        ),
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
    listed: Annotated[bool, typer.Option("--list", help="List the conversations of the file, and leave.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line for each answer.")] = False,
) -> None:
    r"""Chat in the terminal; each request is packed from the whole talk.

    The conversation is kept. The endpoint is api.openai.com with OPENAI_API_KEY, or --base-url, such as a server on
    this machine; `--model local` needs neither network nor key. A line shows what fills the window; /help lists
    what else can be typed. What is pasted is one message; Alt-Enter begins a new line.

    \b
    Example:
      ctxwin chat --model gpt-5-mini --budget 8k
      ctxwin chat --model local --store notes.db --id garden
      ctxwin chat --import conversations.json --pick "Trip to Bergen" --id bergen
      ctxwin chat --store notes.db --list

    \b
    Exit codes: 0 left by /quit or Ctrl-D; 2 bad input.
    """
    place = store or platformdirs.user_data_path("ctxwin", ensure_exists=True) / "chat.db"
    if listed:
        list_conversations(place, as_json=as_json)
        return
    total = parse_tokens(budget, option="--budget") if budget is not None else None
    if imported is not None:
        with contextlib.closing(open_store(place)) as kept:
            Window.import_(imported, pick=pick, store=kept, id=name).close()
    elif pick is not None:
        raise InputError("--pick chooses a conversation of what --import reads; give both")
    kind = JsonChat if as_json else ChatLoop
    with kind(place, name, model, total, {"embedder": embedder, "recall": recall}, base_url=base_url) as chat:
        if system is not None or chat.window.prompt is None:
            chat.window.system(system or SYSTEM)
        chat.talk()


class ChatLoop:
    """Reads lines, and answers each or carries out its command.

    Args:
        store: keeps the conversation.
        name: the conversation's name in the store.
        model: the model that answers; without one nobody answers.
        budget: tokens of a request. Default: the model's window.
        options: further arguments of the window, and `enough` of its budget.
        first: a line to begin with, as if it had been typed.
        base_url: address of the endpoint. Default: the address of the model's maker.
    """

    def __init__(
        self,
        store: Path | MemoryStore,
        name: str,
        model: str | None,
        budget: int | None,
        options: Mapping[str, Any],
        first: str | None = None,
        base_url: str | None = None,
    ) -> None:
        self._store = store
        self._name = name
        self._work = Answering()
        judge = get_embedder(options["embedder"], on_progress=self._work.embedded, allowance=sys.maxsize)
        self._enough: float | None = options.get("enough")
        others = {name: value for name, value in options.items() if name != "enough"}
        self._options = {**others, "embedder": judge or "none"}  # without a limit, as a window embeds
        self._first = first
        self._base_url = base_url
        self._said: Packed | None = None
        self._asked: str | None = None
        self._listed: Sequence[Entry] = ()
        self._failed = False
        if files := options.get("files"):
            files.on_progress = self._work.show
        self.window = self._open(model, budget)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.window.close()

    def _open(self, model: str | None, budget: int | None) -> Window:
        local = LocalModel() if model == LOCAL else None
        asked = Endpoint(model=model, base_url=self._base_url) if model and self._base_url else None
        return Window(
            model=local.row if local is not None else model,
            budget=limit_of(budget, local=local is not None, enough=self._enough),
            client=local or asked,
            store=self._store,
            id=self._name,
            **{**self._options, **({"tokenizer": local} if local is not None else {})},
        )

    def talk(self) -> None:
        """Talk until the input ends."""
        self._greet()
        read = reader(self._completions)
        if self._first is not None:
            self._do(self._first)
        while True:
            try:
                text = read()
            except EOFError:
                return self._note("")
            except KeyboardInterrupt:
                self._note("(Ctrl-D leaves)")
                continue
            if text in ("/quit", "/exit"):
                return
            if text:
                self._do(text)

    @property
    def _completions(self) -> Mapping[str, Callable[[], Sequence[str]]]:
        """The words that Tab completes, and for each the words that may follow."""
        behind: dict[str, Callable[[], Sequence[str]]] = {"model": lambda: (LOCAL, *names())}
        behind["standing"] = lambda: ("forget", "remember")
        behind |= dict.fromkeys(NAMING, lambda: [one.id for one in self.window.items])
        return {f"/{name}": behind.get(name, tuple) for name in (*COMMANDS, "quit")}

    def _do(self, text: str) -> None:
        """Answer a line or carry out its command; any error is reported, and the chat goes on."""
        try:
            if text.startswith("/") and "\n" not in text:
                word, _, rest = text[1:].partition(" ")
                if word not in COMMANDS:
                    raise InputError(f"no command /{word}; /help lists them")
                COMMANDS[word](self, rest.strip())
            else:
                self._ask(text)
        except KeyboardInterrupt:
            self._note("\n(stopped)")
        except CtxwinError as error:
            self._note(f"error: {error}")

    def _ask(self, text: str) -> None:
        """Answer a message; without an answer the message is left out of later requests, and can be sent again."""
        before = self.window.turns
        self._asked = text
        try:
            self._answer(text)
        except BaseException as error:
            new = self.window.turns[len(before) :]
            if new:
                self.window.forget(*new)
            self._failed = True
            if isinstance(error, KeyboardInterrupt):
                self._note("\n(stopped; the answer was not kept, /retry asks again)")
                return
            if isinstance(error, CtxwinError):
                self._note(f"error: {error}")
                self._note("(the message is left out of what follows; /retry sends it again)")
                return
            raise
        self._failed = False

    def _answer(self, line: str) -> None:
        answer = []
        with contextlib.closing(self.window.stream(line)) as pieces:
            with self._work.begin(f"asking {self.window.model}"):
                first = next(pieces, "")
            for piece in itertools.chain([first], pieces):
                answer.append(piece)
                sys.stdout.write(printable(piece))
                sys.stdout.flush()
        _say("")
        self._said = self.window.last
        self._after("".join(answer))

    def _after(self, answer: str) -> None:
        """Print the notes below an answer."""
        if self._said is not None:
            self._note(status(self._said, self.window))

    def _note(self, text: str) -> None:
        """Print a note on the conversation, faint if the terminal can show it."""
        faint, plain = ("\x1b[2m", "\x1b[0m") if sys.stdout.isatty() else ("", "")
        _say(f"{faint}{filled(text)}{plain}")

    def _greet(self) -> None:
        if isinstance(self._store, MemoryStore):
            kept = "not kept"
        else:
            had = f"{len(self.window):,} messages" if len(self.window) else "new, kept"
            kept = f"{had} in {self._store}"
        self._note(f"{self.window.model or 'no model'}, {self._name!r}: {kept}; /help")
        asks = self.window.model not in (None, LOCAL)
        if asks and self._base_url is None and "OPENAI_API_KEY" not in os.environ:
            self._note("no OPENAI_API_KEY is set, and no --base-url; nobody can answer before one is")

    def why(self, _: str) -> None:
        """What the last request held, and why; before the first one, what the next would hold."""
        _say(str(self._said or self.window.explain()).rstrip())

    def pin(self, what: str) -> None:
        """Keep a message in every request: `/pin m12`, or the last one you wrote."""
        turn = self._meant(what)
        self.window.pin(turn)
        self._note(f"pinned {described(turn)}; /unpin takes it back")

    def unpin(self, what: str) -> None:
        """Let a pinned message compete again."""
        turn = self._meant(what)
        self.window.unpin(turn)
        self._note(f"unpinned {described(turn)}")

    def forget(self, what: str) -> None:
        """Leave a message out of every request: `/forget m12`; it stays stored, where /erase removes it."""
        turn = self._meant(what)
        self.window.forget(turn)
        self._note(f"forgotten {described(turn)}; /remember {name_of(turn)} takes it back")

    def remember(self, what: str) -> None:
        """Take a forgotten message back."""
        turn = self._meant(what)
        self.window.unforget(turn)
        self._note(f"remembered {described(turn)}")

    def erase(self, what: str) -> None:
        """Remove a message for good, with all that was made of it: `/erase m12`."""
        if not what:
            raise InputError("no message named; write it like /erase m12, /why shows the names")
        turn = self._meant(what)
        copies = "".join(f"; {path} may still hold it, delete it" for path in self.window.erase(turn))
        self._said = self._asked = None
        self._note(f"erased {name_of(turn)}; answers that quote it are messages of their own{copies}")

    def standing(self, what: str) -> None:
        """What stands, whatever is asked; `/standing forget 3` takes the third away, `/standing remember 3` back."""
        if not what:
            self._listed = in_kinds(self.window.standing)
            _say("\n".join(stood(self._listed)) or "nothing stands yet")
            return
        verb, _, number = what.partition(" ")
        if verb not in ("forget", "remember"):
            raise InputError(f"/standing {verb!r} is unknown; write it like /standing forget 3")
        if not (number.isascii() and number.isdigit() and 0 < int(number) <= len(self._listed)):
            raise InputError(f"no entry {number!r} among the {len(self._listed):,} listed; /standing lists them")
        entry = self._listed[int(number) - 1]
        named = f"{clean(entry.text)!r} of {entry.source}"
        if verb == "forget":
            self.window.forget(entry)
            self._note(f"forgotten {named}; /standing remember {number} takes it back")
        else:
            self.window.unforget(entry)
            self._note(f"remembered {named}")

    def undo(self, _: str) -> None:
        """Leave your last message and what came after it out of every request."""
        heard = [turn for turn in self.window.turns if not turn.forgotten]
        mine = [place for place, turn in enumerate(heard) if turn.message.get("role") == "user"]
        if not mine:
            raise InputError("nothing to take back; say something first")
        gone = heard[mine[-1] :]
        self.window.forget(*gone)
        self._note(f"left out {described(gone[0])}, and what came after it; /retry asks it again")
        self._failed, self._asked = True, str(gone[0].message.get("content"))

    def retry(self, _: str) -> None:
        """Ask your last message again, in place of the answer it got."""
        if self._asked is None:
            raise InputError("nothing to ask again; say something first")
        if not self._failed:
            self.undo("")
        self._ask(str(self._asked))

    def budget(self, tokens: str) -> None:
        """Show the budget of a request, or give another: `/budget 4k`."""
        if not tokens:
            now = self.window.budget
            self._note(f"{now.total:,} tokens a request, {now.reserve:,} of them for the answer" if now
                       else "as many tokens a request as the model's window has")  # fmt: skip
            return
        total = parse_tokens(tokens, option="/budget")
        limit = limit_of(total, local=self.window.model == LOCAL, enough=self._enough)
        # Refused here, where it is chosen, rather than at the next message.
        self.window.pack("?" if not len(self.window) else None, budget=limit)
        self.window.set_budget(limit)
        self._note(f"{limit.total if limit else 0:,} tokens a request")

    def model(self, name: str) -> None:
        """Show who answers, or have another model do it: `/model gpt-5-mini`, `/model local`."""
        if not name:
            self._note(f"{self.window.model or 'no model'} answers; another with /model NAME")
            return
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
        used = self.window.usage
        _say(f"{used.calls:,} requests: {used.input:,} tokens sent, {used.given:,} unpacked; {used.output:,} answered")
        _say(str(used))

    def help(self, _: str) -> None:
        """This list."""
        said = {name: str(command.__doc__) for name, command in COMMANDS.items()}
        for name, text in (said | {"quit": "Leave, as Ctrl-D does; Ctrl-C stops an answer."}).items():
            _say(filled(f"  /{name:<9} {text}", indent=13))

    def _meant(self, what: str) -> Turn:
        """Return the named message, or the last message written by hand."""
        turns = self.window.turns
        if what:
            found = [turn for turn in turns if what in (name_of(turn), str(turn.position))]
            if not found:
                raise InputError(f"no message {what!r} among {len(turns):,}; /why shows their names, like m12")
            return found[0]
        mine = [turn for turn in turns if turn.message.get("role") == "user"]
        if not mine:
            raise InputError("nothing was said yet; name a message as /why does, like m12")
        return mine[-1]


class JsonChat(ChatLoop):
    """The chat loop for programs: lines in, one JSON object per line out, and notes on stderr."""

    def _answer(self, line: str) -> None:
        with self._work.begin(f"asking {self.window.model}"):
            reply = self.window.send(line)
        self._said = self.window.last
        tokens, limit = (self._said.tokens, self._said.report.limit) if self._said else (None, None)
        record = AnswerRecord(reply=reply.text, messages=len(self.window), tokens=tokens, limit=limit)
        _say(json.dumps(asdict(record), ensure_ascii=False))

    def _note(self, text: str) -> None:
        sys.stderr.write(text + "\n")


COMMANDS: Mapping[str, Callable[[ChatLoop, str], None]] = {
    name: getattr(ChatLoop, name)
    for name in (*("why", "standing", "retry", "undo", *NAMING, "budget", "model", "save", "usage", "help"),)
}


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
