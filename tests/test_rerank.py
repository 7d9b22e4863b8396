"""The second look: what a reranker says changes the choice, within bounds, and bad answers are refused."""

import asyncio

import numpy as np
import pytest

from ctxwin import Item, apack, pack
from ctxwin.errors import InputError
from ctxwin.packing.judge import RERANKED
from ctxwin.retrieve.rerank import get_reranker, rerank

ITEMS = [f"The key to the house number {n} is with neighbour {n}." for n in range(60)]
ITEMS.append("The key to the house is under the third stone.")
QUESTION = "Where is the key to the house?"


def stones(question, texts):
    assert question == QUESTION
    return [float("neighbour 7." in text) for text in texts]


def test_what_it_says_changes_the_choice():
    plain = pack(items=ITEMS, query=QUESTION, budget=60, embedder="none")
    again = pack(items=ITEMS, query=QUESTION, budget=60, embedder="none", reranker=stones)
    assert "third stone" in plain.text
    assert "neighbour 7." not in plain.text
    assert "neighbour 7." in again.text


def test_it_is_asked_about_the_best_items_with_their_titles_and_speakers():
    asked = []

    def note(question, texts):
        asked.append(texts)
        return [0] * len(texts)

    items = [*ITEMS, Item(text="The key to the house hangs in the hall.", speaker="Ana")]
    same = pack(items=items, query=QUESTION, budget=60, embedder="none", reranker=note)
    assert len(asked) == 1
    assert len(asked[0]) == RERANKED
    assert "Ana: The key to the house hangs in the hall." in asked[0]
    assert same.messages == pack(items=items, query=QUESTION, budget=60, embedder="none").messages


def test_it_orders_the_best_and_no_others():
    """One that loves the worst items cannot bring in what words did not find."""
    items = [*ITEMS, *(f"Rain is falling on hill {n}." for n in range(60))]
    packed = pack(
        items=items,
        query=QUESTION,
        budget=200,
        embedder="none",
        reranker=lambda _, texts: ["Rain" in text for text in texts],
    )
    shown = [one for one in packed.report.decisions if one.form != "out"]
    assert {one.cause for one in shown if "Rain" in one.preview} <= {"filler"}
    assert len([one for one in shown if "key" in one.preview]) > 5


def test_messages_and_items_are_looked_at_together():
    talk = [{"role": "user", "content": text} for text in ITEMS[:20]] + [{"role": "user", "content": QUESTION}]
    packed = pack(talk, items=ITEMS[20:], budget=80, embedder="none", reranker=stones)
    assert packed.tokens <= 80
    assert "neighbour 7." in packed.text


def test_within_an_event_loop():
    packed = asyncio.run(apack(items=ITEMS, query=QUESTION, budget=60, embedder="none", reranker=stones))
    assert "neighbour 7." in packed.text


@pytest.mark.parametrize(
    ("answer", "message"),
    [([1.0], r"shape \(1,\) for 20 texts"), ([float("nan")] * 20, "not finite"), ([[1.0]] * 20, r"\(20, 1\)")],
)
def test_a_bad_answer_is_refused(answer, message):
    with pytest.raises(InputError, match=message):
        pack(items=ITEMS, query=QUESTION, budget=60, embedder="none", reranker=lambda *_: answer)


def test_what_is_no_reranker_is_refused():
    with pytest.raises(InputError, match="not int"):
        get_reranker(3)


def test_scores_are_scaled_on_a_fixed_grid():
    given = get_reranker(lambda _, texts: [3, 1.00001, 1, 2])
    assert rerank(given, "?", list("abcd")).tolist() == pytest.approx([1, 0, 0, 0.5])
    assert rerank(get_reranker(lambda _, texts: [4, 4]), "?", ["a", "b"]).tolist() == [0, 0]


@pytest.mark.slow
def test_a_cross_encoder_of_the_library_by_its_folder(tmp_path):
    transformers = pytest.importorskip("transformers")
    pytest.importorskip("torch").manual_seed(7)  # random weights may score two texts alike
    (tmp_path / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "key", "house"]))
    transformers.BertTokenizer(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)
    config = transformers.BertConfig(
        vocab_size=7, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8, num_labels=1
    )
    transformers.BertForSequenceClassification(config).save_pretrained(tmp_path)
    scores = np.asarray(get_reranker(str(tmp_path)).score("key", ["house", "key house", "house"]))
    assert scores.shape == (3,)
    assert scores[0] == pytest.approx(scores[2], abs=1e-6)
    assert scores[0] != scores[1]
    packed = pack(items=ITEMS, query=QUESTION, budget=60, embedder="none", reranker=str(tmp_path))
    assert packed.tokens <= 60


@pytest.mark.slow
def test_a_name_that_is_no_model_is_told(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(InputError, match="no-such/cross-encoder"):
        get_reranker("no-such/cross-encoder")
