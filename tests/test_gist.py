"""Sums made of a text's own sentences, and requests spread over a whole conversation where a summary is asked for."""

import time

import pytest

import ctxwin
from ctxwin import Item, pack
from ctxwin.renditions.summaries.gist import Gist, read_statements
from ctxwin.tokens import get_tokenizer

TOKENIZER = get_tokenizer("o200k_base")
TOPICS = {
    "garden": "We plant {n} tomato beds behind the shed. The soil there needs lime. The fence keeps deer out.",
    "boat": "The hull of the boat has {n} cracks. We sand the hull before the varnish. The mast is sound.",
    "choir": "The choir sings {n} carols at the fair. The altos come late to rehearsal. The organ is tuned.",
    "菜园": "我们在棚子后面种了{n}畦番茄。那里的土壤需要石灰。围栏挡住了鹿。",
}


def text_of(size, topics=TOPICS):
    return "\n".join(list(topics.values())[n % len(topics)].format(n=n) for n in range(size))


def taken(text, room, asked=()):
    """Return the rows that are taken, and all sentences."""
    known = {}
    read = read_statements(text, known)
    return Gist(read, {known[term]: 1 / len(asked) for term in asked}).take(room).tolist(), read


def shown(text, room, asked=()):
    rows, read = taken(text, room, asked)
    return [text[read.starts[at] : read.ends[at]].strip() for at in rows]


def test_sentences_are_verbatim_in_order_and_within_the_room():
    text = text_of(40)
    said = shown(text, 120)
    assert all(one in text for one in said) and len(said) > 4
    rows, read = taken(text, 120)
    assert rows == sorted(rows) and int(read.tokens[rows].sum()) <= 120
    assert sum(TOKENIZER.count_many(said)) <= 120


def test_some_sentences_read_alone_are_those_of_the_whole():
    text = text_of(12)
    whole, some = read_statements(text, {}), read_statements(text, {}, [3, 7, 999])
    assert some.number.tolist() == [3, 7]
    for name in ("starts", "ends", "tokens", "prose", "sizes"):
        assert getattr(some, name).tolist() == getattr(whole, name)[[3, 7]].tolist()
    assert len(read_statements("", {})) == 0


def test_a_sum_covers_every_topic_in_both_languages():
    said = " ".join(shown(text_of(40), 160))
    assert all(word in said for word in ("tomato", "hull", "choir", "番茄"))


def test_what_was_said_is_not_said_again():
    text = "The lease of the mill ends in May. " * 30 + "The miller keeps two grey geese. " * 3
    assert shown(text, 60) == ["The lease of the mill ends in May.", "The miller keeps two grey geese."]


def test_a_question_is_heard():
    text = text_of(40, {"boat": TOPICS["boat"]}) + "\nThe kiln of the potter is cold."
    assert "kiln" in shown(text, 14, ("kiln", "potter"))[0]


def test_code_is_taken_only_where_there_is_nothing_else():
    code = "\n".join(f"value_{n} = compute({n})" for n in range(30))
    assert shown(code + "\nThe parser reads the header first.", 40) == ["The parser reads the header first."]
    assert shown(code, 40)


@pytest.mark.parametrize("topics", [TOPICS, {"菜园": TOPICS["菜园"]}, {"hostile": "a b c {n}. " * 9}])
@pytest.mark.parametrize("room", [200, 8_000])
def test_time_is_linear_and_a_megabyte_is_soon_read(topics, room):
    def seconds(size):
        text = text_of(size // 90, topics)
        begin = time.process_time()
        taken(text, room)
        return time.process_time() - begin

    seconds(10_000)
    short, long = (min(seconds(size) for _ in range(2)) for size in (60_000, 240_000))
    assert long < 12 * short + 0.1


def talk(size=240):
    names = list(TOPICS.values())[:3]
    return [
        {"role": ("user", "assistant")[n % 2], "content": names[n * 3 // size].format(n=n) + f" So much for day {n}."}
        for n in range(size)
    ]


ASKED = "Can you give me a complete summary of everything in our conversations?"


def of_topics(text):
    return [text.count(word) for word in ("tomato", "hull", "choir")]


@pytest.mark.parametrize("budget", [60, 100, 300, 1_000, 3_000])
def test_a_request_for_a_summary_fits_and_keeps_the_order(budget):
    packed = pack(talk(), query=ASKED, budget=budget, embedder="none")
    assert packed.tokens <= budget
    days = [int(one) for text in packed.text.split("So much for day ")[1:] for one in [text.split(".")[0]]]
    assert days == sorted(days)


def test_a_summary_is_asked_of_the_whole():
    packed = pack(talk(), query=ASKED, budget=700, embedder="none")
    told = [one for one in packed.report.decisions if one.cause == "story"]
    assert told and all(one.form == "extract" and one.reason == "a part of the whole" for one in told)
    assert min(of_topics(packed.text)) > 0
    assert {one.position * 3 // 240 for one in packed.report.decisions if one.form != "out"} == {0, 1, 2}
    again = pack(talk(), query=ASKED, budget=700, embedder="none")
    assert again.messages == packed.messages


def test_items_are_told_like_messages():
    items = [Item(id=f"t{n}", text=one["content"], role=one["role"]) for n, one in enumerate(talk())]
    packed = pack(items=items, query=ASKED, budget=700, embedder="none")
    assert packed.tokens <= 700
    assert min(of_topics(packed.text)) > 0
    assert any(one.cause == "story" for one in packed.report.decisions)


def test_other_questions_are_packed_as_before():
    packed = pack(talk(), query="How many cracks has the hull on day 101?", budget=700, embedder="none")
    assert not [one for one in packed.report.decisions if one.cause == "story"]


def test_what_must_stay_stays():
    messages = talk()
    packed = pack(messages, query=ASKED, budget=400, embedder="none", pins=[7])
    assert messages[7] in packed.messages


def test_many_chunks_of_files_are_told_without_a_tree(tmp_path):
    for name, text in TOPICS.items():
        (tmp_path / f"{name}.md").write_text("\n\n".join(f"# Day {n}\n\n" + text.format(n=n) * 20 for n in range(300)))
    files = ctxwin.Files(tmp_path)
    packed = pack(query="Give me a complete summary of the whole project.", files=files, budget=3_000, embedder="none")
    assert packed.tokens <= 3_000
    told = [one for one in packed.report.decisions if one.cause == "story"]
    assert len({one.id.split(":")[0] for one in told}) > 1
    assert not files.pool_for("")[0].tree.take_new()


def test_where_there_is_little_to_tell_the_room_goes_to_the_turns():
    messages = []
    for n in range(40):
        call = {"id": f"c{n}", "type": "function", "function": {"name": "read", "arguments": f'{{"n": {n}}}'}}
        messages += [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": f"c{n}", "content": f"Page {n}. " + TOPICS["boat"].format(n=n) * 4},
        ]
    packed = pack([{"role": "user", "content": "Read."}, *messages], ASKED, 2_000, embedder="none")
    assert 1_700 < packed.tokens <= 2_000
