"""What every embedder gives, compared by value."""

import random
import warnings

import numpy as np
import pytest

from ctxwin.embed import Embedder, get_embedder

TEXTS = [
    "The lease starts on 1 May and costs 900 euros a month.",
    "Rent for the flat: 900 EUR, from May on.",
    "def parse(line): return line.split(',')",
    "Ana fed the cat.",
    "春天的花开了。🌸",
    "a" * 3_000,
    "word " * 20_000,
    "\x00\x01 NUL and \ud800 a lone surrogate",
    "?",
    "",
]


class Letters:
    """Ten lines of anybody's: counts letters."""

    name = "letters-1"

    def embed(self, texts):
        return np.array([[text.lower().count(letter) for letter in "etaoinshr"] for text in texts])


def _letters(texts):
    return Letters().embed(texts).tolist()


@pytest.fixture(
    scope="module",
    params=[
        "minilm",
        "multilingual",
        "static",
        Letters(),
        _letters,
        pytest.param("all-MiniLM-L6-v2", marks=pytest.mark.slow),
    ],
    ids=["minilm", "multilingual", "static", "object", "function", "sentence-transformers"],
)
def embedder(request, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what heavy libraries say when they are imported
        patch.setenv("CTXWIN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield get_embedder(request.param)


def test_it_has_a_name_and_one_method(embedder):
    assert isinstance(embedder, Embedder)
    assert embedder.name


def test_rows_are_float32_of_length_one_or_zero(embedder):
    vectors = embedder.embed(TEXTS)
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(TEXTS), vectors.shape[1])
    lengths = np.linalg.norm(vectors, axis=1)
    assert np.all((np.abs(lengths - 1) < 1e-3) | (lengths == 0))
    assert lengths[0] > 0


def test_a_text_has_one_vector_whatever_stands_beside_it(embedder):
    together = embedder.embed(TEXTS)
    backwards = embedder.embed(TEXTS[::-1])[::-1]
    alone = np.concatenate([embedder.embed([text]) for text in TEXTS])
    np.testing.assert_array_equal(together, backwards)
    np.testing.assert_array_equal(together, alone)


def test_the_model_itself_gives_the_same_alone_and_among_others(embedder):
    """Without the cache, which would hide that a batch changes what its texts get."""
    together = np.asarray(embedder.inner.embed(["A short one.", "Ana fed the cat.", "word " * 300]))
    alone = np.asarray(embedder.inner.embed(["Ana fed the cat."]))
    if embedder.name.startswith("sentence-transformers"):  # float32 in padded batches, before the rounding
        np.testing.assert_allclose(together[1], alone[0], atol=1e-5)
    else:
        np.testing.assert_array_equal(together[1], alone[0])


def test_repeated_texts_get_the_same_row_and_no_text_gets_none(embedder):
    vectors = embedder.embed([TEXTS[3], TEXTS[0], TEXTS[3]])
    np.testing.assert_array_equal(vectors[0], vectors[2])
    assert len(embedder.embed([])) == 0


def test_like_texts_are_nearer_than_unlike_ones(embedder):
    lease, rent, code = embedder.embed(TEXTS[:3])
    assert lease @ rent > lease @ code


def test_the_model_gives_a_text_the_same_bytes_in_every_batch(embedder):
    """Many texts of few lengths, so that batches are full, cut and left over: each as if it stood alone."""
    if embedder.name.startswith("sentence-transformers"):
        pytest.skip("float32 in padded batches differs in the last bits")
    chance = random.Random(3)
    words = ["lease", "harbour", "violin", "budget", "ok", "7", "café", "def", "None", "?"]
    texts = [" ".join(chance.choices(words, k=chance.choice([1, 2, 9, 9, 9, 30]))) for _ in range(150)]
    texts += ["word " * 200, "", TEXTS[4]] * 5
    together = np.asarray(embedder.inner.embed(texts))
    for place in range(0, len(texts), 3):
        assert np.asarray(embedder.inner.embed([texts[place]]))[0].tobytes() == together[place].tobytes()
