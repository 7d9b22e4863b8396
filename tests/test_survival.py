"""Answer survival on cases made by hand, and a set scored by it."""

from __future__ import annotations

import gzip
import json

import pytest
from command_line import run_here

from ctxwin.errors import InputError
from ctxwin.evaluate import Dataset, GoldQuery, evaluate
from ctxwin.evaluate.references import bm25_sentences, hybrid, hybrid_sentences
from ctxwin.evaluate.survival import is_answered, survival
from ctxwin.items import Item


def asks(*answers, text="Where is the cup?", gold=("1",)):
    return GoldQuery(qid="q", source="s", text=text, gold=gold, answers=answers)


@pytest.mark.parametrize(
    ("packed", "answer", "share"),
    [
        ("Ana: It is on the RED table.", "on the red table", 1.0),
        ("Ana: 'red-table'!", "Red, table.", 1.0),
        ("Ana: The table is old. Bo: Red is nice.", "the red table", 1.0),  # said anywhere, stop words left out
        ("Ana: The table is old.", "the red table", 0.5),
        ("Ana: The tables are red-hot.", "the red table", 0.5),  # whole words only
        ("Ana: In 1990.", "90", 0.0),
        ("Ana: It cost 90.", "90", 1.0),
        ("Ana: The reds.", "red", 0.0),  # an answer of one word has no share
        ("Ana: Not yet.", "not yet", 1.0),
        ("Ana: Yet again.", "not again", 0.0),  # two stop words: nothing to share
        ("", "red table", 0.0),
        ("安娜：杯子在红色的桌子上。", "红色的桌子", 1.0),
        ("安娜：杯子在 红色 的 桌子 上。", "红色的桌子", 1.0),  # Chinese without spaces
        ("安娜：桌子是旧的。", "红桌子", 2 / 3),
        ("死亡人数为１２人。", "12人", 1.0),  # full-width digits
        ("死亡人数为112人。", "12人", 0.5),
    ],
)
def test_an_answer_survives_as_far_as_it_is_said(packed, answer, share):
    assert survival(packed, asks(answer)) == pytest.approx(share)


def test_the_best_of_several_answers_counts():
    assert survival("Ana: Stanley Hall.", asks("G. Stanley Hall", "Stanley Hall")) == 1.0
    assert survival("Ana: Stanley Hall.", asks("Granville Hall", "G. Stanley Miller Hall")) == 0.5


def test_the_question_that_ends_the_request_is_no_text():
    query = asks("red table", text="Is the cup on the red table?")
    assert survival("Ana: No idea.\n\nIs the cup on the red table?", query) == 0.0
    assert survival("Bo: Is the cup on the red table?\n\nIs the cup on the red table?\n", query) == 1.0


def test_queries_whose_evidence_does_not_say_the_answer_are_left_out():
    units = {"1": Item(id="1", text="The lease ends."), "2": Item(id="2", text="It is the end of March 2023.")}
    assert is_answered(asks("in March 2023", gold=("2",)), units)
    assert is_answered(asks("March 2024", gold=("1", "2")), units)  # half of it
    assert not is_answered(asks("7 March 2024", gold=("2",)), units)
    assert not is_answered(asks("in March 2023", gold=("1",)), units)
    assert not is_answered(asks(gold=("2",)), units)
    assert not is_answered(asks("May", gold=()), units)


def flats() -> Dataset:
    """Return a set of long texts, each with one sentence that answers, and one question that nothing answers."""
    filler = "The house was built long ago. Its walls are thick. The garden is small but sunny. Trams stop in front."
    units = [
        Item(id=str(n), kind="passage", text=f"{filler} Flat {n} costs {n * 37} euros. {filler}") for n in range(9)
    ]
    queries = [
        GoldQuery(
            qid=f"q{n}", source="s", text=f"What does flat {n} cost?", gold=(str(n),), answers=(f"{n * 37} euros",)
        )
        for n in (3, 7)
    ]
    lost = GoldQuery(qid="lost", source="s", text="Who lives in flat 1?", gold=("1",), answers=("Ana Brown",))
    return Dataset(name="flats", sources={"s": tuple(units)}, queries=(*queries, lost))


def test_a_set_is_scored_by_answers_and_compared_by_them():
    ways = ["ref:bm25", "ref:bm25_sentences"]
    result = evaluate([flats()], variants=ways, budgets=[40], measure="answers", processes=1)
    assert {score.qid for score in result.scores} == {"q3", "q7"}
    whole, sentences = (row for row in result.rows if row.category is None)
    assert (whole.answers, sentences.answers, whole.recall) == (0.0, 100.0, 0.0)
    assert sentences.recall < 50.0
    assert [one.mean for one in result.differences] == [100.0]
    assert result.to_dict()["measure"] == "answers"
    by_evidence = evaluate([flats()], variants=ways[:1], budgets=[40], processes=1)
    assert {score.answer for score in by_evidence.scores} == {None} and len(by_evidence.scores) == 3
    assert by_evidence.rows[0].answers is None


def test_an_overrun_and_a_failure_score_nothing(monkeypatch):
    from ctxwin.evaluate import variants

    def everything(units, items, query, budget, count):
        return [{"role": "user", "content": "\n".join(item.text for item in items)}]

    monkeypatch.setitem(variants.OUTSIDE, "ref:bm25", everything)
    result = evaluate([flats()], variants=["ref:bm25", "auto@none"], budgets=[14], measure="answers", processes=1)
    assert {(score.variant, score.answer) for score in result.scores} == {("ref:bm25", 0.0), ("auto@none", 0.0)}
    assert len(result.overruns) == 2 and len(result.failures) == 2


@pytest.mark.parametrize("way", [bm25_sentences, hybrid, hybrid_sentences])
def test_references_fit_their_budget_and_keep_the_order(way):
    items = flats().sources["s"]
    words = lambda text: len(text.split())  # noqa: E731
    query = GoldQuery(qid="q", source="s", text="What do flat 2 and flat 5 cost?")
    made = way({}, items, query, 100, words)
    assert sum(words(one["content"]) + 4 for one in made) <= 100
    assert made[-1]["content"] == query.text
    if way is not hybrid:
        assert made[0]["content"].index("Flat 2") < made[0]["content"].index("Flat 5")
    assert way({}, (), query, 100, words) == made[1:]


def test_the_command_shows_answers_and_refuses_another_measure(tmp_path):
    dataset = flats()
    folder = tmp_path / "flats"
    folder.mkdir()
    with gzip.open(folder / "units.jsonl.gz", "wt", encoding="utf-8") as file:
        for item in dataset.sources["s"]:
            file.write(json.dumps({"source": "s", "uid": item.id, "text": item.text, "kind": "passage"}) + "\n")
    rows = [
        {"qid": one.qid, "source": "s", "query": one.text, "gold": one.gold, "answers": [[one.answers[0], "no"]]}
        for one in dataset.queries
    ]
    (folder / "queries.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    arguments = ("eval", str(folder), "--budgets", "40", "--compare", "ref:bm25,ref:bm25_sentences", "--processes", "1")
    done = run_here(*arguments, "--measure", "answers")
    assert done.returncode == 0, done.stderr
    assert "answers % (2 queries)" in done.stdout and "recall %" in done.stdout and "+100.0" in done.stdout
    done = run_here(*arguments, "--measure", "facts")
    assert done.returncode == 2 and "unknown measure 'facts'; use one of evidence, answers" in done.stderr
    with pytest.raises(InputError, match="no query of these sets has an answer that its gold evidence says"):
        evaluate([Dataset(name="none", sources=dataset.sources, queries=dataset.queries[2:])], measure="answers")
