"""What is enough: the noise floor, the expected share of the evidence, `Budget(enough=)`, and the knee."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from command_line import run_here
from hypothesis import given, settings
from hypothesis import strategies as st

import ctxwin
from ctxwin import Budget, Item, Pool, pack
from ctxwin.errors import InputError
from ctxwin.evaluate.knee import corrected, knee, knee_at, probes_of
from ctxwin.retrieve import Curve, Index, ItemVectors, Query, Signs, shipped_curve
from ctxwin.retrieve.noise import LEAST, LIKELY, REACH, unrelated

PLACES = ("harbour", "orchard", "library", "quarry", "station", "bakery", "museum", "chapel")
THINGS = ("crate", "ladder", "kettle", "bicycle", "lantern", "barrel", "violin", "compass")
QUESTION = "Which colour did Ilse paint the greenhouse door?"
ANSWER = "Ilse painted the greenhouse door turquoise before the frost came."


def small_talk(turns: int) -> list[dict[str, str]]:
    """Make turns that have nothing to do with the question, with the answer in their midst."""
    said = [
        f"The {THINGS[n % 8]} from the {PLACES[n // 8 % 8]} weighs {17 * n % 91} pounds, said number {n}."
        for n in range(turns)
    ]
    said[turns // 2] = ANSWER
    said[turns // 2 + 1] = "So the greenhouse door has the colour that Ilse wanted."
    return [{"role": "user", "content": text} for text in said]


def asked(turns: int, question: str = QUESTION) -> list[dict[str, str]]:
    return [*small_talk(turns), {"role": "user", "content": question}]


def test_what_is_unrelated_is_left_out_and_said_so():
    packed = pack(asked(400), budget=7_000, embedder="none")
    assert ANSWER in packed.text
    assert packed.tokens < 0.7 * 7_000
    out = packed.report.dropped
    assert len(out) > 150
    assert {one.cause for one in out} == {"irrelevant"}
    assert {one.reason for one in out} == {"not relevant"}
    assert f"nothing else is relevant: {len(out)} items out" in str(packed)


def test_a_full_request_does_not_say_that_nothing_else_is_relevant():
    packed = pack(asked(200, "Which things did we weigh in pounds?"), budget=500, embedder="none")
    assert any(one.cause == "outbid" for one in packed.report.dropped)
    assert "nothing else" not in str(packed)


def test_a_conversation_that_fits_goes_whole():
    messages = asked(100)
    packed = pack(messages, budget=8_000, embedder="none")
    assert packed.messages == messages
    assert packed.report.expected.share == 1.0


@pytest.mark.parametrize(
    "question", ["In what order did we talk about things throughout our conversations?", "Ilse?"], ids=["order", "term"]
)
def test_a_question_that_nothing_is_unrelated_to_has_no_floor(question):
    packed = pack(asked(200, question), budget=1_500, embedder="none")
    assert packed.tokens > 1_400


@pytest.mark.parametrize("fits", [False, True])
def test_chunks_of_files_obey_the_floor_even_where_all_fits(tmp_path, fits):
    for n, message in enumerate(small_talk(80)):
        (tmp_path / f"note{n}.md").write_text(message["content"] + "\n", encoding="utf-8")
    packed = pack(query=QUESTION, files=[str(tmp_path)], budget=20_000 if fits else 1_800, embedder="none")
    assert ANSWER in packed.text
    assert packed.tokens < 0.8 * packed.report.given
    assert sum(one.cause == "irrelevant" for one in packed.report.dropped) > 20


def test_a_task_has_no_floor():
    task = "Write a function that counts the crates from the harbour and the ladders from the quarry."
    packed = pack(asked(400, task), budget=3_000, embedder="none")
    assert packed.tokens > 2_900
    assert "irrelevant" not in {one.cause for one in packed.report.dropped}


def test_a_turn_that_is_worth_more_than_most_is_no_noise():
    p = np.array([1.0] + [0.0004] * 30 + [0.0002] * 30 + [0.0012] * 5, np.float32)
    far, turn = np.full(len(p), 0.0015), np.ones(len(p), np.bool_)
    marked = unrelated(p, p.astype(float), far, turn, by_vectors=True)
    assert np.flatnonzero(~marked).tolist() == [0, *range(61, 66)]
    assert unrelated(p, p.astype(float), far, ~turn, by_vectors=True)[1:].all()


def passages(count: int, title: str | None = None, words: int = 1) -> Index:
    """Return an index of short passages with vectors."""
    index = Index(
        [Item(text=f"Passage {n}." + " more" * (words - 1), kind="passage", title=title) for n in range(count)]
    )
    return index.with_vectors(ItemVectors(name="x", matrix=np.ones((count, 1), np.float32)))


def test_a_small_pool_shows_no_noise():
    p = np.array([1.0, *[0.00001] * (LEAST - 1)], np.float32)
    assert passages(LEAST).unrelated(p).tolist() == [False, *[True] * (LEAST - 1)]
    assert not passages(LEAST - 1).unrelated(p[1:]).any()


def test_by_words_alone_what_is_near_a_likely_item_is_no_noise():
    p = np.full(200, 0.0001, np.float32)
    p[100] = LIKELY
    marked = unrelated(p, p.astype(float), np.full(200, 0.0025), np.ones(200, np.bool_), by_vectors=False)
    assert np.flatnonzero(~marked).tolist() == list(range(100 - REACH, 100 + REACH + 1))


def test_a_titled_passage_may_be_the_second_step_to_an_answer():
    p = np.array([1.0] + [0.001] * 60, np.float32)
    assert passages(61).unrelated(p)[1:].all()
    assert not passages(61, "Oslo").unrelated(p).any()


def test_what_is_long_must_be_more_likely():
    p = np.array([1.0] + [0.002] * 60, np.float32)
    assert not passages(61).unrelated(p).any()
    assert passages(61, words=400).unrelated(p)[1:].all()


@given(st.lists(st.floats(0, 1, width=32), min_size=LEAST, max_size=200))
def test_what_is_likelier_and_as_long_is_no_noise_before_the_other(scores):
    p = np.array(scores, np.float32)
    marked = passages(len(p)).unrelated(p)
    assert not marked[p >= 0.01].any()
    assert p[marked].max(initial=0) <= p[~marked].min(initial=1)


def test_the_expected_share_rises_with_the_budget():
    shares = [pack(asked(300), budget=budget, embedder="none").report.expected for budget in (100, 300, 900)]
    assert [one.share for one in shares] == sorted(one.share for one in shares)
    assert all(0 <= one.low <= one.share <= one.high <= 1 for one in shares)


def test_the_expected_share_is_in_the_table_and_in_json():
    packed = pack(asked(300), budget=300, embedder="none")
    share = packed.report.expected.share
    assert f"about {100 * share:.0f} % of the evidence expected" in str(packed)
    assert packed.report.to_dict()["expected"]["share"] == share


def test_nothing_is_expected_without_a_question():
    assert ctxwin.compact(small_talk(300), 500).report.expected is None


@given(*[st.floats(0, 1)] * 4, st.floats(1, 1e6), st.floats(0, 5), st.booleans())
def test_a_curve_gives_shares_that_rise_with_what_is_inside(sure, part, second, unlike, length, apart, spread):
    curve = shipped_curve()
    one = Signs(sure=sure, part=part, length=length, second=second, apart=apart, unlike=unlike, spread=spread)
    more = replace(one, sure=min(1, sure + 0.1), part=min(1, part + 0.1))
    assert 0 <= curve.share(one) <= curve.share(more) <= 1
    assert curve.least(one) <= curve.share(one)


def test_less_is_expected_of_questions_about_a_whole():
    once, throughout = (
        pack(asked(300, f"{start} did we say about the crate from the harbour?"), budget=900, embedder="none")
        for start in ("What", "Throughout our talks, what")
    )
    assert throughout.report.expected.share < once.report.expected.share - 0.1


def test_an_index_tells_how_far_the_best_item_stands_out():
    index = Index([Item(text=text) for text in (ANSWER, *[f"We weighed the {thing}." for thing in THINGS])])
    answered, vague, nothing = (Query(text=text) for text in (QUESTION, "What was weighed?", "Where is Uppsala?"))
    assert index.apart(answered) > index.apart(vague) == index.apart(nothing) == 0
    assert index.unlike(answered) < index.unlike(nothing) == 1
    assert Index().apart(answered) == 0


def test_the_shipped_curve_is_complete():
    assert isinstance(shipped_curve(), Curve)
    assert 0 < shipped_curve().error < 0.2


@pytest.mark.parametrize("enough", [0, -0.5, 1.5, True, "much", float("nan")])
def test_a_share_that_is_none_is_refused(enough):
    with pytest.raises(InputError, match="enough"):
        Budget(total=1_000, enough=enough)


def test_enough_takes_fewer_tokens_and_keeps_the_answer():
    talk = asked(300, "Which things from the orchard and the greenhouse did Ilse weigh?")
    whole = pack(talk, budget=Budget(total=4_000), embedder="none")
    less, much = (pack(talk, budget=Budget(total=4_000, enough=share), embedder="none") for share in (0.6, 0.95))
    assert less.tokens < much.tokens < whole.tokens
    assert ANSWER in less.text
    assert less.report.limit == 4_000


def test_enough_cuts_what_would_fit():
    talk = asked(100)
    assert pack(talk, budget=8_000, embedder="none").messages == talk
    assert pack(talk, budget=Budget(total=8_000, enough=0.8), embedder="none").tokens < 1_500


@settings(deadline=None, max_examples=30)
@given(
    turns=st.integers(5, 120),
    total=st.integers(200, 6_000),
    enough=st.floats(0.05, 1),
    question=st.sampled_from([QUESTION, "What weighs 17 pounds?", "Which kettle is at the quarry and which violin?"]),
)
def test_packing_again_with_the_same_enough_changes_nothing(turns, total, enough, question):
    budget = Budget(total=total, enough=enough)
    packed = pack(asked(turns, question), budget=budget, embedder="none")
    assert packed.tokens <= total
    assert pack(packed.messages, budget=budget, embedder="none").messages == packed.messages


def test_a_window_keeps_enough(tmp_path):
    budget = Budget(total=4_000, enough=0.6)
    with ctxwin.Window(store=tmp_path / "w.db", id="w", budget=budget, embedder="none") as window:
        for message in asked(300):
            window.add(message)
        first = window.pack()
    assert first.tokens < 2_000
    with ctxwin.Window(store=tmp_path / "w.db", id="w", embedder="none") as window:
        assert window.budget == budget
        assert window.pack().tokens == first.tokens
        window.fork("copy").close()
    with ctxwin.Window(store=tmp_path / "w.db", id="copy", embedder="none") as window:
        assert window.budget == budget


def test_a_knee_needs_no_labels():
    talk = [Item(text=one["content"], role=one["role"]) for one in small_talk(200)]
    talk += [Item(text=QUESTION, role="user"), Item(text="Turquoise.", role="assistant")]
    found = knee(talk, total=2_000, enough=0.9, embedder="none")
    assert found.probes == 24
    assert [one.tokens for one in found.points] == [125, 250, 500, 1_000, 2_000]
    assert [one.expected for one in found.points] == sorted(one.expected for one in found.points)
    assert 125 <= found.tokens < 2_000
    assert found.said == f"{found.tokens:,} tokens keep 90 % of what 2,000 keep"


def test_sentences_are_half_remembered():
    pool = Pool([Item(text=message["content"], kind="passage") for message in small_talk(100)])
    probes = probes_of(pool)
    assert len(probes) == 24
    for one in probes:
        assert set(one.text.split()) < set(one.sentence.split())
        rarest = min(one.sentence.split(), key=lambda word: sum(word in item.text.split() for item in pool))
        assert rarest not in one.text.split()
    found = knee(pool, total=500, embedder="none")
    assert found.points[-1].answers >= found.points[0].answers > 0.5


def test_chinese_sentences_are_half_remembered():
    said = "王芳在{}月把绿色的自行车停在图书馆后面的小院子里。"
    probes = probes_of(Pool([Item(text=said.format(n), kind="passage") for n in "一二三四五六七八九"]))
    assert len(probes) == 9
    assert all(1 < len(one.text.replace(" ", "")) < len(one.sentence) for one in probes)


def test_what_sentences_show_corrects_the_knee():
    """The same talk, once with sentences that its own words lead to, once with sentences that nothing leads to."""
    shares = np.tile([0.5, 0.7, 0.8, 0.9, 0.95], (20, 1))
    found, lost = (corrected(shares, np.full(shares.shape, held)) for held in (1.0, 0.0))
    assert (found > shares).all()
    assert (lost < shares).all()
    assert (np.diff(lost) > 0).all()
    assert (corrected(shares, np.full(shares.shape, np.nan)) == shares).all()


def test_a_probe_may_be_larger_than_a_budget():
    found = knee(
        [Item(text=one["content"]) for one in small_talk(99)], probes=["Ilse? " * 90], total=999, embedder="none"
    )
    assert found.points[0].expected == 0
    assert found.points[-1].expected > 0


def test_a_knee_without_anything_to_ask_is_refused():
    with pytest.raises(InputError, match="questions of your own"):
        knee([Item(text="Hm.")], embedder="none")


@pytest.mark.parametrize(("shares", "tokens"), [((0.96, 0.98, 1.0), 100), ((0.0, 0.0, 1.0), 400), ((0.5, 0.9, 1), 300)])
def test_the_knee_lies_where_the_line_reaches_enough(shares, tokens):
    assert knee_at((100, 200, 400), shares, 0.95) == pytest.approx(tokens, abs=60)


def test_the_command_draws_the_curve_and_names_the_knee(tmp_path):
    place = tmp_path / "talk.json"
    place.write_text(json.dumps(asked(200)), encoding="utf-8")
    done = run_here("knee", place, "--total", "2k", "--embedder", "none")
    assert done.returncode == 0, done.stderr
    assert "tokens keep 95 % of what 2,000 keep" in done.stdout
    done = run_here("knee", place, "--ask", QUESTION, "--embedder", "none", "--json")
    assert json.loads(done.stdout)["probes"] == 1
