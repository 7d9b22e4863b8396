"""The laws of the design, over random logs in every dialect."""

import copy
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import anthropic_logs, openai_logs, responses_logs

from ctxwin import Budget, BudgetError, Item, check, pack
from ctxwin.evaluate.baselines import BASELINES, coverage, greedy
from ctxwin.messages import last_user, read
from ctxwin.tokens import REPLY_PRIMING, count_items, count_tokens, get_tokenizer

LOGS = st.one_of(openai_logs(), anthropic_logs(), responses_logs())
BUDGETS = st.one_of(st.integers(16, 400), st.integers(400, 6000))
STRATEGIES = st.sampled_from(["auto", "relevance", "recency", *BASELINES.values()])
TOKENIZER = get_tokenizer("o200k_base")
law = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def attempt(log, **options):
    """Pack, or return None where what must stay does not fit and the error itemises it."""
    options.setdefault("embedder", "none")
    options.setdefault("tokenizer", "o200k_base")
    try:
        return pack(log, **options)
    except BudgetError as error:
        assert sum(error.sums.values()) > error.limit
        assert f"{error.limit:,}" in str(error)
        return None


def messages_of(request):
    return request["messages"] if isinstance(request, dict) and "messages" in request else request


@law
@given(LOGS, BUDGETS, STRATEGIES)
def test_the_recounted_request_is_within_the_budget(log, budget, strategy):
    packed = attempt(log, budget=budget, strategy=strategy)
    if packed is None:
        return
    conversation = read(packed.messages)
    tools = sum(packed.report.parts[name] for name in ("tools",))
    recounted = sum(count_items(conversation.items, TOKENIZER, conversation.dialect)) + tools + REPLY_PRIMING
    assert packed.tokens == recounted == sum(packed.report.parts.values())
    assert packed.tokens <= budget


@law
@given(LOGS, st.integers(200, 2000), st.integers(0, 100), st.integers(0, 50))
def test_reserve_and_margin_are_kept_free(log, total, reserve, margin):
    packed = attempt(log, budget=Budget(total=total, reserve=reserve, margin=margin))
    if packed is not None:
        assert packed.tokens <= total - reserve - margin


@law
@given(LOGS, BUDGETS, STRATEGIES)
def test_the_request_is_valid_for_its_provider_when_the_log_was(log, budget, strategy):
    if check(log):
        return
    packed = attempt(log, budget=budget, strategy=strategy)
    if packed is not None:
        assert check(packed.messages) == []


@law
@given(LOGS, st.integers(100, 2000))
def test_so_is_one_with_a_retrieved_block(log, budget):
    if check(log):
        return
    packed = attempt(log, items=["The cat is called Miso.", "It rains in Bergen. " * 40], budget=budget)
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
@given(LOGS, BUDGETS, STRATEGIES)
def test_groups_are_whole_or_out(log, budget, strategy):
    packed = attempt(log, budget=budget, strategy=strategy)
    if packed is None:
        return
    taken = {decision.position for decision in packed.report.decisions if decision.form != "out"}
    conversation = read(log)
    for group in set(conversation.groups):
        members = {index for index, one in enumerate(conversation.groups) if one == group}
        assert members <= taken or not members & taken


@law
@given(LOGS, BUDGETS, st.data())
def test_system_and_pins_stay_word_for_word_and_the_tail_stays(log, budget, data):
    conversation = read(log)
    pin = data.draw(st.integers(0, len(conversation.items) - 1)) if conversation.items else None
    packed = attempt(log, budget=budget, pins=[pin] if pin is not None else [])
    if packed is None:
        return
    decisions = packed.report.decisions
    for index, item in enumerate(conversation.items):
        if item.role in ("system", "developer") or index == pin:
            assert decisions[index].form == "full"
    if (asked := last_user(conversation)) is not None:
        assert decisions[asked].form != "out"


@law
@given(LOGS, BUDGETS)
def test_kept_items_keep_their_order_and_whole_ones_their_form(log, budget):
    packed = attempt(log, budget=budget)
    if packed is None:
        return
    given_raws = [json.dumps(item.raw, sort_keys=True, default=str) for item in read(log).items]
    sent = [json.dumps(item.raw, sort_keys=True, default=str) for item in read(packed.messages).items]
    place = 0
    for decision in packed.report.decisions:
        if decision.form == "full":
            place = sent.index(given_raws[decision.position], place) + 1


@law
@given(LOGS, BUDGETS)
def test_an_omitted_run_leaves_a_note(log, budget):
    packed = attempt(log, budget=budget)
    if packed is None or not packed.report.dropped:
        return
    decisions = packed.report.decisions
    last_in = max(decision.position for decision in decisions if decision.form != "out")
    if any(decision.position < last_in for decision in packed.report.dropped):
        assert "omitted]" in packed.text


@law
@given(LOGS, BUDGETS, STRATEGIES)
def test_nothing_given_is_changed(log, budget, strategy):
    before = copy.deepcopy(log)
    attempt(log, budget=budget, strategy=strategy)
    assert log == before


@law
@given(LOGS, BUDGETS, STRATEGIES)
def test_equal_input_gives_an_equal_plan(log, budget, strategy):
    one = attempt(copy.deepcopy(log), budget=budget, strategy=strategy)
    two = attempt(log, budget=budget, strategy=strategy)
    if one is not None and two is not None:
        assert one.plan.to_json() == two.plan.to_json()
        assert one.messages == two.messages


@law
@given(LOGS, BUDGETS)
def test_the_plan_is_worth_at_least_plain_greedy_and_the_bound_holds(log, budget):
    best, plain = (attempt(log, budget=budget, strategy=name) for name in ("auto", greedy))
    if best is None or plain is None:
        return
    assert best.report.value >= plain.report.value - 1e-9
    assert best.report.value <= best.report.bound + 1e-6
    assert 0.0 <= best.report.gap <= 1.0


@law
@given(LOGS, BUDGETS, STRATEGIES)
def test_packing_a_packed_request_changes_nothing(log, budget, strategy):
    once = attempt(log, budget=budget, strategy=strategy)
    if once is not None:
        again = pack(once.messages, budget=budget, strategy=strategy, embedder="none", tokenizer="o200k_base")
        assert again.messages == once.messages


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
@given(ITEMS, st.text(min_size=1, max_size=80).filter(str.strip), st.integers(24, 600), STRATEGIES)
def test_a_block_of_items_is_within_the_budget_and_ends_with_the_question(items, query, budget, strategy):
    packed = attempt(None, items=items, query=query, budget=budget, strategy=strategy)
    if packed is not None:
        assert packed.tokens <= budget
        assert count_tokens(packed.messages).tokens <= budget
        assert packed.messages[-1] == {"role": "user", "content": query}


@pytest.mark.parametrize("strategy", ["auto", "recency", "relevance", coverage])
@pytest.mark.parametrize("budget", [60, 100, 1000])
def test_one_oversize_item_is_shortened_not_dropped(strategy, budget):
    huge = "The harbour is closed. " * 400 + "The key lies under the third stone. " + "The harbour is closed. " * 400
    packed = pack(items=[huge], query="Where is the key?", budget=budget, strategy=strategy, embedder="none")
    assert packed.tokens <= budget
    assert len(packed.report.shortened) == 1
    assert "omitted" in packed.text or "…" in packed.text
