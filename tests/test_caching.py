"""The cache-aware planner: its laws over growing logs, its arithmetic, its policies, its marks."""

import copy
import json
import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import LOGS, law

from ctxwin import BudgetError, Window, caching, check, get_model
from ctxwin.caching import (
    OLD_NAMES,
    RULES,
    Bill,
    CacheRules,
    Planner,
    Prices,
    Proposal,
    Sent,
    State,
    cache_rules,
    compaction_point,
    get_policy,
    mark,
)
from ctxwin.caching.folded_turns import FoldedTurns
from ctxwin.caching.need import need
from ctxwin.errors import InputError
from ctxwin.evaluate.cache_policies import CACHE_POLICIES, repack
from ctxwin.evaluate.provider import Provider
from ctxwin.items import Item
from ctxwin.messages import read
from ctxwin.models import Model
from ctxwin.packing import Talk, pack
from ctxwin.renditions import Folded, unfold
from ctxwin.retrieve import Index, Query
from ctxwin.tokens import REPLY_PRIMING, count_items, get_rules, get_tokenizer

TOKENIZER = get_tokenizer("o200k_base")
POLICIES = {"auto": "auto", **CACHE_POLICIES}
POLICY = st.sampled_from(list(POLICIES.values()))
PLAIN = {"embedder": "none", "tokenizer": "o200k_base"}
law = settings(law, max_examples=40)


def model(read=0.1, write=1.25, provider="anthropic", name="claude-sonnet-5"):
    return Model(name=name, provider=provider, input_price=1.0, output_price=1.0, cache_read=read, cache_write=write)


def small(provider, minimum=16):
    """A planner whose provider keeps prefixes as short as test conversations have them."""
    planner = Planner(model=model(provider=provider, name="claude-sonnet-5" if provider == "anthropic" else "gpt-4.1"))
    rules = planner.rules
    planner.rules = CacheRules(
        provider=provider, minimum=minimum, step=1, marks=rules.marks, lookback=rules.lookback, ttl=rules.ttl
    )
    return planner


def grown(log, most=8):
    """Yield a talk that grows to the whole log in steps, and the log up to there; the talk is always the same one."""
    body = isinstance(log, dict)
    key = next((key for key in ("messages", "input") if body and key in log), None)
    messages = log[key] if body else log
    if not isinstance(messages, list):
        return
    dialect = read(log).dialect if messages else None
    talk = Talk({**log, key: []} if body else None, dialect=dialect)
    sizes = sorted({*range(1, len(messages) + 1, max(1, len(messages) // most)), len(messages)})
    for before, size in zip([0, *sizes], sizes, strict=False):
        talk.extend(messages[before:size])
        yield talk, {**log, key: messages[:size]} if body else messages[:size]


def raws(packed, dialect):
    return [item.raw for item in read(packed.messages, dialect=dialect).items]


def planned(planner, log, budget, seconds=30.0):
    """Plan a growing log; yield the talk, the log so far, the request and the state after it."""
    state, now = None, 0.0
    for talk, prefix in grown(log):
        now += seconds
        try:
            packed, state = planner.plan(talk, state, budget=budget, now=now, **PLAIN)
        except BudgetError:
            continue
        yield talk, prefix, packed, state


# -- laws


@law
@given(LOGS, st.integers(60, 3000), POLICY)
def test_no_request_of_a_growing_talk_is_over_the_budget(log, budget, policy):
    for talk, _, packed, _ in planned(Planner(model=model(), policy=policy), log, budget):
        items = read(packed.messages, dialect=talk.dialect).items
        recounted = sum(count_items(items, TOKENIZER, get_rules(talk.dialect, model()))) + REPLY_PRIMING
        assert packed.tokens == recounted + packed.report.parts["tools"] <= budget


@law
@given(LOGS, st.integers(30, 600), POLICY)
def test_what_can_be_packed_can_be_planned(log, budget, policy):
    planner, state = Planner(model=model(), policy=policy), None
    for talk, _ in grown(log):
        try:
            pack(talk, budget=budget, model=model(), **PLAIN)
        except BudgetError:
            continue
        _, state = planner.plan(talk, state, budget=budget, now=0.0, **PLAIN)


@law
@given(LOGS, st.integers(60, 3000), POLICY)
def test_each_request_is_valid_for_its_provider_where_the_log_was(log, budget, policy):
    for talk, prefix, packed, _ in planned(Planner(model=model(), policy=policy), log, budget):
        if not check(prefix, dialect=talk.dialect):
            assert check(packed.messages, dialect=talk.dialect) == []


@law
@given(LOGS, st.integers(200, 3000), POLICY, st.sampled_from(["openai", "anthropic"]))
def test_what_is_said_to_be_cached_was_sent_before_byte_for_byte(log, budget, policy, provider):
    planner = small(provider)
    planner.policy = get_policy(policy)
    seen = Provider(planner.rules)
    earlier = []
    for talk, _, packed, state in planned(planner, log, budget):
        sent = [{"tools": []}, *raws(packed, talk.dialect)]
        bill = seen.send(sent, state.sent[0].tokens, state.sent[0].ends, state.sent[0].time)
        assert state.bill.read <= bill.read
        assert state.bill.tokens == packed.tokens
        texts = [json.dumps(one, sort_keys=True, default=str) for one in sent]
        tokens = np.cumsum(state.sent[0].tokens)
        if state.bill.read:
            held = int(np.searchsorted(tokens, state.bill.read)) + 1
            assert any(one[:held] == texts[:held] for one in earlier)
        earlier.append(texts)


@law
@given(LOGS, st.integers(200, 3000), POLICY)
def test_what_is_carried_on_stands_whole_and_in_order(log, budget, policy):
    for talk, _, packed, state in planned(Planner(model=model(), policy=policy), log, budget):
        now = talk.snapshot()
        folded = FoldedTurns().of(now, TOKENIZER, get_rules(talk.dialect, model()))
        whole = {item.id: [item.raw] for item in now.conversation.items}
        for row, turn in folded.items():
            whole[now.conversation.items[row].id].append(turn.item.raw)
        sent = raws(packed, talk.dialect)
        place = 0
        for turn in state.aside or state.turns:
            place = next(at for at in range(place, len(sent)) if sent[at] in whole[turn]) + 1


@law
@given(LOGS, st.integers(200, 3000), POLICY)
def test_a_state_survives_json_and_plans_the_same(log, budget, policy):
    planner, state, again, now = Planner(model=model(), policy=policy), None, None, 0.0
    for talk, _ in grown(log, most=4):
        now += 30
        try:
            packed, state = planner.plan(talk, state, budget=budget, now=now, **PLAIN)
        except BudgetError:
            return
        other, again = planner.plan(talk, again, budget=budget, now=now, **PLAIN)
        again = State.from_dict(json.loads(json.dumps(again.to_dict())))
        assert (other.messages, again) == (packed.messages, state)


@law
@given(LOGS, st.integers(200, 3000), POLICY)
def test_the_account_names_every_message_once(log, budget, policy):
    for talk, _, packed, _ in planned(Planner(model=model(), policy=policy), log, budget):
        ids = [item.id for item in talk.snapshot().conversation.items]
        assert [one.id for one in packed.report.decisions] == ids
        assert packed.report.limit == budget


# -- arithmetic


def test_a_prefix_is_read_from_the_minimum_on_in_whole_steps():
    rules = cache_rules(get_model("gpt-4o"))
    assert [rules.readable(tokens) for tokens in (0, 1023, 1024, 1151, 1152, 5000)] == [0, 0, 1024, 1024, 1152, 4992]
    assert cache_rules(get_model("claude-opus-5")).readable(600) == 600
    assert cache_rules(get_model("claude-haiku-4-5")).readable(4000) == 0


def test_every_model_has_rules_with_a_source():
    assert all(row.source for row in RULES)
    assert cache_rules(None) == RULES[-1]
    for name, minimum, marks in [("gpt-5.6-sol", 1024, 4), ("gpt-5.5", 1024, 0), ("claude-fable-5-1", 512, 4)]:
        assert (cache_rules(get_model(name)).minimum, cache_rules(get_model(name)).marks) == (minimum, marks)


@given(st.floats(0.02, 1.0), st.sampled_from([1.0, 1.25, 2.0]), st.floats(100, 20_000), st.floats(50, 5_000))
def test_the_compaction_point_is_the_cheapest(read, write, keep, growth):
    prices = Prices(read=read, write=write)
    best = compaction_point(prices, keep=keep, growth=growth)

    def price(grown):
        return read * grown / 2 + write * keep * growth / grown

    assert price(best) <= min(price(best * share) for share in (0.5, 0.9, 0.99, 1.01, 1.1, 2.0)) + 1e-6


def test_without_a_cheaper_read_a_bill_is_its_tokens():
    assert Prices.of_model(get_model("gpt-4")).of(Bill(read=5, written=6, fresh=7)) == 18
    assert Prices.of_model(None) == Prices()
    assert Prices.of_model(get_model("claude-haiku-4-5")) == Prices(read=0.1, write=1.25)


# -- a chat


PARTS = ("lan", "mer", "vio", "cop", "sel", "dra", "nim", "por", "tas", "quil", "bex", "fol", "gri", "hul", "jet")


def chat(turns, seed=0, length=40):
    """A chat in which each turn tells something new, with a number that only it has."""
    draw = random.Random(seed)
    for n in range(turns):
        things = " ".join("".join(draw.choices(PARTS, k=3)) for _ in range(5))
        yield {"role": "user", "content": f"I have put the {things} into box {1000 + 7 * n}, and I go on."}
        yield {"role": "assistant", "content": f"Noted, {things}. " + "That is fine. " * length}


def thing(n):
    """The first thing that turn n of the chat names."""
    return list(chat(n + 1))[2 * n]["content"].split()[4]


def talked(planner, turns, budget, *, gap=60.0, length=40, **options):
    """Hold a chat; return the talk, the states and the requests."""
    talk, state, states, requests = Talk(), None, [], []
    for n, (asked, said) in enumerate(zip(*[chat(turns, length=length)] * 2, strict=True)):
        talk.extend([asked])
        packed, state = planner.plan(talk, state, budget=budget, now=gap * n, **PLAIN, **options)
        states.append(state)
        requests.append(packed)
        talk.extend([said])
    return talk, states, requests


def spent(planner, states):
    return sum(planner.prices.of(state.bill) for state in states)


def test_everything_is_sent_while_it_fits():
    talk, states, requests = talked(Planner(model=model()), 5, 4000)
    assert len(requests[-1].messages) == 9
    assert states[-1].turns == tuple(item.id for item in talk.items[:9])


def test_a_long_chat_is_mostly_read_from_the_cache_and_cheaper_than_any_plain_policy():
    prices = {}
    for name, policy in POLICIES.items():
        planner = Planner(model=model(provider="openai", name="gpt-4.1", write=1.0), policy=policy)
        _, states, requests = talked(planner, 60, 3000)
        prices[name] = spent(planner, states)
        assert all(packed.tokens <= 3000 for packed in requests)
    assert prices["auto"] <= min(prices.values())
    assert prices["auto"] < 0.5 * prices["ref:repack"]


def test_the_history_grows_in_place_and_is_cut_down_now_and_then():
    _, states, _ = talked(Planner(model=model()), 60, 3000)
    starts = [state.turns[0] for state in states[20:]]
    changes = sum(one != two for one, two in pairwise(starts))
    assert 3 <= changes <= 20


def test_a_question_for_what_was_said_long_ago_is_answered_and_the_history_is_found_again():
    planner = Planner(model=model())
    talk, states, _ = talked(planner, 60, 3000)
    asked = f"What was the number of the box with the {thing(7)}?"
    talk.extend([{"role": "user", "content": asked}])
    packed, exception = planner.plan(talk, states[-1], budget=3000, now=60.0 * 60, **PLAIN)
    assert "into box 1049" in packed.text
    talk.extend([{"role": "assistant", "content": "1049."}, {"role": "user", "content": "Thanks, I go on now."}])
    _, after = planner.plan(talk, exception, budget=3000, now=60.0 * 61, **PLAIN)
    if exception.aside:
        assert after.bill.read > 0
    assert after.turns[0] == states[-1].turns[0] or after.bill.read == 0


def test_a_request_that_needs_much_of_the_past_holds_what_packing_anew_would_hold():
    planner = Planner(model=model())
    talk, states, _ = talked(planner, 60, 3000)
    talk.extend([{"role": "user", "content": f"What was the number of the box with the {thing(7)}?"}])
    packed, exception = planner.plan(talk, states[-1], budget=3000, now=60.0 * 60, **PLAIN)
    assert packed.plan.choices == pack(talk, budget=3000, model=model(), **PLAIN).plan.choices
    assert exception.turns == (*states[-1].turns, *(item.id for item in talk.items[-2:]))


@pytest.mark.parametrize("minimum", [16, 100_000])
def test_a_history_that_the_provider_did_not_keep_is_cut_down_after_an_exception(minimum):
    planner = small("openai", minimum)
    talk, states, _ = talked(planner, 57, 3000, length=8)
    talk.extend([{"role": "user", "content": f"What was the number of the box with the {thing(7)}?"}])
    _, exception = planner.plan(talk, states[-1], budget=3000, now=60.0 * 60, **PLAIN)
    assert exception.aside and exception.aside != exception.turns
    talk.extend([{"role": "assistant", "content": "1049."}, {"role": "user", "content": "Thanks, I go on now."}])
    _, after = planner.plan(talk, exception, budget=3000, now=60.0 * 61, **PLAIN)
    assert (after.turns[0] == exception.turns[0]) == (minimum == 16)


def test_a_question_beside_the_talk_ends_the_request_and_leaves_the_history_alone():
    planner = Planner(model=model())
    talk, states, _ = talked(planner, 60, 3000)
    packed, state = planner.plan(talk, states[-1], query="Which box was it?", budget=3000, now=3600.0, **PLAIN)
    assert packed.messages[-1] == {"role": "user", "content": "Which box was it?"}
    assert set(states[-1].turns) <= set(state.turns)


def test_after_the_time_to_live_the_history_is_cut_down_since_that_is_free():
    warm, cold = Planner(model=model(), ttl=1e9), Planner(model=model(), ttl=5.0)
    _, kept, _ = talked(warm, 60, 6000)
    _, cut, _ = talked(cold, 60, 6000)
    assert max(len(state.turns) for state in cut[40:]) < max(len(state.turns) for state in kept[40:])
    assert all(state.bill.read == 0 for state in cut)


def test_pins_stay_whole_in_every_request():
    _, _, requests = talked(Planner(model=model()), 60, 3000, pins=[0])
    first = next(chat(1))
    assert all(first in packed.messages for packed in requests)


def test_a_chain_of_calls_goes_on_from_the_whole_request():
    planner = small("openai")
    tools = [{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}]
    talk, states, _ = talked(planner, 40, 2000, tools=tools)
    state = states[-1]
    call = {"type": "function", "function": {"name": "look", "arguments": "{}"}}
    talk.extend([{"role": "user", "content": f"What was in the box with the {thing(9)}? Look it up."}])
    before = None
    for n in range(4):
        packed, state = planner.plan(talk, state, budget=2000, now=2400.0 + n, tools=tools, **PLAIN)
        if before is not None:
            assert packed.messages[: len(before)] == before
        before = packed.messages
        talk.extend(
            [
                {"role": "assistant", "content": None, "tool_calls": [{"id": f"c{n}", **call}]},
                {"role": "tool", "tool_call_id": f"c{n}", "content": f"Shelf {n}."},
            ]
        )


def looked_up(n):
    """A call, and its result: rows of JSON that repeat their keys."""
    call = {"id": f"c{n}", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    rows = [{"seat": f"{n}{letter}", "free": letter != "C", "price": 10 * n + at} for at, letter in enumerate("ABCDEF")]
    result = {"role": "tool", "tool_call_id": f"c{n}", "content": json.dumps(rows)}
    return [{"role": "assistant", "content": None, "tool_calls": [call]}, result]


@pytest.mark.parametrize("budget", [1_000, 3_000])
def test_what_tools_returned_is_written_shorter_once_not_everything_fits_and_stays_so(budget):
    planner, talk, state, before = small("openai"), Talk(), None, None
    talk.extend([{"role": "user", "content": "Which seats are free?"}, *looked_up(0)])
    shown = []
    for n in range(1, 30):
        talk.extend(looked_up(n))
        packed, state = planner.plan(talk, state, budget=budget, now=10.0 * n, pins=[2], **PLAIN)
        assert packed.tokens <= budget
        rules = get_rules("openai", planner.model)
        counted = sum(count_items(read(packed.messages, dialect="openai").items, TOKENIZER, rules))
        assert counted + REPLY_PRIMING == packed.tokens
        results = {one["tool_call_id"]: one["content"] for one in packed.messages if one["role"] == "tool"}
        assert results["c0"] == looked_up(0)[1]["content"]  # a pin stays as it is
        folded = [one for one in packed.report.decisions if one.form == "folded"]
        for one in folded:
            whole = talk.items[one.position].raw
            back = unfold(Folded(results[whole["tool_call_id"]], one.folded, 0))
            assert json.loads(back) == json.loads(whole["content"])
            assert one.tokens < one.full_tokens
        given = sum(talk.counts(TOKENIZER, model=planner.model)) + REPLY_PRIMING
        assert bool(folded) == (given > budget)
        if before is not None and shown and folded and state.turns[: len(shown)] == tuple(shown):
            assert packed.messages[: len(before)] == before
        before, shown = (packed.messages, list(state.turns)) if folded else (None, [])
    assert len(folded) > 3


def test_what_is_forgotten_leaves_the_history():
    planner = Planner(model=model())
    talk, states, _ = talked(planner, 20, 3000)
    talk.forget(len(talk) - 2, len(talk) - 1)
    talk.extend([{"role": "user", "content": "And now?"}])
    packed, state = planner.plan(talk, states[-1], budget=3000, now=1200.0, **PLAIN)
    assert thing(19) not in packed.text
    assert f"m{len(talk) - 3}" not in state.turns


def test_an_unknown_policy_is_named():
    with pytest.raises(InputError, match="unknown cache policy 'apend'; use 'auto'"):
        Planner(policy="apend")
    with pytest.raises(InputError, match="unknown cache policy 'apend'; use 'auto'"):
        Window(budget=200, cache="apend")


def test_a_policy_of_ones_own_is_asked_once_not_everything_fits():
    def last_two(scene, state, costs):
        rows = scene.arrange(range(len(scene.items) - 2, len(scene.items)))
        return Proposal(request=rows, carry=rows)

    _, _, requests = talked(Planner(model=model(), policy=last_two), 20, 1500)
    assert [packed.tokens <= 1500 for packed in requests] == [True] * 20
    assert len(requests[4].messages) == 9
    assert requests[-1].messages == list(chat(20))[-3:-1]


@pytest.mark.parametrize("name", OLD_NAMES)
def test_an_old_name_gives_the_reference_and_says_where_it_is(name):
    with pytest.warns(DeprecationWarning, match=rf"'{name}' is a reference .* ctxwin\.evaluate.*\.{name}$") as told:
        old = Planner(policy=name)
        Window(budget=200, cache=name)
    assert old.policy is CACHE_POLICIES[f"ref:{name}"]
    assert [one.filename for one in told] == [__file__] * 2
    with pytest.warns(DeprecationWarning, match=r"CACHE_POLICIES"):
        assert caching.POLICIES[name] is old.policy


def test_a_name_that_never_was_is_no_part_of_the_room():
    with pytest.raises(AttributeError, match="no attribute 'POLICY'"):
        _ = caching.POLICY


def test_repack_is_a_plain_packing():
    planner = Planner(policy=repack)
    _, _, requests = talked(planner, 30, 1500)
    plain = pack(list(chat(30))[:59], budget=1500, **PLAIN)
    assert requests[-1].messages == plain.messages


def test_the_need_is_high_for_what_is_left_out_and_low_for_what_is_kept():
    turns = [Item(text=message["content"], role=message["role"]) for message in chat(30)]
    index = Index(turns)
    query = Query(text=f"What was the number of the box with the {thing(4)}?")
    recent, all_but_recent = np.arange(60) >= 50, np.arange(60) < 50
    assert need(index, query, recent) > need(index, query, all_but_recent)
    assert need(index, query, np.ones(60, bool)) == 0.0
    assert need(index, Query(text="Write a function that sorts boxes."), recent) >= 0.5


# -- marks


def test_claude_is_marked_where_the_stable_prefixes_end():
    planner = Planner(model="claude-sonnet-5")
    body = {"model": "claude-sonnet-5", "max_tokens": 9, "system": "Be kind. " * 300, "messages": []}
    talk, state, seen = Talk(body, dialect="anthropic"), None, []
    for n, (asked, said) in enumerate(zip(*[chat(60)] * 2, strict=True)):
        talk.extend([asked])
        packed, state = planner.plan(talk, state, budget=4000, now=60.0 * n, **PLAIN)
        talk.extend([said])
        before = copy.deepcopy(packed.messages)
        marked = mark(packed.messages, state, planner.rules, dialect="anthropic")
        assert packed.messages == before
        assert check(marked) == []
        seen.append(json.dumps(marked).count("cache_control"))
        assert "cache_control" in json.dumps(marked["system"])
    assert min(seen) >= 1 and max(seen) <= 4


def test_openai_gets_a_key_and_from_5_6_on_breakpoints():
    old, new = Planner(model="gpt-5.5"), Planner(model="gpt-5.6-sol")
    for planner, marks in ((old, 0), (new, 1)):
        _, states, requests = talked(planner, 60, 4000)
        body = {"model": "m", "messages": requests[-1].messages}
        marked = mark(body, states[-1], planner.rules, dialect="openai", key="chat-1")
        assert marked["prompt_cache_key"] == "chat-1"
        assert json.dumps(marked).count("prompt_cache_breakpoint") >= marks
        assert ("prompt_cache_breakpoint" in json.dumps(marked)) == bool(marks)
        assert check(marked) == []


def test_marks_of_another_request_are_refused():
    state = State(sent=(Sent(time=0.0, hashes=("t", "a"), tokens=(0, 5), ends=(2,)),))
    with pytest.raises(InputError, match="the plan is of 1 messages, the body has 2"):
        mark({"messages": [{}, {}]}, state, CacheRules(provider="", marks=4), dialect="anthropic")
