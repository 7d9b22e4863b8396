"""What stands in a window: shown, compacted, forgotten for good, in stores of files and over processes."""

from __future__ import annotations

import asyncio
import json
import random
from contextlib import ExitStack

import anthropic
import openai
import processes
import pytest
from server import Provider

import ctxwin
from ctxwin.errors import InputError
from ctxwin.messages import check
from ctxwin.standing import Entry

RULE = "Never push to main before Ana has approved it."
OLD, NEW = "We can spend at most 800 euros on the boiler.", "We can spend at most 950 euros on the boiler."
FACT = "I decided to keep the sessions in Redis at /srv/app/redis.conf."


def said(turns=40):
    talk = [
        {"role": "user", "content": f"Good to see you. {RULE} {OLD}"},
        {"role": "assistant", "content": f"Good. {FACT}"},
        {"role": "user", "content": NEW},
    ]
    for n in range(turns):
        talk.append({"role": "user", "content": f"And what do you make of the view from window {n}, is it fine?"})
        talk.append({"role": "assistant", "content": "It is a fine view, I would say, with some trees and a road."})
    return talk


def opened(store=None, **options):
    return ctxwin.Window(store=store, budget=400, embedder="none", **options)


@pytest.fixture
def window(tmp_path):
    with opened(tmp_path / "talk.db") as one:
        one.add(*said())
        yield one


@pytest.fixture
def provider():
    with Provider() as one, ExitStack() as one.stack:
        yield one


def texts(window):
    return [one.text for one in window.standing]


def entry(window, text):
    return next(one for one in window.standing if one.text == text)


def test_what_stands_is_the_newest_of_each_thing_with_its_source(window):
    assert isinstance(window.standing, tuple)
    assert texts(window) == [RULE, FACT, NEW]
    assert [(one.source, one.voice) for one in window.standing] == [("m0", "user"), ("m1", "assistant"), ("m2", "user")]
    assert all(isinstance(one, Entry) and 0.5 <= one.strength <= 1 for one in window.standing)
    window.add("We can spend at most 1,100 euros on the boiler.")
    assert texts(window) == [RULE, FACT, "We can spend at most 1,100 euros on the boiler."]


def test_compact_is_a_view_and_the_messages_stay(window):
    before = [turn.message for turn in window.turns]
    packed = window.compact()
    assert packed.tokens <= 400
    assert check(packed.messages) == []
    assert all(one in packed.text for one in (RULE, FACT, NEW))
    assert OLD not in packed.text
    assert [turn.message for turn in window.turns] == before
    assert window.compact(200).tokens <= 200
    assert asyncio.run(window.acompact()).messages == packed.messages
    assert packed.messages == ctxwin.compact(said(), 400).messages


def test_compact_takes_tools_and_kinds_to_keep(window):
    tools = [{"type": "function", "function": {"name": "look", "description": "Look. " * 30, "parameters": {}}}]
    assert window.compact(tools=tools).report.parts["tools"] > 30
    window.add({"role": "assistant", "content": "Is it pkg/web/views.py that you mean, I wonder?"})
    window.add(*said()[3:])
    asked = "keep all file paths"
    assert "pkg/web/views.py" in window.compact(260, keep=asked).text
    assert "pkg/web/views.py" in asyncio.run(window.acompact(260, keep=asked)).text


def test_secrets_are_masked_in_what_stands(window):
    window.add("The password of the staging server is hunter2-Xy88.")
    window.add(*said()[3:])
    assert not any("hunter2-Xy88" in one for one in texts(window))
    assert "hunter2-Xy88" not in window.compact().text
    assert "hunter2-Xy88" in window.compact(allow_secrets=True).text


@pytest.mark.parametrize("dialect", ["openai", "responses", "anthropic"])
def test_compact_speaks_the_windows_dialect(dialect):
    with opened(dialect=dialect, system="Be brief.") as window:
        window.add(*said(), {"role": "user", "content": "Thanks."})
        packed = window.compact()
    assert check(packed.messages, dialect=dialect) == []
    assert RULE in packed.text


def test_an_empty_window_has_nothing_to_compact():
    with opened() as window:
        assert window.standing == ()
        with pytest.raises(InputError, match="nothing to pack"):
            window.compact()


def test_a_pinned_message_stands_whole(window):
    assert "Good to see you." not in texts(window)
    window.pin("m0")
    assert "Good to see you." in texts(window)
    assert entry(window, RULE).strength == 1
    assert said()[0] in window.compact().messages
    window.unpin("m0")
    assert "Good to see you." not in texts(window)


def test_what_a_forgotten_message_said_neither_stands_nor_replaces(window):
    window.forget("m2")
    assert texts(window) == [RULE, OLD, FACT]
    assert NEW not in window.compact().text
    window.unforget("m2")
    assert texts(window) == [RULE, FACT, NEW]


def test_what_an_erased_message_said_is_in_no_request_and_in_no_file(window, tmp_path):
    window.compact()
    window.erase("m1")
    assert texts(window) == [RULE, NEW]
    assert FACT not in window.compact().text
    window.close()
    assert not any(b"/srv/app/redis.conf" in path.read_bytes() for path in tmp_path.iterdir())
    with opened(tmp_path / "talk.db") as again:
        assert texts(again) == [RULE, NEW]


def test_one_entry_is_forgotten_and_its_message_stays(window):
    window.forget(entry(window, RULE))
    assert texts(window) == [FACT, NEW]
    assert RULE not in window.compact().text
    assert not window.turns[0].forgotten
    assert RULE in window.compact(4_000).text  # in its message, which is whole there


def test_the_older_value_does_not_return_for_a_forgotten_entry(window):
    window.forget(entry(window, NEW))
    assert texts(window) == [RULE, FACT]


def test_a_forgotten_entry_that_is_said_again_stands_again(window):
    gone = entry(window, RULE)
    window.forget(gone)
    window.add(RULE)
    assert texts(window) == [FACT, NEW, RULE]
    assert entry(window, RULE).source != gone.source


def test_a_forgotten_entry_can_be_taken_back(window):
    gone = entry(window, RULE)
    window.forget(gone)
    window.unforget(gone)
    assert texts(window) == [RULE, FACT, NEW]


def test_an_entry_that_does_not_stand_is_refused_without_its_words(window):
    with opened() as other:
        other.add("Always deploy with make ship, and never on Fridays.")
        foreign = other.standing[0]
    with pytest.raises(InputError, match=r"turn 'm0'.*window\.standing") as told:
        window.forget(foreign)
    assert "Fridays" not in str(told.value)
    for refuse in (window.pin, window.erase):
        with pytest.raises(InputError, match="Entry names no turn") as told:
            refuse(foreign)
        assert "Fridays" not in str(told.value)


def test_a_forgotten_entry_stays_forgotten_after_a_restart_in_forks_and_in_exports(window, tmp_path):
    window.forget(entry(window, RULE), entry(window, FACT))
    window.erase("m5")  # so that the ids of an import are others
    with window.fork("other") as fork:
        assert texts(fork) == [NEW]
    plain = window.export(tmp_path / "talk.json")
    assert RULE not in json.dumps([one.get("withdrawn") for one in plain["turns"]])
    window.close()
    with opened(tmp_path / "talk.db") as again:
        assert texts(again) == [NEW]
        assert RULE not in again.compact().text
    with ctxwin.Window.import_(tmp_path / "talk.json", budget=400, embedder="none") as imported:
        assert texts(imported) == [NEW]
        assert imported.export()["turns"] == plain["turns"]


def test_a_fork_from_before_the_entry_may_say_it_anew(window):
    late = "Nobody ships on a Friday unless Bo has tested it."
    window.add("Nothing of note.")
    window.add(late)
    last = window.turns[-1].position
    window.forget(entry(window, late))
    with window.fork("other", until=last - 1) as fork:
        fork.add(late)
        assert fork.turns[-1].position == last
        assert late in texts(fork)


def test_the_hash_of_an_erased_sentence_is_gone_too(window, tmp_path):
    window.forget(entry(window, FACT))
    (kept,) = window.export()["turns"][1]["withdrawn"]
    window.erase("m1")
    window.close()
    assert not any(kept.encode() in path.read_bytes() for path in tmp_path.glob("talk.db*"))


def test_other_processes_see_what_was_forgotten_at_their_next_use(window, tmp_path):
    assert RULE in texts(window)
    code = """
    import sys, ctxwin
    with ctxwin.Window(store=sys.argv[1], embedder="none") as window:
        rule = window.standing[0]
        window.forget(rule)
        print(rule.text)
    """
    assert processes.run(code, tmp_path / "talk.db").strip() == RULE
    assert texts(window) == [FACT, NEW]
    assert RULE not in window.compact().text


def answered(provider, dialect):
    """A window with a model that has a price for cached tokens, so that its requests share their beginnings."""
    model = {"openai": "gpt-4o", "anthropic": "claude-sonnet-5"}[dialect]
    provider.respond = lambda request: "It is a fine view, I would say, with some trees and a road."
    client = (
        openai.OpenAI(base_url=provider.openai, api_key="any", max_retries=0)
        if dialect == "openai"
        else anthropic.Anthropic(base_url=provider.anthropic, api_key="any", max_retries=0)
    )
    provider.stack.enter_context(client)
    return ctxwin.Window(model=model, client=client, budget=900, embedder="none", system="Be brief.")


@pytest.mark.parametrize("dialect", ["openai", "anthropic"])
def test_notes_keep_their_bytes_at_the_head_while_nothing_new_stands(provider, dialect):
    some = random.Random(1)
    words = ["".join(some.choice("bdfgklmnprst") + some.choice("aeiou") for _ in range(3)) for _ in range(3_000)]
    heads, shared, before = [], [], []
    with answered(provider, dialect) as window:
        window.set_budget(3_000)
        provider.respond = lambda request: f"Mm, so it was: {' '.join(some.sample(words, 60))}."
        window.add(*said(10)[:-1])
        for _ in range(24):
            window.send(f"Lovely, with {' '.join(some.sample(words, 60))}.")
            packed = window.last
            assert packed.tokens == sum(packed.report.parts.values()) <= packed.report.limit
            assert check(packed.messages, dialect=dialect) == []
            messages = packed.messages["messages"] if dialect == "anthropic" else packed.messages[1:]
            if str(messages[0]["content"]).startswith("[said earlier"):
                heads.append(messages[:2])
                assert 0 < packed.report.parts["standing"] <= 3_000 * 0.05
                assert {RULE, FACT, NEW} <= {one.text for one in packed.report.standing if one.shown}
                pairs = enumerate(zip(messages, before, strict=False))
                shared.append(next((n for n, (one, two) in pairs if one != two), len(before)))
            before = messages
    assert len(heads) >= 12
    assert all(head == heads[0] for head in heads)
    assert [one["role"] for one in heads[0]] == ["user", "assistant"]
    assert RULE in heads[0][0]["content"]
    assert FACT in heads[0][1]["content"]
    assert OLD not in str(heads)
    assert min(shared[1:]) >= 2  # the notes, even where the history was cut
    assert sum(n > 3 for n in shared) >= len(shared) / 2  # else turns of the history behind them too


def test_a_forgotten_entry_leaves_the_next_request_under_a_warm_cache(provider):
    with answered(provider, "openai") as window:
        window.add(*said())
        window.send("And what do you make of the view from the door, is it fine?")
        assert NEW in window.last.text
        window.forget(entry(window, NEW))
        window.send("And from the roof, is it fine?")
        assert NEW not in window.last.text
        window.erase("m1")
        assert FACT not in json.dumps(window._store.settings(window.id).state)


def test_a_question_under_a_warm_cache_counts_right_with_notes(provider):
    with answered(provider, "openai") as window:
        window.add(*said())
        window.send("And what do you make of the view from the door, is it fine?")
        for query in ("What may the boiler cost?", "What do you make of the view from window 31?"):
            packed = window.pack(query)
            assert packed.tokens == sum(packed.report.parts.values()) <= 900
            assert packed.tokens == ctxwin.count_tokens(packed.messages, model="gpt-4o").tokens
            assert packed.report.parts["standing"] > 0
            assert RULE in packed.text
            assert packed.messages[-1]["content"] == query
