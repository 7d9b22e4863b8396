"""Law 9: every string of a request is counted, or refused by name, under whatever key it stands."""

import copy
import random

import pytest
from strategies.samples import BODIES, encoded

from ctxwin import MessageError, count_tokens, get_tokenizer
from ctxwin.messages import read, write
from ctxwin.messages.pieces import SEALED

DIALECTS = sorted(BODIES)
HELD = {
    "openai": ("messages", "tools"),
    "responses": ("input", "instructions", "tools"),
    "anthropic": ("messages", "system", "tools"),
}
TOKENIZER = get_tokenizer("o200k_base")
WORDS = ["harbour", "lantern", "ferry", "tide", "seventeen", "olive", "rudder", "beacon", "gravel"]
LONG = " ".join(random.Random(7).choices(WORDS, k=400))
COST = TOKENIZER.count_many([LONG])[0]


def places(value, path=()):
    """Yield the path of every object and of every field, at any depth."""
    if isinstance(value, dict):
        yield (*path, "unheard_of")
        for key, inner in value.items():
            yield (*path, key)
            yield from places(inner, (*path, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield (*path, position)
            yield from places(inner, (*path, position))


def with_value(body, path, value):
    body = copy.deepcopy(body)
    holder = body
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return body


def test_the_samples_are_read_and_come_back():
    for dialect in DIALECTS:
        conversation = read(BODIES[dialect])
        assert conversation.dialect == dialect
        assert write(conversation) == BODIES[dialect]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "form", [str, encoded, lambda text: {"deep": [{"er": text}]}], ids=["words", "base64", "object"]
)
def test_a_string_costs_what_it_costs_wherever_it_stands(dialect, form):
    """Twice the string costs its tokens more, or less only where it is base64 that nobody can read."""
    free = []
    for path in places({key: BODIES[dialect][key] for key in HELD[dialect]}):
        if len(path) == 1:
            continue
        try:
            once, twice = (counted(dialect, path, form(text)) for text in (LONG, f"{LONG} {LONG}"))
        except MessageError as error:
            assert LONG[:60] not in str(error)
            continue
        if twice.high - once.high < 0.9 * least(path, form):
            free.append((".".join(map(str, path)), once, twice))
    assert free == []


def counted(dialect, path, value):
    return count_tokens(with_value(BODIES[dialect], path, value), tokenizer=TOKENIZER)


def least(path, form):
    sealed = isinstance(form(""), str) and (path[-1] in SEALED or path[-1] == "data")
    return len(encoded(LONG)) * 3 // 8 if sealed and form is encoded else COST if not sealed else COST // 2
