import pytest

from ctxwin import Item, pack
from ctxwin.errors import BudgetError, InputError
from ctxwin.messages import read
from ctxwin.pool.units import conversation_units, item_units, require_room, resolve_pins


def call(*ids):
    calls = [{"id": i, "type": "function", "function": {"name": "look", "arguments": "{}"}} for i in ids]
    return {"role": "assistant", "content": None, "tool_calls": calls}


def result(i, text="found"):
    return {"role": "tool", "tool_call_id": i, "content": text}


def user(text):
    return {"role": "user", "content": text}


LOG = [
    {"role": "system", "content": "Be brief."},
    user("Look twice."),
    call("a", "b"),
    result("a"),
    result("b"),
    {"role": "assistant", "content": "Both found."},
    user("Once more."),
    call("c"),
]


def test_a_call_and_its_results_are_one_unit_and_the_open_chain_is_the_tail():
    units = conversation_units(read(LOG), frozenset({5}))
    assert list(units.members) == [(0,), (1,), (2, 3, 4), (5,), (6,), (7,)]
    assert list(units.reasons) == ["system", "", "", "pinned", "tail", "tail"]
    assert units.required.tolist() == [True, False, False, True, True, True]
    assert units.whole.tolist() == [True, False, False, True, False, False]


def test_the_last_question_stays_though_it_has_been_answered():
    log = [user("One?"), {"role": "assistant", "content": "1."}, user("Two?"), {"role": "assistant", "content": "2."}]
    units = conversation_units(read(log))
    assert list(units.reasons)[2] == "tail" and not units.required[:2].any()


def test_a_call_that_never_got_its_result_is_never_sent():
    log = [
        user("Look."),
        call("lost"),
        user("Never mind."),
        {"role": "assistant", "content": "Fine."},
        user("Thanks."),
    ]
    packed = pack(log, budget=500, embedder="none")
    assert [message["role"] for message in packed.messages if message.get("tool_calls")] == []
    reason = packed.report.decisions[1].reason
    assert "call without its result" in reason
    assert "[1 turn omitted]" in packed.text


def test_pinned_items_of_a_pool_stay():
    items = [Item(text=f"Fact {n} about the sea.", kind="memory", pinned=n == 7) for n in range(60)]
    assert item_units(items).required.tolist() == [n == 7 for n in range(60)]
    packed = pack(items=items, query="Fact 3?", budget=80, embedder="none")
    assert "Fact 7 about" in packed.text


def test_pins_are_found_by_index_and_id():
    items = [Item(text="a", id="first"), Item(text="b", id="second")]
    assert resolve_pins(items, [-1, "first"]) == {0, 1}
    with pytest.raises(InputError, match=r"pin 2 is outside the 2 items"):
        resolve_pins(items, [2])
    with pytest.raises(InputError, match=r"'secnd' names no item; did you mean 'second'"):
        resolve_pins(items, ["secnd"])


def test_what_does_not_fit_is_itemised_with_the_way_out():
    require_room({"system": 40, "query": 10}, 50)
    with pytest.raises(BudgetError) as caught:
        require_room({"system": 4000, "tools": 0, "query": 10}, 1000)
    assert caught.value.sums["system"] == 4000
    assert str(caught.value) == (
        "what must stay does not fit (system 4,000 + query 10 = 4,010 tokens; limit 1,000); "
        "raise the budget by at least 3,010 tokens or shorten the system message"
    )


def test_a_system_message_over_the_budget_is_an_error_not_an_overrun():
    log = [{"role": "system", "content": "rule " * 1000}, user("Hello?")]
    with pytest.raises(BudgetError, match="shorten the system message"):
        pack(log, budget=100, embedder="none")


def test_a_question_over_the_budget_is_shortened_with_a_mark():
    log = [user("noise " * 3000 + "Where is the key? " + "noise " * 3000)]
    packed = pack(log, budget=120, embedder="none")
    assert packed.tokens <= 120
    assert "omitted" in packed.messages[-1]["content"] or "…" in packed.messages[-1]["content"]
    assert packed.tokens > 60


@pytest.mark.parametrize("query", [None, "What opens locker 37?"])
def test_the_budget_that_an_error_asks_for_is_enough(query):
    log = [{"role": "system", "content": "Be terse."}]
    log += [user(f"Note {n}: locker {n} opens with {n * 7919 % 9000 + 1000}.") for n in range(100)]
    with pytest.raises(BudgetError) as caught:
        pack(log, query, 20, embedder="none")
    needed = sum(caught.value.sums.values())
    for budget in range(needed, needed + 30):
        assert pack(log, query, budget, embedder="none").tokens <= budget


def test_the_model_that_a_request_body_names_is_counted_for():
    body = {"model": "claude-opus-5", "system": "Be terse.", "messages": [user(f"Note {n}.") for n in range(200)]}
    packed = pack(body, budget=500, embedder="none")
    assert not packed.report.exact
    limit = packed.report.limit
    assert limit < 500
    assert packed.report.cost.model == "claude-opus-5"
    assert pack(body, budget=500, tokenizer="o200k_base", embedder="none").report.limit == 500
    assert pack({**body, "model": "nobody-knows"}, budget=500, embedder="none").report.limit == 500


def test_what_is_no_query_or_item_is_refused():
    with pytest.raises(InputError, match="query is a string, not int"):
        pack([user("Hello?")], 5)
    with pytest.raises(InputError, match="put the one str in a list"):
        pack(items="abc", query="a")
    assert pack([user("Hello?")], " ").messages == [user("Hello?")]
