"""What tests of wrapped clients share: conversations, tools, a window in memory, a model that recalls."""

import re
import threading

from callers import DIALECTS, KEYS, MODELS
from server import Answer, Call

import ctxwin
import ctxwin.messages
from ctxwin.messages.reading import parse
from ctxwin.recall import recall_tool

LIMIT = 400
TOOL = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
TOOLS = {
    "chat": [{"type": "function", "function": {"name": "now", "description": "Tells the time.", "parameters": TOOL}}],
    "responses": [{"type": "function", "name": "now", "description": "Tells the time.", "parameters": TOOL}],
    "messages": [{"name": "now", "description": "Tells the time.", "input_schema": TOOL}],
}


def talk(turns=121):
    """A conversation of some 15 tokens a turn that asks, at its end, for what was said at its start."""
    said = [f"Note {n}: locker {n} opens with {n * 7919 % 9000 + 1000}." for n in range(turns - 1)]
    roles = ("user", "assistant")
    return [
        *({"role": roles[n % 2], "content": text} for n, text in enumerate(said)),
        {"role": "user", "content": "What opens locker 17?"},
    ]


class Kept:
    """A window in memory: what it was told, in order."""

    tokenizer = None

    def __init__(self, api, recall=False):
        self.recall = recall
        self.key, self.dialect, self.model = KEYS[api], DIALECTS[api], MODELS[api]
        self.messages, self.usages, self.system = [], [], None
        self.threads = set()

    def sync(self, body):
        self.threads.add(threading.get_ident())
        given = body[self.key]
        given = [{"role": "user", "content": given}] if isinstance(given, str) else list(given)
        self.system = body.get("system", self.system)
        had, came = self.said(self.messages), self.said(given)
        both = next(
            size for size in range(min(len(had), len(came)), -1, -1)
            if had[len(had) - size :] == came[:size]
        )  # fmt: skip
        self.messages += given[both:]

    def said(self, messages):
        """What messages say, in whichever form a program sends an answer back."""
        parts = [parse(message, self.dialect) for message in messages]
        return [[part.text for part in own if part.kind != "reasoning"] for own in parts]

    def add(self, *messages):
        self.messages += messages

    @property
    def items(self):
        return ctxwin.messages.read(self.messages, dialect=self.dialect).items

    def pack(self, query=None, *, tools=(), budget=LIMIT, **options):
        outside = {"system": self.system} if self.system else {}
        body = {self.key: self.messages, **outside}
        tools = [*tools, recall_tool(self.dialect)] if self.recall else tools
        options = {"model": self.model, **options, "embedder": "none"}
        return ctxwin.pack(body, query, budget, tools=tools, **options)

    def record(self, reply):
        self.threads.add(threading.get_ident())
        self.messages += reply.messages
        self.usages.append(reply.usage)


def said(api, text, number):
    """The message in which an answer is kept."""
    if api == "chat":
        return [{"role": "assistant", "content": text}]
    if api == "messages":
        return [{"role": "assistant", "content": [{"type": "text", "text": text}]}]
    part = {"type": "output_text", "text": text, "annotations": []}
    return [{"id": f"msg_{number}", "type": "message", "role": "assistant", "status": "completed", "content": [part]}]


def user(text):
    return {"role": "user", "content": text}


def reports(turns=90):
    """Turns too long to be packed whole; the last asks for a detail of one of them."""
    roles = ("user", "assistant")
    return [
        *(
            {"role": roles[n % 2], "content": f"Report {n}. " + f"The weather at post {n} was fair and calm. " * 12}
            for n in range(turns)
        ),
        {"role": "user", "content": "What was the weather at post 17?"},
    ]


def recaller(ids="m17", times=1):
    """A model that recalls so many times and then says what it was told last."""

    def respond(request):
        results = [text for text in request.texts if re.match(r"\[m\d+(\+\d+)?, ", text)]
        if offered(request) and len(results) < times:
            return Answer(text="One moment.", calls=[Call(name="recall", arguments={"ids": ids})])
        return f"After {len(results)}: {results[-1][:30] if results else 'nothing'}"

    return respond


def offered(request):
    return any(tool.get("function", tool).get("name") == "recall" for tool in request.body.get("tools") or ())
