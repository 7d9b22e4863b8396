"""Conversations from files."""

import json

import pytest

from ctxwin.errors import InputError
from ctxwin.items import Item
from ctxwin.messages import load


def user(text="Hello"):
    return {"role": "user", "content": text}


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.json", [user()], [user()]),
        ("a.json", {"model": "m", "messages": [user()]}, {"model": "m", "messages": [user()]}),
        ("a.json", user(), [user()]),
        (
            "a.json",
            [{"text": "a\u2028b", "speaker": "Ana", "session": 3}],
            [Item(text="a\u2028b", speaker="Ana", session="3")],
        ),
        ("a.json", {"messages": [{"text": "a", "uid": "D1:1"}]}, [Item(text="a", id="D1:1")]),
    ],
)
def test_files_hold_messages_bodies_or_items(tmp_path, name, content, expected):
    (tmp_path / name).write_text("\ufeff" + json.dumps(content, ensure_ascii=False), encoding="utf-8")
    assert load(tmp_path / name).messages == expected


@pytest.mark.parametrize("name", ["a.jsonl", "a.json"])
def test_files_may_hold_one_message_a_line(tmp_path, name):
    (tmp_path / name).write_text(f"{json.dumps(user())}\n\n{json.dumps(user('Ho'))}\n", encoding="utf-8")
    assert load(tmp_path / name).messages == [user(), user("Ho")]
    (tmp_path / name).write_text(json.dumps({"messages": [user()]}) + "\n", encoding="utf-8")
    assert load(tmp_path / name).messages == {"messages": [user()]}


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"", r"a.json' is empty; give a list of messages"),
        (b'[{"role": "user",\n "content": }]', r"a.json:2:13: broken JSON \(Expecting value\)"),
        (b'{"role": "user", "content": ""}\n{"role": ', r"a.json:2:10: broken JSON"),
        (b"\xff\xfe", "is empty"),
        (b"[\xff\xff]", "is not UTF-8 at byte 1"),
        (b"7", "holds int"),
        (b"[]", "holds no messages"),
        (b'[{"a": 1}]', "holds JSON objects with keys 'a'"),
        (b'[{"text": "a"}, {"content": "b"}]', "item 1: no 'text'"),
        (b'[{"text": "a", "speaker": []}]', "item 0: 'speaker' is list"),
        (b'[{"text": "a", "kind": "song"}]', "item 0: unknown kind 'song'"),
        (b'{"messages": []}\n{"messages": []}', "holds 2 conversations"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_files_that_hold_something_else_are_refused(tmp_path, content, match):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(InputError, match=match):
        load(tmp_path / "a.json")


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"no file '.*b.json'; check the path"):
        load(tmp_path / "b.json")
    with pytest.raises(InputError, match="has no file, and none is a conversation"):
        load(tmp_path)
