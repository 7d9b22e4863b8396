"""What tests of wrapped clients share: conversations, tools, a window in memory, a model that recalls."""

import re
import threading

from callers import DIALECTS
from server import Answer, Call

import ctxwin

LIMIT = 400
TOOL = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}
TOOLS = {
    "chat": [{"type": "function", "function": {"name": "now", "description": "Tells the time.", "parameters": TOOL}}],
    "responses": [{"type": "function", "name": "now", "description": "Tells the time.", "parameters": TOOL}],
    "messages": [{"name": "now", "description": "Tells the time.", "input_schema": TOOL}],
}


class Words:
    """A tokenizer that counts words, and remembers how many texts it counted and in which threads."""

    name, exact, error = "words", True, 0.0

    def __init__(self):
        self.texts, self.threads = 0, set()

    def count(self, text):
        return self.count_many([text])[0]

    def count_many(self, texts):
        self.texts += len(texts)
        self.threads.add(threading.get_ident())
        return [len(text.split()) for text in texts]

    def truncate(self, text, tokens):
        return " ".join(text.split()[:tokens])


def talk(turns=121):
    """A conversation of some 15 tokens a turn that asks, at its end, for what was said at its start."""
    said = [f"Note {n}: locker {n} opens with {n * 7919 % 9000 + 1000}." for n in range(turns - 1)]
    roles = ("user", "assistant")
    return [
        *({"role": roles[n % 2], "content": text} for n, text in enumerate(said)),
        {"role": "user", "content": "What opens locker 17?"},
    ]


class Kept(ctxwin.Window):
    """A window in memory that says what tests ask of it, and sends its messages without marks for a cache."""

    def __init__(self, api, recall=False):
        super().__init__(budget=LIMIT, dialect=DIALECTS[api], embedder="none", recall=recall, cache=None)
        self.threads, self.usages = set(), []

    @property
    def messages(self):
        return [turn.message for turn in self.turns]

    def sync(self, request):
        self.threads.add(threading.get_ident())
        return super().sync(request)

    def record(self, reply, call=None):
        self.threads.add(threading.get_ident())
        super().record(reply, call)
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
