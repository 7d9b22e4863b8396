"""Budgets of a few sentences: extracts of one sentence and more, chosen by words and by vectors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctxwin import Item, pack
from ctxwin.renditions import Sentences, split, text_forms
from ctxwin.tokens import get_tokenizer

TOKENIZER = get_tokenizer("o200k_base")
WEIGHTS = {"pump": 3.0, "noon": 1.0}
FILLER = (
    "The report was written by the night shift. Nobody had slept much in that week. It rained on the yard for hours. "
    "The gate stood open as usual. Two lorries waited for their papers. "
)


def report(sentence: str) -> str:
    return f"{FILLER}{sentence} {FILLER}"


def extracts(source: Sentences, room: int | None, likeness: np.ndarray | None = None) -> list[tuple[str, float]]:
    forms = text_forms(source, WEIGHTS, label="x", room=room, likeness=likeness)
    return [(form.text.strip(), form.share) for form in forms if form.kind == "extract"]


def test_a_few_tokens_keep_the_sentences_that_answer_from_two_long_units():
    said = ["The pump of hall A failed at noon.", "The pump of hall B failed at dusk."]
    others = [
        f"The {thing} was painted green again." for thing in ("door", "roof", "desk", "sink", "lamp", "wall", "bed")
    ]
    items = [Item(kind="passage", text=report(one)) for one in (*others[:4], said[0], *others[4:], said[1])]
    packed = pack(
        query="When did the pump of hall A and the pump of hall B fail?", items=items, budget=60, embedder="none"
    )
    assert packed.tokens <= 60
    assert all(one in packed.text for one in said)


def test_a_turn_of_a_conversation_has_forms_of_a_few_sentences_too():
    talk = [
        {"role": "user", "content": report("I moved to Oslo in March.")},
        {"role": "assistant", "content": report("Then you need a warm coat.")},
        {"role": "user", "content": report("My sister stayed in Bergen.")},
        {"role": "assistant", "content": report("You could visit her by train.")},
    ]
    packed = pack(talk, "Did my sister stay in Bergen?", budget=60, embedder="none")
    assert packed.tokens <= 60
    assert "My sister stayed in Bergen. …" in packed.text and "Oslo" not in packed.text


def test_meaning_finds_a_sentence_that_shares_no_word_with_the_question():
    meaning = "The vehicle would not start in the cold."

    def embed(texts: list[str]) -> list[list[float]]:
        cars = ("vehicle", "car", "engine")
        return [[1.0, 0.1] if any(word in text.lower() for word in cars) else [0.0, 1.0] for text in texts]

    items = [Item(kind="passage", text=report("The door was painted.")), Item(kind="passage", text=report(meaning))]
    packed = pack(query="What was wrong with my car?", items=items, budget=60, embedder=embed)
    assert meaning in packed.text


def test_a_text_that_is_long_for_the_room_has_extracts_of_one_sentence_two_and_more():
    source = split(report("The pump failed at noon."), TOKENIZER)
    plain, few = extracts(source, None), extracts(source, 60)
    assert few[-1][0] == "… The pump failed at noon. …"
    assert len(few) > len(plain)
    sizes = TOKENIZER.count_many([text for text, _ in few])
    assert sizes == sorted(sizes, reverse=True)
    assert few[-1] not in plain


def test_a_short_text_has_an_extract_of_one_sentence_where_sentences_compete():
    source = split("We met in the yard. The pump failed at noon. It rained.", TOKENIZER)
    assert extracts(source, 90)[-1][0] == "… The pump failed at noon. …"
    around = "We met in the yard of the old mill. {} It rained all day long."
    items = [Item(kind="passage", text=around.format(one)) for one in ("The pump failed.", "We had tea.")]
    packed = pack(query="What of the pump?", items=items, budget=32, embedder="none")
    assert packed.tokens <= 32 and "… The pump failed. …" in packed.text


def test_a_sentence_that_finds_no_room_leaves_the_room_to_others():
    long = "The pump of the hall, " + "which was built by the brothers, " * 9 + "failed at noon."
    source = split(f"It rained. {long} The pump is old. We had tea.", TOKENIZER)
    assert extracts(source, 30)[-1][0] == "… The pump is old. …"


def test_shares_are_in_proportion_to_tokens_where_no_sentence_has_a_word_of_the_question():
    source = split(FILLER, TOKENIZER)
    forms = text_forms(source, {"whale": 3.0}, label="x", room=90)
    for form in forms[:-1]:
        kept = sum(source.tokens[i] for i, one in enumerate(source.texts) if one in form.text)
        assert form.share == pytest.approx(kept / source.tokens.sum(), rel=0.1)


def test_words_that_an_extract_says_count_once():
    said = "The pump is old. The pump is red. It failed at noon. We had tea."
    source = split(said, TOKENIZER)
    taken = [form.text.strip() for form in text_forms(source, WEIGHTS, label="x", room=90) if form.kind == "extract"]
    assert taken[-2:] == ["The pump is old. … It failed at noon. …", "The pump is old. …"]


def test_likeness_counts_beside_words():
    text = report("The machine broke down.")
    source = split(text, TOKENIZER)
    likeness = np.array(["machine" in one for one in source.texts], np.float32)
    assert extracts(source, 60, likeness)[-1][0] == "… The machine broke down. …"


@given(st.integers(0, 400), st.booleans())
def test_shares_and_sizes_fall_and_a_large_room_changes_nothing_in_tool_output(more: int, tool_output: bool):
    source = split(report("The pump failed at noon."), TOKENIZER)
    enough = source.total
    output = {"weights": WEIGHTS, "label": "x", "tool_output": True}
    assert text_forms(source, room=enough + more, **output) == text_forms(source, **output)
    room = max(1, 2 * enough * more // 401)
    forms = text_forms(source, WEIGHTS, label="x", tool_output=tool_output, room=room)
    tokens, shares = [form.tokens for form in forms], [form.share for form in forms]
    assert tokens == sorted(tokens, reverse=True) and shares == sorted(shares, reverse=True)


@pytest.mark.parametrize("end", ["?", "？”"])
def test_a_sentence_that_asks_gives_way_to_one_that_says(end: str):
    text = "It rained. Did the pump fail at noon{} The pump failed early. We had tea."
    assert extracts(split(text.format("."), TOKENIZER), 90)[-1][0] == "… Did the pump fail at noon. …"
    assert extracts(split(text.format(end), TOKENIZER), 90)[-1][0] == "… The pump failed early. …"


def test_words_in_one_sentence_are_worth_more_than_the_same_words_far_apart():
    apart = "The pump was painted. {} The brewery of Ulm was sold. Somebody failed at noon. {}"
    close = "Somebody was painted. {} The pump of Ulm failed at noon. The brewery was sold. {}"
    filler = "Nobody had slept. It rained on the yard."
    items = [
        Item(id=name, kind="passage", text=text.format(filler, filler))
        for name, text in (("apart", apart), ("close", close))
    ]
    packed = pack(query="When did the pump of Ulm fail?", items=items, budget=48, embedder="none")
    p = {one.id: one.p for one in packed.report.decisions if one.id in ("apart", "close")}
    assert p["apart"] < p["close"] == 1.0
    assert "The pump of Ulm failed at noon." in packed.text
