"""What does not stand: a program's output, small talk, notes of earlier packings; and what a report says of it."""

from __future__ import annotations

import pytest

import ctxwin
from ctxwin.items import Item
from ctxwin.standing import UNREAD, Standing, understood

OUTPUT = """
Requirement already satisfied: attrs in /opt/env/lib/python3.12/site-packages (25.1)
Requirement already satisfied: yarl in /opt/env/lib/python3.12/site-packages (1.20)
[File: /srv/app/never/main.py (120 lines total)]
118:     return limit
bash-$
""".strip()
CHAT = ("We had a lovely walk by the lake.", "That sounds great!", "My sister came too and we laughed a lot.")


def standing(*texts: str) -> list[str]:
    talk = Standing()
    talk.extend([Item(text=text, role="user", id=f"m{i}") for i, text in enumerate(texts)])
    return [entry.text for entry in talk.entries()]


def test_the_output_of_a_program_is_nobodys_sentence():
    assert standing(OUTPUT) == []
    rule = "Never touch /srv/app/never/main.py, Ana owns it."
    assert standing(OUTPUT, rule) == [rule]


def test_a_number_behind_an_abbreviation_belongs_to_the_sentence():
    text = "Tom must fetch the parcel by Friday, receipt no. R-5518."
    assert standing(text) == [text]


def test_where_little_stands_the_bar_is_higher():
    doubtful = "My new locker is 19."
    talk, long = Standing(), Standing()
    talk.extend([Item(text=doubtful, role="user", id="m0")])
    long.extend([Item(text=f"{CHAT[i % 3]} {i * 'la '}", role="user", id=f"m{i}") for i in range(300)])
    long.extend([Item(text=doubtful, role="user", id="m300")])
    alone = next(entry.strength for entry in talk.said() if entry.text == doubtful)
    among = next(entry.strength for entry in long.said() if entry.text == doubtful)
    assert among < alone


def test_a_later_compaction_counts_what_an_earlier_one_left_out():
    said = [{"role": "user" if i % 2 == 0 else "assistant", "content": f"{CHAT[i % 3]} " * 9} for i in range(40)]
    asked = {"role": "user", "content": "thanks"}
    once = ctxwin.compact([*said, asked], 400).messages
    twice = ctxwin.compact([*once, *said, asked], 400).messages
    kept = [one for one in twice if one in said]
    counted = [one["content"] for one in twice if one["content"].endswith("omitted]")]
    assert counted == [f"[{2 * len(said) + 1 - len(kept)} turns omitted]"]


def test_a_compaction_says_that_the_newest_turns_were_chosen():
    said = [{"role": "user", "content": f"{CHAT[i % 3]} " * 9} for i in range(40)]
    assert ctxwin.compact(said, 400).report.strategy == "recency"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("We meet on Friday in front of the town hall, and nobody should come late. ", True),
        ("我们周五在市政厅门口见面，谁也别迟到。", True),
        ("Wir treffen uns am Freitag vor dem Rathaus, und niemand soll zu spät kommen. ", False),
        ("Встречаемся в пятницу перед ратушей, и пусть никто не опаздывает. ", False),
        ("金曜日に市役所の前で会いましょう。だれも遅れないでください。", False),
    ],
)
def test_a_report_names_a_language_whose_words_are_not_read(text: str, read: bool):
    assert understood([text * 20]) is read
    said = [{"role": "user", "content": text * 4} for _ in range(30)]
    warnings = ctxwin.compact(said, 500).report.warnings
    assert (UNREAD in warnings) is not read
