"""The laws of the design, over random logs in every dialect."""

import copy
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import BUDGETS, EMBEDDERS, LOGS, attempt, law, texts, trigrams

from ctxwin import Budget, Item, check, pack
from ctxwin.evaluate.baselines import BASELINES, coverage, greedy
from ctxwin.evaluate.score import TOKENS_PER_MESSAGE, request_tokens, text_tokens
from ctxwin.messages import last_user, read
from ctxwin.renditions import fold, unfold
from ctxwin.tokens import REPLY_PRIMING, count_items, count_tokens, get_tokenizer

STRATEGIES = st.sampled_from(["auto", "relevance", "recency", *BASELINES.values()])
TOKENIZER = get_tokenizer("o200k_base")


def key(item):
    return json.dumps(item.raw, sort_keys=True, default=str)


def words_alone(items):
    """Count plain texts and four tokens a message with a counter that `ctxwin.tokens` has no part in."""
    contents = [item.raw.get("content") for item in items]
    texts = [content for content in contents if isinstance(content, str)]
    return text_tokens(*texts) + TOKENS_PER_MESSAGE * len(contents)


@law
@given(LOGS, BUDGETS, STRATEGIES, EMBEDDERS)
def test_the_recounted_request_is_within_the_budget(log, budget, strategy, embedder):
    packed = attempt(log, budget=budget, strategy=strategy, embedder=embedder)
    if packed is None:
        return
    conversation = read(packed.messages)
    tools = packed.report.parts["tools"]
    recounted = sum(count_items(conversation.items, TOKENIZER, conversation.dialect)) + tools + REPLY_PRIMING
    assert words_alone(conversation.items) <= packed.tokens
    assert packed.tokens == recounted == sum(packed.report.parts.values())
    assert packed.tokens <= budget


@law
@given(st.lists(texts(), min_size=1, max_size=12), BUDGETS, STRATEGIES, EMBEDDERS)
def test_a_request_of_plain_messages_has_the_tokens_that_another_counter_finds(said, budget, strategy, embedder):
    log = [{"role": ("user", "assistant")[number % 2], "content": text} for number, text in enumerate(said)]
    packed = attempt(log, budget=budget, strategy=strategy, embedder=embedder)
    if packed is not None:
        assert packed.tokens == request_tokens(packed.messages) + REPLY_PRIMING <= budget


@law
@given(LOGS, st.integers(200, 2000), st.integers(0, 100), st.integers(0, 50), EMBEDDERS)
def test_reserve_and_margin_are_kept_free(log, total, reserve, margin, embedder):
    packed = attempt(log, budget=Budget(total=total, reserve=reserve, margin=margin), embedder=embedder)
    if packed is not None:
        assert packed.tokens <= total - reserve - margin


@law
@given(LOGS, BUDGETS, STRATEGIES, EMBEDDERS)
def test_the_request_is_valid_for_its_provider_when_the_log_was(log, budget, strategy, embedder):
    if check(log):
        return
    packed = attempt(log, budget=budget, strategy=strategy, embedder=embedder)
    if packed is not None:
        assert check(packed.messages) == []


@law
@given(LOGS, st.integers(100, 2000), EMBEDDERS)
def test_so_is_one_with_a_retrieved_block(log, budget, embedder):
    if check(log):
        return
    packed = attempt(
        log, items=["The cat is called Miso.", "It rains in Bergen. " * 40], budget=budget, embedder=embedder
    )
    if packed is not None:
        assert check(packed.messages) == []


def test_a_retrieved_block_stands_before_a_call_that_waits_for_its_result():
    call = {"id": "call_a", "type": "custom", "custom": {"name": "sql", "input": ""}}
    log = [
        {"role": "assistant", "content": "Let me look. " * 50},
        {"role": "assistant", "content": None, "tool_calls": [call, {**call, "id": "call_b"}]},
        {"role": "tool", "tool_call_id": "call_b", "content": "3"},
    ]
    packed = attempt(log, items=["The cat is called Miso.", "It rains."], budget=120)
    assert [message["role"] for message in packed.messages] == ["assistant", "user", "assistant", "tool"]
    assert check(packed.messages) == []


@law
@given(LOGS, BUDGETS, STRATEGIES, EMBEDDERS)
def test_groups_are_whole_or_out(log, budget, strategy, embedder):
    packed = attempt(log, budget=budget, strategy=strategy, embedder=embedder)
    if packed is None:
        return
    taken = {decision.position for decision in packed.report.decisions if decision.form != "out"}
    conversation = read(log)
    for group in set(conversation.groups):
        members = {index for index, one in enumerate(conversation.groups) if one == group}
        assert members <= taken or not members & taken


@law
@given(LOGS, BUDGETS, EMBEDDERS, st.data())
def test_system_and_pins_stay_word_for_word_and_the_tail_stays(log, budget, embedder, data):
    conversation = read(log)
    pin = data.draw(st.integers(0, len(conversation.items) - 1)) if conversation.items else None
    packed = attempt(log, budget=budget, pins=[pin] if pin is not None else [], embedder=embedder)
    if packed is None:
        return
    decisions = packed.report.decisions
    for index, item in enumerate(conversation.items):
        if item.role in ("system", "developer") or index == pin:
            assert decisions[index].form == "full"
    if (asked := last_user(conversation)) is not None:
        assert decisions[asked].form != "out"


@law
@given(LOGS, BUDGETS, EMBEDDERS)
def test_kept_items_keep_their_order_and_whole_ones_their_form(log, budget, embedder):
    packed = attempt(log, budget=budget, embedder=embedder)
    if packed is None:
        return
    given_raws, sent = ([key(item) for item in read(messages).items] for messages in (log, packed.messages))
    place = 0
    for decision in packed.report.decisions:
        if decision.form == "full":
            place = sent.index(given_raws[decision.position], place) + 1


def plain(text):
    return json.dumps(json.loads(text), separators=(",", ":"), ensure_ascii=False)


@law
@given(LOGS, BUDGETS, EMBEDDERS)
def test_what_is_folded_reads_back(log, budget, embedder):
    packed = attempt(log, budget=budget, embedder=embedder)
    if packed is None:
        return

    def written(text):
        return [new.text for new in fold([text], get_tokenizer()) if new and unfold(new) in (text, plain(text))]

    given_items, sent = read(log).items, read(packed.messages).items
    folded = [one for one in packed.report.decisions if one.form == "folded"]
    for decision in folded:
        results = [part for part in given_items[decision.position].parts if part.kind == "result"]
        shown = [part for item in sent for part in item.parts if part.kind == "result"]
        for part in results:
            texts = {one.text for one in shown if one.call_id == part.call_id}
            assert any(text == part.text or text in written(part.text) for text in texts)
        assert decision.folded and decision.tokens <= decision.full_tokens


@law
@given(LOGS, BUDGETS, EMBEDDERS)
def test_notes_stand_for_all_that_is_omitted_before_the_last_message(log, budget, embedder):
    packed = attempt(log, budget=budget, embedder=embedder)
    if packed is None:
        return
    own = {key(item) for item in read(log).items}  # a log may hold such a note itself
    added = [item.text for item in read(packed.messages).items if key(item) not in own]
    notes = [int(found[1]) for text in added if (found := re.fullmatch(r"\[(\d+) turns? omitted\]", text))]
    last_in = max(decision.position for decision in packed.report.decisions if decision.form != "out")
    assert sum(notes) == sum(decision.position < last_in for decision in packed.report.dropped)


def test_a_note_of_the_log_stands_for_nothing():
    log = [{"role": "user", "content": text} for text in ("[37 turns omitted]", *["Rain. " * 90] * 3, "And now?")]
    packed = attempt(log, budget=32)
    assert [message["content"] for message in packed.messages] == [
        "[37 turns omitted]",
        "[3 turns omitted]",
        "And now?",
    ]


@law
@given(LOGS, BUDGETS, STRATEGIES, EMBEDDERS)
def test_nothing_given_is_changed(log, budget, strategy, embedder):
    before = copy.deepcopy(log)
    attempt(log, budget=budget, strategy=strategy, embedder=embedder)
    assert log == before


@law
@given(LOGS, BUDGETS, STRATEGIES, EMBEDDERS)
def test_equal_input_gives_an_equal_plan(log, budget, strategy, embedder):
    one = attempt(copy.deepcopy(log), budget=budget, strategy=strategy, embedder=embedder)
    two = attempt(log, budget=budget, strategy=strategy, embedder=embedder)
    if one is not None and two is not None:
        assert one.plan.to_json() == two.plan.to_json()
        assert one.messages == two.messages


@law
@given(LOGS, BUDGETS, EMBEDDERS)
def test_the_plan_is_worth_at_least_plain_greedy_and_the_bound_holds(log, budget, embedder):
    best, plain = (attempt(log, budget=budget, strategy=name, embedder=embedder) for name in ("auto", greedy))
    if best is None or plain is None:
        return
    assert best.report.value >= plain.report.value - 1e-9
    assert best.report.value <= best.report.bound + 1e-6
    assert 0.0 <= best.report.gap <= 1.0


@law
@given(LOGS, BUDGETS, STRATEGIES, EMBEDDERS)
def test_packing_a_packed_request_changes_nothing(log, budget, strategy, embedder):
    options = {"budget": budget, "strategy": strategy, "embedder": embedder}
    once = attempt(log, **options)
    if once is not None:
        assert attempt(once.messages, **options).messages == once.messages


ITEMS = st.lists(
    st.builds(
        Item,
        text=st.text(max_size=400),
        kind=st.sampled_from(["turn", "passage", "memory", "chunk", "document"]),
        speaker=st.sampled_from([None, "Ana", "Bo Li", "Bo Xu"]),
        session=st.sampled_from([None, "1", "2"]),
        time=st.sampled_from([None, "2024-05-03", "some day"]),
    ),
    max_size=30,
)


@law
@given(ITEMS, st.text(min_size=1, max_size=80).filter(str.strip), st.integers(24, 600), STRATEGIES, EMBEDDERS)
def test_a_block_of_items_is_within_the_budget_and_ends_with_the_question(items, query, budget, strategy, embedder):
    packed = attempt(None, items=items, query=query, budget=budget, strategy=strategy, embedder=embedder)
    if packed is not None:
        assert packed.tokens == request_tokens(packed.messages) + REPLY_PRIMING <= budget
        assert count_tokens(packed.messages).tokens <= budget
        assert packed.messages[-1] == {"role": "user", "content": query}


@pytest.mark.parametrize("strategy", ["auto", "recency", "relevance", coverage])
@pytest.mark.parametrize("budget", [60, 100, 1000])
@pytest.mark.parametrize("embedder", ["none", trigrams])
def test_one_oversize_item_is_shortened_not_dropped(strategy, budget, embedder):
    huge = "The harbour is closed. " * 400 + "The key lies under the third stone. " + "The harbour is closed. " * 400
    packed = pack(items=[huge], query="Where is the key?", budget=budget, strategy=strategy, embedder=embedder)
    assert packed.tokens <= budget
    assert len(packed.report.shortened) == 1
    assert "omitted" in packed.text or "…" in packed.text
