"""The package's own conversation, files and questions."""

from __future__ import annotations

import base64
import json

import pytest

from ctxwin import sample
from ctxwin.items import parse_time
from ctxwin.messages import check, read


def said(message):
    content = message["content"] or ""
    return content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content)


def evidence(question):
    """Return what any choice of alternatives leaves in hand: the first of each group."""
    messages = sample.conversation()
    texts = [said(messages[group[0]]) for group in question.messages]
    for name, ranges in question.lines.items():
        lines = (sample.files() / name).read_text(encoding="utf-8").split("\n")
        texts += ["\n".join(lines[first - 1 : last]) for first, last in ranges]
    return "\n".join(texts)


@pytest.mark.parametrize("question", sample.questions(), ids=lambda question: question.id)
def test_the_gold_evidence_holds_the_facts_of_the_answer(question):
    assert question.facts
    assert [fact for fact in question.facts if fact not in evidence(question)] == []


@pytest.mark.parametrize("question", sample.questions(), ids=lambda question: question.id)
def test_gold_lines_lie_within_their_files(question):
    for name, ranges in question.lines.items():
        length = len((sample.files() / name).read_text(encoding="utf-8").split("\n"))
        assert all(1 <= first <= last <= length for first, last in ranges)


def test_the_conversation_is_valid_for_a_provider_and_ends_in_a_question():
    messages = sample.conversation()
    assert check(messages) == []
    assert 80 <= len(messages) <= 120
    assert messages[0]["role"] == "system"
    assert messages[-1]["role"] == "user" and said(messages[-1]).endswith("?")


def test_reading_it_keeps_every_message():
    messages = sample.conversation()
    assert [dict(item.raw) for item in read(messages).items] == messages


def test_it_has_the_things_that_a_packer_must_get_right():
    messages = sample.conversation()
    calls = [message["tool_calls"] for message in messages if message.get("tool_calls")]
    assert any(len(parallel) > 1 for parallel in calls)
    pictures = [part for message in messages if isinstance(message["content"], list) for part in message["content"]]
    data = next(part["image_url"]["url"] for part in pictures if part["type"] == "image_url")
    assert base64.b64decode(data.partition(",")[2]).startswith(b"\x89PNG")
    chinese = [message for message in messages if message.get("name") == "meiling"]
    assert len(chinese) >= 5 and all("。" in said(message) or "？" in said(message) for message in chinese)
    sittings = [parse_time(said(message)[5:]) for message in messages if said(message).startswith("[")]
    assert len(sittings) == 7 and sittings == sorted(sittings)


def test_a_caller_may_change_what_it_was_given():
    sample.conversation().clear()
    assert len(sample.conversation()) > 80


def test_questions_are_in_two_languages_and_of_several_kinds():
    questions = sample.questions()
    assert len(questions) >= 14
    assert {question.category for question in questions} == {
        "single", "multi", "superseded", "instruction", "tool", "file",
    }  # fmt: skip
    assert sum("？" in question.text for question in questions) >= 4
    assert any(question.messages and question.lines for question in questions)


def test_the_superseded_values_stand_in_the_conversation_too():
    everything = json.dumps(sample.conversation(), ensure_ascii=False)
    for old, new in (("2750", "4196"), ("8 June", "15 June"), ("900 euros", "1,050 euros")):
        assert everything.index(old) < everything.index(new)
