"""Conversations as other programs keep them, each form by itself."""

import json

import pytest
from foreign_samples import NOON, chatgpt, chatgpt_line, chatgpt_node, claude, claude_message, slack_export, telegram

import ctxwin
from ctxwin import check
from ctxwin.errors import InputError, MessageError
from ctxwin.messages import load, read


def said(value, pick=None):
    """Load a value and return what each message says, after holding that a provider would take it."""
    found = load(value, pick)
    assert [item.id for item in found.messages] == [f"m{at}" for at in range(len(found.messages))]
    assert check([item.raw for item in found.messages]) == []
    assert [item.text for item in read(found.messages).items if not item.text] == []
    return [(item.raw["role"], item.raw.get("name"), item.raw["content"]) for item in found.messages]


def text(path, content, name="talk.txt"):
    (path / name).write_text(content, encoding="utf-8")
    return path / name


# ChatGPT


def test_the_current_branch_of_a_chatgpt_conversation_is_read():
    talk = chatgpt(
        [
            chatgpt_node("r", None, ["a"]),
            chatgpt_node("a", "r", ["b", "c"], "user", "Which ferry?"),
            chatgpt_node("b", "a", [], "assistant", "The first answer.", at=5),
            chatgpt_node("c", "a", ["d"], "assistant", "The one at 9.", at=3),
            chatgpt_node("d", "c", [], "user", "Thanks", at=4),
        ],
        current="d",
    )
    found = load(talk)
    assert found.origin == "ChatGPT export, conversation 'Trip to Bergen'"
    assert [item.raw["content"] for item in found.messages] == ["Which ferry?", "The one at 9.", "Thanks"]
    assert found.messages[1].time == "2024-05-12T12:00:03+00:00"
    assert {item.session for item in found.messages} == {"Trip to Bergen"}
    talk["current_node"] = None  # then the newest leaf is meant
    assert said(talk)[-1] == ("assistant", None, "The first answer.")


def test_no_words_of_any_type_of_chatgpt_content_are_lost():
    hidden = {"metadata": {"is_visually_hidden_from_conversation": True}}
    talk = chatgpt_line(
        ("system", "", hidden),
        (
            "user",
            {"content_type": "user_editable_context", "user_profile": "I sail.", "user_instructions": "Short."},
            hidden,
        ),
        (
            "user",
            {
                "content_type": "multimodal_text",
                "parts": [
                    {
                        "content_type": "image_asset_pointer",
                        "asset_pointer": "file-service://file-AB12",
                        "width": 9,
                        "height": 9,
                    },
                    {"content_type": "audio_transcription", "text": "spoken words", "direction": "in"},
                    {
                        "content_type": "real_time_user_audio_video_asset_pointer",
                        "audio_asset_pointer": {
                            "content_type": "audio_asset_pointer",
                            "asset_pointer": "sediment://file_77",
                        },
                    },
                    "look",
                ],
            },
            {"metadata": {"attachments": [{"id": "file-AB12", "name": "map.png"}, {"id": "x", "name": "a.csv"}]}},
        ),
        ("assistant", {"content_type": "thoughts", "thoughts": [{"summary": "Tides", "content": "High at 11."}]}),
        ("assistant", {"content_type": "reasoning_recap", "content": "Thought for 4 seconds"}),
        (
            "tool",
            {"content_type": "tether_quote", "url": "a.org", "domain": "a.org", "title": "T", "text": "quoted"},
            {"author": "browser"},
        ),
        ("assistant", {"content_type": "model_editable_context", "model_set_context": "remembered"}),
        (
            "tool",
            {"content_type": "tether_browsing_display", "result": "found", "summary": None},
            {"author": "browser"},
        ),
        ("tool", {"content_type": "system_error", "name": "Oops", "text": "timed out"}, {"author": "web"}),
        ("assistant", {"content_type": "a_new_one", "inner": {"deep": ["new words"]}}),
    )
    lines = said(talk)
    assert lines[0][:2] == ("user", None)
    whole = "\n".join(content for _, _, content in lines)
    for words in (
        "I sail.",
        "Short.",
        "[image: file-AB12]",
        "spoken words",
        "[audio: file_77]",
        "look",
        "[file: a.csv]",
        "Tides",
        "High at 11.",
        "Thought for 4 seconds",
        "quoted",
        "a.org",
        "remembered",
        "found",
        "Oops",
        "timed out",
        "new words",
    ):
        assert words in whole, words
    assert "map.png" not in whole  # the image stands there by its pointer
    assert ("user", "browser", "T\na.org\na.org\nquoted") in lines


def test_what_chatgpt_asked_of_a_tool_is_a_call_with_its_result():
    talk = chatgpt_line(
        ("user", "Draw it"),
        (
            "assistant",
            {"content_type": "code", "language": "json", "text": '{"prompt": "a ferry"}'},
            {"recipient": "dalle.text2im"},
        ),
        (
            "tool",
            {
                "content_type": "multimodal_text",
                "parts": [{"content_type": "image_asset_pointer", "asset_pointer": "file-service://file-9"}],
            },
            {"author": "dalle.text2im"},
        ),
        ("tool", "The image is shown.", {"author": "dalle.text2im"}),
        ("assistant", {"content_type": "code", "language": "python", "text": "print(1)"}, {"recipient": "python"}),
        ("tool", {"content_type": "execution_output", "text": "1"}, {"author": "python"}),
        ("assistant", "Here."),
        ("assistant", "to nobody who answers", {"recipient": "bio"}),
    )
    items = load(talk).messages
    said(talk)
    calls = [item.raw["tool_calls"][0]["function"] for item in items if item.raw.get("tool_calls")]
    assert calls == [
        {"name": "dalle_text2im", "arguments": '{"prompt": "a ferry"}'},
        {"name": "python", "arguments": '{"input": "print(1)"}'},
    ]
    assert [item.raw["content"] for item in items if item.role == "tool"] == [
        "[image: file-9]\n\nThe image is shown.",
        "1",
    ]
    assert items[-1].raw["content"] == "[to bio] to nobody who answers"


def test_a_shared_chatgpt_conversation_is_read():
    nodes = [chatgpt_node("r", None, ["a"]), chatgpt_node("a", "r", [], "user", "Hello")]
    shared = {"title": "T", "conversation_id": "s", "linear_conversation": nodes}
    assert said(shared) == [("user", None, "Hello")]


@pytest.mark.parametrize("mapping", [{}, {"a": {"id": "a", "message": None, "parent": "a", "children": ["a"]}}])
def test_a_chatgpt_conversation_without_words_is_none(mapping):
    with pytest.raises(InputError, match="no conversation in which anything is said"):
        load([{"title": "T", "mapping": mapping, "current_node": "a"}])


# Claude.ai


def test_claude_ai_gives_the_newest_branch_with_files_and_calls():
    root = "00000000-0000-4000-8000-000000000000"
    use = {"type": "tool_use", "id": "t1", "name": "web search", "input": {"query": "ferry"}, "message": "Searching"}
    result = {
        "type": "tool_result",
        "tool_use_id": "t1",
        "name": "web search",
        "content": [{"type": "text", "text": "9:00"}],
    }
    talk = claude(
        claude_message(
            "a",
            root,
            "human",
            "Which ferry?",
            attachments=[
                {"file_name": "plan.txt", "file_size": 9, "file_type": "txt", "extracted_content": "Day 1: Bergen"}
            ],
            files=[{"file_name": "map.png"}],
        ),
        claude_message("b", "a", "assistant", "Old.", at="12:01:00"),
        claude_message(
            "c",
            "a",
            "assistant",
            "At 9.",
            at="12:02:00",
            blocks=[{"type": "thinking", "thinking": "Look it up."}, use, result, {"type": "text", "text": "At 9."}],
        ),
    )
    assert said(talk) == [
        ("user", None, "Which ferry?\n[file: plan.txt]\nDay 1: Bergen\n[file: map.png]"),
        ("assistant", None, "[thinking]\nLook it up."),
        ("tool", None, "9:00"),
        ("assistant", None, "At 9."),
    ]
    items = load([talk]).messages
    assert items[1].raw["tool_calls"][0]["function"] == {"name": "web_search", "arguments": '{"query": "ferry"}'}
    assert items[0].time == "2024-05-12T12:00:00.000000Z"


def test_an_older_claude_ai_export_has_text_alone_and_results_without_ids():
    blocks = [
        {"type": "tool_use", "name": "repl", "input": {"code": "1"}},
        {"type": "tool_result", "name": "repl", "content": [{"type": "text", "text": "one"}]},
    ]
    first = {"uuid": "a", "text": "Hi", "sender": "human", "created_at": "2024-05-12T12:00:00Z"}
    second = {"uuid": "b", "text": "", "content": blocks, "sender": "assistant", "created_at": "2024-05-12T12:00:01Z"}
    assert said(claude(first, second)) == [("user", None, "Hi"), ("assistant", None, None), ("tool", None, "one")]


# ShareGPT


@pytest.mark.parametrize("key", ["conversations", "items"])
def test_sharegpt_is_read_alone_and_among_many(key):
    turns = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]
    one = {"id": "x1", key: turns}
    assert said(one) == said([one]) == said([one, {"id": "x2", "conversations": []}]) == said(turns)
    assert said([one, one | {"id": "x2"}], "x2") == [("user", None, "Hi"), ("assistant", None, "Hello")]


def test_sharegpt_calls_and_observations_are_calls_and_results():
    turns = [
        {"from": "human", "value": "Weather?"},
        {"from": "function_call", "value": '{"name": "get weather", "arguments": {"city": "Bergen"}}'},
        {"from": "observation", "value": "rain"},
        {"from": "gpt", "value": "Rain."},
        {"from": "function_call", "value": "no json"},
        {"from": "observation", "value": "nothing"},
        {"from": "observation", "value": "of no call"},
    ]
    talk = {"system": "Be brief.", "tools": '[{"name": "get weather"}]', "conversations": turns}
    lines = said(talk)
    assert lines[:2] == [("system", None, 'Tools:\n[{"name": "get weather"}]'), ("system", None, "Be brief.")]
    assert lines[4] == ("tool", None, "rain")
    assert lines[-1] == ("user", "tool", "of no call")
    call = load(talk).messages[3].raw["tool_calls"][0]["function"]
    assert call == {"name": "get_weather", "arguments": '{"city": "Bergen"}'}


# Slack


def test_a_slack_export_has_names_times_threads_and_files(tmp_path):
    found = load(slack_export(tmp_path), "plans")
    assert found.origin == "Slack export, conversation 'plans' (2 of 2)"
    assert said(tmp_path, "plans") == [
        ("user", "Ana", "[2024-05-12 12:00] @Ben Wolf ferry at 9 & bus"),
        ("user", "tides", "[2024-05-12 12:01] High tide\nat 11:20\nHigh tide at 11:20"),
        (
            "user",
            "Ben_Wolf",
            "[2024-05-13 12:00] (in reply to Ana, 2024-05-12 12:00) see timetable (https://a.org/t)\n"
            "[file: times.pdf]\n[reactions: :wave: Ana]\n[edited]",
        ),
        ("user", "Ben_Wolf", "[2024-05-13 12:01] @Ben Wolf has joined the channel"),
    ]
    assert found.messages[2].speaker == "Ben Wolf"
    assert found.messages[2].session == "thread 1715515200.000100"
    assert said(tmp_path, "Ana, Ben Wolf") == [("user", "Ana", "[2024-05-12 12:01] just us")]


def test_one_day_of_slack_is_read_without_the_list_of_users(tmp_path):
    slack_export(tmp_path)
    assert said(tmp_path / "plans/2024-05-12.json")[0] == ("user", "U1", "[2024-05-12 12:00] @U2 ferry at 9 & bus")
    with pytest.raises(InputError, match=r"looks like a Slack channel list; give the folder or zip"):
        load(tmp_path / "channels.json")


def test_slack_blocks_are_read_where_there_is_no_text():
    section = {
        "type": "rich_text_section",
        "elements": [
            {"type": "text", "text": "see "},
            {"type": "user", "user_id": "U1"},
            {"type": "emoji", "name": "wave"},
        ],
    }
    message = {
        "type": "message",
        "ts": "1715515200.000100",
        "user": "U1",
        "user_profile": {"display_name": "Ana"},
        "text": "",
        "blocks": [{"type": "rich_text", "elements": [section]}],
    }
    assert said([message]) == [("user", "Ana", "[2024-05-12 12:00] see @Ana:wave:")]


# WhatsApp


@pytest.mark.parametrize(
    ("lines", "times"),
    [
        (["\u200e[12.05.24, 14:33:10] Ana: hi", "[13.05.24, 09:00:00] Ben: ho"], ["05-12T14:33:10", "05-13T09:00:00"]),
        (["12/05/2024, 14:33 - Ana: hi", "13/05/2024, 14:34 - Ben: ho"], ["05-12T14:33:00", "05-13T14:34:00"]),
        (["5/12/24, 2:33\u202fPM - Ana: hi", "5/13/24, 12:01\u202fAM - Ben: ho"], ["05-12T14:33:00", "05-13T00:01:00"]),
        (
            ["[5/6/24, 2:33:10\u202fPM] Ana: hi", "[5/7/24, 1:00:00\u202fPM] Ben: ho"],
            ["05-06T14:33:10", "05-07T13:00:00"],
        ),
        (["05/06/2024, 14:33 - Ana: hi", "06/06/2024, 14:33 - Ben: ho"], ["06-05T14:33:00", "06-06T14:33:00"]),
        (
            ["20/6/2024 8:28\u00a0p.\u00a0m. - Ana: hi", "21/6/2024 8:28\u00a0a.\u00a0m. - Ben: ho"],
            ["06-20T20:28:00", "06-21T08:28:00"],
        ),
        (["2024-05-12, 5:46 p.m. - Ana: hi", "2024-05-12, 5:47 p.m. - Ben: ho"], ["05-12T17:46:00", "05-12T17:47:00"]),
        (["[2024/5/12 下午2:33:10] Ana: hi", "[2024/5/12 上午2:34:10] Ben: ho"], ["05-12T14:33:10", "05-12T02:34:10"]),
        (
            ["2024년 5월 12일 오후 2:33, Ana : hi", "2024년 5월 12일 오전 2:33, Ben : ho"],
            ["05-12T14:33:00", "05-12T02:33:00"],
        ),
        (["12.05.24, 14:33 - Ana: hi", "1.06.24, 14:34 - Ben: ho"], ["05-12T14:33:00", "06-01T14:34:00"]),
        (["12-05-2024 14:33 - Ana: hi", "13-05-2024 14:34 - Ben: ho"], ["05-12T14:33:00", "05-13T14:34:00"]),
        (["12.05.24 14:33:10: Ana: hi", "12.05.24 14:34:10: Ben: ho"], ["05-12T14:33:10", "05-12T14:34:10"]),
        (
            ["[12.5.2024 klo 14.33.10] Ana: hi", "[13.5.2024 klo 9.00.00] Ben: ho"],
            ["05-12T14:33:10", "05-13T09:00:00"],
        ),
        (
            ["١٢\u200f/٥\u200f/٢٠٢٤، ٢:٣٣ م - Ana: hi", "١٣\u200f/٥\u200f/٢٠٢٤، ٢:٣٣ ص - Ben: ho"],
            ["05-12T14:33:00", "05-13T02:33:00"],
        ),
        (["14:33, 12/5/2024 - Ana: hi", "14:34, 13/5/2024 - Ben: ho"], ["05-12T14:33:00", "05-13T14:34:00"]),
        (["2024-05-12, 14 h 33 - Ana: hi", "2024-05-13, 09 h 00 - Ben: ho"], ["05-12T14:33:00", "05-13T09:00:00"]),
        (
            ["12.05.24\u202fг., 14:33 - Ana: hi", "13.05.24\u202fг., 9:00 - Ben: ho"],
            ["05-12T14:33:00", "05-13T09:00:00"],
        ),
        (
            ["12/05/24, 2:33\u202fPTG - Ana: hi", "13/05/24, 9:00\u202fPG - Ben: ho"],
            ["05-12T14:33:00", "05-13T09:00:00"],
        ),
        (["12.05.2024 ÖS 2:33 - Ana: hi", "13.05.2024 ÖÖ 9:00 - Ben: ho"], ["05-12T14:33:00", "05-13T09:00:00"]),
        (["12/5/2567 14:33 น. - Ana: hi", "13/5/2567 9:00 น. - Ben: ho"], ["05-12T14:33:00", "05-13T09:00:00"]),
        (["24. 5. 12. 오후 2:33 - Ana: hi", "24. 5. 12. 오후 3:00 - Ben: ho"], ["05-12T14:33:00", "05-12T15:00:00"]),
        (["24/5/12, 14:33 - Ana: hi", "24/5/13, 9:00 - Ben: ho"], ["05-12T14:33:00", "05-13T09:00:00"]),
    ],
)
def test_whatsapp_is_read_as_each_phone_writes_it(tmp_path, lines, times):
    found = load(text(tmp_path, "\n".join([lines[0], "second line", *lines[1:]])))
    assert found.origin == "WhatsApp export"
    assert [item.time for item in found.messages] == [f"2024-{time}" for time in times]
    minutes = [f"[2024-{time[:5]} {time[6:11]}]" for time in times]
    assert [item.raw["content"] for item in found.messages] == [f"{minutes[0]} hi\nsecond line", f"{minutes[1]} ho"]
    assert [item.speaker for item in found.messages] == ["Ana", "Ben"]


def test_what_whatsapp_says_itself_and_unsaved_names_are_kept(tmp_path):
    lines = [
        "2/14/23, 7:02\u202fPM - Messages and calls are end-to-end encrypted.",
        "2/14/23, 7:03\u202fPM - ~\u202fAna: <Media omitted>",
        "2/14/23, 7:04\u202fPM - Ben: at 4:30: yes\u200e",
        '2/14/23, 7:05\u202fPM - Ana changed the subject from "a: b" to "c"',
    ]
    assert said(text(tmp_path, "\r\n".join(lines))) == [
        ("user", "WhatsApp", "[2023-02-14 19:02] Messages and calls are end-to-end encrypted."),
        ("user", "Ana", "[2023-02-14 19:03] <Media omitted>"),
        ("user", "Ben", "[2023-02-14 19:04] at 4:30: yes"),
        ("user", "WhatsApp", '[2023-02-14 19:05] Ana changed the subject from "a: b" to "c"'),
    ]


# Telegram, tables, transcripts, our own


def test_telegram_is_read_alone_and_in_an_export_of_all():
    lines = [
        ("user", "Ana", "[2024-05-12 14:30] [create group] Ana, Ben\nBergen"),
        ("user", "Ana", "[2024-05-12 14:33] see times (https://a.org)!"),
        ("user", "Ben", "[2024-05-12 14:34] (in reply to Ana, 2024-05-12 14:33)\nok\n[photo: p1.jpg]"),
    ]
    lines[0] = ("user", "Ana", "[2024-05-12 14:30] [create group]\nBergen")
    assert said(telegram())[1:] == lines[1:]
    both = {"about": "", "chats": {"list": [telegram(), telegram(name="Oslo", id=78)]}}
    assert load(both, "oslo").origin == "Telegram export, conversation 'Oslo' (2 of 2)"
    assert said(both, 78 - 76)[1:] == lines[1:]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (
            'role,content\nuser,"hi, ""you"""\nassistant,"two\nlines"\n',
            [("user", None, 'hi, "you"'), ("assistant", None, "two\nlines")],
        ),
        (
            "\ufeffSpeaker;Text;Time\r\nAna Li;hallo;2024-05-12 14:33\r\nBen;na;2024-05-12 14:34\r\n",
            [("user", "Ana_Li", "[2024-05-12 14:33] hallo"), ("user", "Ben", "[2024-05-12 14:34] na")],
        ),
        (
            f"created_at\tsender\tmessage\n{NOON}\tAna\thi\n{NOON + 60}\tBen\tho\n",
            [("user", "Ana", "[2024-05-12 12:00] hi"), ("user", "Ben", "[2024-05-12 12:01] ho")],
        ),
        (
            "prompt,response\nhi,hello\nbye,so long\n",
            [("user", None, "hi"), ("assistant", None, "hello"), ("user", None, "bye"), ("assistant", None, "so long")],
        ),
        (
            "id,role,content,comment\n1,human,hi,said in haste\n2,ai,hello,-\n",
            [("user", None, "hi\ncomment: said in haste"), ("assistant", None, "hello")],
        ),
    ],
)
def test_tables_of_messages_are_read(tmp_path, table, expected):
    path = text(tmp_path, table, "talk.csv")
    assert load(path).origin == "table of messages"
    assert said(path) == expected


def test_a_table_of_several_conversations_wants_a_pick(tmp_path):
    path = text(tmp_path, "conversation_id,role,content\na,user,hi\nb,user,ho\na,assistant,yes\n", "talk.csv")
    assert said(path, "a") == [("user", None, "hi"), ("assistant", None, "yes")]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            "Ana: hi\nBen Li: hello\nand more\n\nAna: so\n",
            [("Ana", "hi"), ("Ben_Li", "hello\nand more"), ("Ana", "so")],
        ),
        ("[14:33] ana: hi\n[14:34] ben: ho\n", [("ana", "[14:33] hi"), ("ben", "[14:34] ho")]),
        (
            "2024-05-12 14:33 Ana: hi\n2024-05-12 14:34 Ben: ho\n",
            [("Ana", "[2024-05-12 14:33] hi"), ("Ben", "[2024-05-12 14:34] ho")],
        ),
        ("Ana (14:33): hi\nBen (14:34): ho\n", [("Ana", "[14:33] hi"), ("Ben", "[14:34] ho")]),
        ("Ana Li  0:03\nhi\nall\n\nBen  0:09\nho\n", [("Ana_Li", "[0:03] hi\nall"), ("Ben", "[0:09] ho")]),
        ("[10:01] <ana> hi\n[10:02] <ben> ho\n", [("ana", "[10:01] hi"), ("ben", "[10:02] ho")]),
        (
            "安娜：你好\n".replace("：", ": ") + "李: 好\n安娜: 再见\n",
            [("安娜", "你好"), ("李", "好"), ("安娜", "再见")],
        ),
    ],
)
def test_plain_transcripts_of_people_are_read(tmp_path, content, expected):
    path = text(tmp_path, content)
    assert load(path).origin == "plain-text transcript"
    assert said(path) == [("user", *line) for line in expected]


@pytest.mark.parametrize(
    "content",
    [
        "User: hi\n\nAssistant: hello\nNote: more\n1. Step: x\n\nUser: ok\n\nAssistant: bye\n",
        "Human: hi\n\nAI: hello\nNote: more\n1. Step: x\n\nHuman: ok\n\nAI: bye\n",
        "## User\n\nhi\n\n## Assistant\n\nhello\nNote: more\n1. Step: x\n\n---\n\n## User\n\nok\n\n"
        "## Assistant\n\nbye\n",
        "**User:** hi\n\n**Assistant:** hello\nNote: more\n1. Step: x\n\n**User:** ok\n\n**Assistant**: bye\n",
        "##### You said:\nhi\n###### ChatGPT said:\nhello\nNote: more\n1. Step: x\n##### You said:\nok\n"
        "###### ChatGPT said:\nbye\n",
        "### 🧑 Prompt 1\nhi\n### 🤖 Response 1\nhello\nNote: more\n1. Step: x\n### 🧑 Prompt 2\nok\n"
        "### 🤖 Response 2\nbye\n",
    ],
)
def test_transcripts_of_a_chat_with_a_model_are_read(tmp_path, content):
    assert said(text(tmp_path, content, "talk.md")) == [
        ("user", None, "hi"),
        ("assistant", None, "hello\nNote: more\n1. Step: x"),
        ("user", None, "ok"),
        ("assistant", None, "bye"),
    ]


def test_a_markdown_transcript_keeps_its_title_its_code_and_its_headings(tmp_path):
    content = "# Ferries\n\n## User\n\n```md\n## Assistant\n```\n\n## Assistant\n\n### Times\n\n9:00\n"
    assert load(text(tmp_path, content)).origin == "Markdown transcript, conversation 'Ferries'"
    assert said(tmp_path / "talk.txt") == [
        ("user", None, "# Ferries"),
        ("user", None, "```md\n## Assistant\n```"),
        ("assistant", None, "### Times\n\n9:00"),
    ]


@pytest.mark.parametrize(
    "content",
    [
        "INFO: up\nWARN: low\nINFO: more\nERROR: gone\nINFO: back\n",
        "2024-05-12 14:33:10 INFO: up\n2024-05-12 14:33:11 nginx: x\n2024-05-12 14:33:12 kernel: done\n",
        "name: a\non: push\nsteps:\n  - run: x\nname: b\non: pull\n",
        "Package: a\nVersion: 1\nSize: 3\n\nPackage: b\nVersion: 2\nSize: 4\n\nPackage: c\nVersion: 3\nSize: 5\n",
        "Q: What?\nA: This.\nQ: Why?\nA: So.\n",
        "# Guide\n\nText.\n\n## User settings\n\nMore.\n\n## Assistant\n\nText.\n\n## Install\n\n## License\n",
        "name,email,message\nAna,a@b.c,hi there\n",
        "day,item,units\n2024-05-12,a,3\n",
        "Intro (0:00)\nSetup (1:10)\nTalk (2:20)\nQuestions (9:00)\nEnd (10:00)\n",
        "def f(x):\n    try:\n        pass\n    finally:\n        pass\nclass A:\n    def g(self):\n        pass\n",
        "From: Ana\nTo: Ben\nSubject: Ferry\nDate: Sunday\n\nDear Ben,\nthe ferry goes at 9.\n",
        "Just a letter. He said: no.\nShe said: yes.\n",
    ],
)
def test_what_is_no_talk_is_not_taken_for_one(tmp_path, content):
    with pytest.raises(InputError, match=r"is a plain text that is no transcript; use `ctxwin ask \.\.\. FILE`"):
        load(text(tmp_path, content))


@pytest.mark.parametrize("dialect", ["openai", "anthropic", "responses"])
def test_what_a_window_exports_is_packed_as_the_window_packs_it(tmp_path, dialect):
    window = ctxwin.Window(budget=400, embedder="none", dialect=dialect, id="ana")
    window.system("Be brief.")
    window.add(
        *(
            {"role": "user" if n % 2 == 0 else "assistant", "content": f"Locker {n} opens with {n * n}."}
            for n in range(61)
        )
    )
    window.pin(2)
    window.forget(4)
    window.export(tmp_path / "ana.json")
    packed = ctxwin.pack(tmp_path / "ana.json", query="What opens locker 31?", budget=400, embedder="none")
    assert packed.messages == window.pack("What opens locker 31?").messages
    assert packed.report.origin == "ctxwin window, conversation 'ana'"
    assert "31 opens with 961" in packed.text and "Locker 4 " not in packed.text
    with pytest.raises(MessageError, match="saved in version 9"):
        load({**json.loads((tmp_path / "ana.json").read_text()), "version": 9})


# What comes from providers stays theirs


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": "Hi"}],
        [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}],
        {"system": "Be brief.", "messages": [{"role": "user", "content": "Hi"}]},
        {"input": "Hi"},
    ],
)
def test_messages_of_providers_are_passed_on_as_they_are(messages):
    found = load(messages)
    assert found.messages is messages and found.origin == ""


@pytest.mark.parametrize(
    ("value", "match"),
    [
        ([{"a": 1, "b": 2}], "holds JSON objects with keys 'a', 'b'; give a list of messages"),
        ({"cells": [], "nbformat": 4}, "looks like a notebook; use `ctxwin ask"),
        ([7], "holds a list of int"),
        ([{"type": "human", "cat": "x"}], "holds JSON objects with keys 'type', 'cat'"),
        ("Tell me more.\nNow.", "str of 18 characters and no path"),
    ],
)
def test_what_is_none_of_the_forms_is_told_in_one_line(value, match):
    with pytest.raises(InputError, match=match) as told:
        ctxwin.pack(value, query="x", budget=100)
    assert "\n" not in str(told.value)


def test_one_of_several_is_picked_by_title_id_or_number():
    talks = [
        chatgpt_line(("user", f"Ferry {n}"), title=title, name=f"id-{n}")
        for n, title in enumerate(("Trip to Bergen", "trip", "Oslo", "Oslo", "12"), start=1)
    ]
    for pick, number in (("TRIP", 2), ("bergen", 1), ("id-3", 3), (4, 4), ("4", 4), ("12", 5), ("Trip to", 1)):
        found = load(talks, pick)
        assert found.origin.endswith(f"({number} of 5)"), pick
        assert found.messages[0].raw["content"] == f"Ferry {number}"
    for pick, match in (
        (None, r"holds 5 conversations: 1 'Trip to Bergen', 2 'trip', 3 'Oslo', 4 'Oslo', 5 '12'; pick one by title"),
        ("oslo", r"2 of them 'oslo': 3 'Oslo', 4 'Oslo'; pick one"),
        ("paris", r"none of them 'paris': 1 'Trip to Bergen'"),
        (9, r"none of them 9"),
        (True, "pick is a title, an id or a number from 1, not bool"),
    ):
        with pytest.raises(InputError, match=match):
            load(talks, pick)


def test_a_pick_needs_something_to_pick_from():
    with pytest.raises(InputError, match="pick=2 chooses a conversation of a file"):
        ctxwin.pack(query="x", items=["a"], pick=2)
    with pytest.raises(InputError, match="holds one conversation, and it is not 'x'"):
        ctxwin.pack([{"role": "user", "content": "Hi"}], pick="x", budget=100)


def test_budgets_are_read_as_on_the_command_line():
    talk = [{"role": "user", "content": "Hi"}]
    assert ctxwin.pack(talk, budget="2k").report.limit == 2_000
    assert ctxwin.pack(talk, budget="1.5k").plan.repack(budget="1k").report.limit == 1_000
    window = ctxwin.Window(budget="3k", embedder="none")
    window.set_budget("4k")
    assert window.budget == ctxwin.Budget(total=4_000)
    with pytest.raises(InputError, match="budget 'lots' is no number of tokens; write it like 2000"):
        ctxwin.pack(talk, budget="lots")
