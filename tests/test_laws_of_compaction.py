"""The laws of a compaction without a question, over random logs in every dialect."""

import copy
import json

from hypothesis import given
from strategies import BUDGETS, LOGS, law, openai_logs

from ctxwin import BudgetError, check, compact
from ctxwin.messages import read

RULE = "Never call me before nine."


def attempt(log, budget):
    """Compact, or return None where what must stay does not fit."""
    try:
        return compact(log, budget, tokenizer="o200k_base")
    except BudgetError:
        return None


@law
@given(LOGS, BUDGETS)
def test_a_compaction_is_within_the_budget_and_valid_and_the_same_each_time(log, budget):
    packed = attempt(log, budget)
    if packed is None:
        return
    assert packed.tokens <= budget
    if not check(log):
        assert check(packed.messages) == []
    again = attempt(copy.deepcopy(log), budget)
    assert json.dumps(again.messages) == json.dumps(packed.messages)


@law
@given(LOGS, BUDGETS)
def test_compacting_a_compaction_under_the_same_budget_changes_nothing(log, budget):
    packed = attempt(log, budget)
    if packed is not None:
        assert attempt(packed.messages, budget).messages == packed.messages


@law
@given(LOGS, BUDGETS)
def test_no_sentence_is_printed_with_more_authority_than_its_voice(log, budget):
    packed = attempt(log, budget)
    if packed is None:
        return
    given_texts = {item.text for item in read(log).items}
    made = [item for item in read(packed.messages).items if item.text not in given_texts]
    for one in packed.report.standing:
        if (
            one.shown
            and one.voice in ("assistant", "tool")
            and not any(
                other.text == one.text and other.voice in ("user", "system") for other in packed.report.standing
            )
        ):
            assert not any(one.text in item.text.split("\n") for item in made if item.role in ("system", "user"))


@law
@given(openai_logs())
def test_what_stood_is_still_there_after_more_turns_and_another_compaction(log):
    talk = [{"role": "user", "content": f"Day {n}. " + "Calm sea. " * 400} for n in range(9)]
    once = attempt([{"role": "user", "content": RULE}, *talk], 3_000)
    turns = [item.raw for item in read(log).items]
    twice = attempt([*once.messages, *turns, *talk], 20_000)
    if twice is not None:
        assert RULE in once.text and RULE in twice.text
