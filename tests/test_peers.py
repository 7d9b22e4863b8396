"""Other packages that pack: each, where it is installed, keeps to the budget and does what its docstring says."""

import asyncio
import importlib.util
import os
import re
import sys
from functools import partial

import pytest

from ctxwin.errors import BudgetError, MissingExtra
from ctxwin.evaluate import evaluate, load_sample, request_text, request_tokens
from ctxwin.evaluate.peers import PEERS
from ctxwin.evaluate.score import TOKENS_PER_MESSAGE, text_tokens
from ctxwin.items import Item

IMPORTED = {
    "langchain-core": "langchain_core",
    "haystack-ai": "haystack",
    "agent-framework-core": "agent_framework",
    "convopack": "convopack",
    "convopack-importance": "convopack",
    "astromesh-context": "astromesh_context",
    "contextcram": "contextcram",
    "retainkit": "retainkit",
}
BY_RECENCY = ("langchain-core", "haystack-ai", "agent-framework-core", "convopack")
BY_THE_QUESTION = tuple(name for name in PEERS if name not in BY_RECENCY)

COUNT = partial(text_tokens, encoding="o200k_base")
QUESTION = "Which colour has the kayak?"
TALK = [
    Item(id="0", role="user", text="The kayak that Priya bought has the colour turquoise."),
    *(Item(id=str(n), role="assistant" if n % 2 else "user", text=f"Day {n}: it rained {n} mm.") for n in range(1, 40)),
]
DEAREST = 60
"""Tokens enough for the question, and for the dearest turn beside it."""


def installed(name):
    return importlib.util.find_spec(IMPORTED[name]) is not None


def each(names):
    missing = pytest.mark.skipif
    return [pytest.param(name, marks=missing(not installed(name), reason=f"no {name}")) for name in names]


def pack(name, budget, question=QUESTION, items=TALK):
    return PEERS[name](items, question, budget, COUNT)


def kept(messages, items=TALK):
    """Return the positions of the items that stand whole in what was sent before the question, in that order."""
    text = request_text(messages[:-1])
    found = {position: text.find(item.text) for position, item in enumerate(items)}
    return sorted((position for position, at in found.items() if at >= 0), key=found.get)


def test_every_peer_is_tested():
    assert list(IMPORTED) == list(PEERS)
    assert len(set(IMPORTED.values())) >= 5


@pytest.mark.parametrize("name", each(PEERS))
@pytest.mark.parametrize("budget", [20, DEAREST, 133, 400])
def test_budget_order_and_question(name, budget):
    messages = pack(name, budget)
    assert request_tokens(messages) <= budget
    assert messages[-1] == {"role": "user", "content": QUESTION}
    assert kept(messages) == sorted(kept(messages))
    assert all(set(message) == {"role", "content"} for message in messages)


@pytest.mark.parametrize("name", each(PEERS))
def test_the_budget_is_used(name):
    spare = 400 - request_tokens(pack(name, 400))
    assert spare < max(COUNT(item.text) + 2 * TOKENS_PER_MESSAGE for item in TALK) * 2  # an exchange is two turns


@pytest.mark.parametrize("name", each(PEERS))
def test_all_is_kept_where_there_is_room(name):
    assert kept(pack(name, 5_000)) == list(range(len(TALK)))


@pytest.mark.parametrize("name", each(BY_RECENCY))
def test_recency_keeps_the_newest_whatever_is_asked(name):
    positions = kept(pack(name, 133))
    assert positions == list(range(len(TALK) - len(positions), len(TALK)))
    assert positions
    other = QUESTION.replace("kayak", "bicycle")
    assert COUNT(other) == COUNT(QUESTION)
    assert pack(name, 133, other)[:-1] == pack(name, 133)[:-1]


@pytest.mark.parametrize("name", each(BY_THE_QUESTION))
def test_the_question_leads_to_the_oldest_turn(name):
    assert kept(pack(name, DEAREST))[0] == 0
    assert 23 in kept(pack(name, DEAREST, "What happened on day 23?"))


@pytest.mark.parametrize("name", each([name for name in BY_THE_QUESTION if name != "retainkit"]))
def test_the_scores_know_chinese_speakers_and_titles(name):
    items = [
        Item(text="明天去图书馆还书。"),
        Item(text="We met at noon.", speaker="Bartholomew"),
        Item(text="It was founded in 1871.", title="Ashgrove brewery"),
        *TALK[1:],
    ]
    asked = {"什么时候去图书馆？": 0, "Where was Bartholomew?": 1, "How old is the brewery?": 2}
    for question, position in asked.items():
        assert position in kept(pack(name, DEAREST, question, items), items)


@pytest.mark.parametrize("name", each(PEERS))
def test_a_question_over_the_budget(name):
    with pytest.raises(BudgetError, match="query 10 = 10 tokens; limit 9"):
        pack(name, 9)
    assert pack(name, 10) == [{"role": "user", "content": QUESTION}]


@pytest.mark.parametrize("name", each(PEERS))
def test_blank_items_and_none(name):
    assert pack(name, 50, items=[]) == [{"role": "user", "content": QUESTION}]
    assert kept(pack(name, 200, items=[Item(text=" "), TALK[0], Item(text="")]), [TALK[0]]) == [0]


@pytest.mark.parametrize("name", each(BY_RECENCY))
def test_roles(name):
    items = [Item(role="system", text="Be brief."), *TALK, Item(role="tool", text="rain: 7 mm")]
    roles = [message["role"] for message in pack(name, 133, items=items)]
    assert roles[0] == "system"
    assert roles[-3:] == ["assistant", "user", "user"]


@pytest.mark.parametrize("name", each(["langchain-core"]))
def test_langchain_cuts_the_oldest_between_sentences(name):
    first = "One is here. Two is here. Three is here. Four is here."
    messages = pack(name, 36, items=[Item(text=first), TALK[-1]])
    assert [message["content"] for message in messages[1:]] == [TALK[-1].text, QUESTION]
    part = messages[0]["content"]
    assert first.endswith(part)
    assert re.fullmatch(r"( ?\w+ is here\.){1,3}", part)


@pytest.mark.parametrize("name", each(["haystack-ai"]))
def test_haystack_keeps_whole_exchanges_and_reports_to_nobody(name):
    for budget in range(60, 160, 9):
        assert pack(name, budget)[0]["role"] == "user"
    assert os.environ["HAYSTACK_TELEMETRY_ENABLED"] == "False"


@pytest.mark.parametrize("name", each(PEERS))
def test_it_runs_where_a_loop_runs_already(name):
    async def inside():
        return pack(name, 133)

    assert asyncio.run(inside()) == pack(name, 133)


@pytest.mark.parametrize("name", PEERS)
def test_a_missing_package_names_the_command(name, monkeypatch):
    for module in [one for one in sys.modules if one.split(".")[0] == IMPORTED[name]]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, IMPORTED[name], None)
    with pytest.raises(MissingExtra, match=re.escape('pip install "ctxwin[peers]"')) as caught:
        pack(name, 133)
    assert caught.value.package.split(".")[0] == IMPORTED[name]


def test_they_can_be_evaluated():
    names = [f"peer:{name}" for name in PEERS if installed(name)]
    result = evaluate([load_sample()], variants=["ref:bm25", *names], budgets=[750], processes=1)
    assert not result.overruns
    assert not result.failures
    recalls = {row.variant: row.recall for row in result.rows if row.category is None}
    for name in names:
        blind = name.removeprefix("peer:") in BY_RECENCY
        assert (recalls[name] < 30) if blind else (recalls[name] > 50), recalls
