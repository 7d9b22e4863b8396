"""Vectors that are compared with a question: exactly, and with FAISS where they are too many to be in memory."""

import inspect
import json
import os
import subprocess
import sys
from email import message, policy
from pathlib import Path

import numpy as np
import pytest
from processes import run

import ctxwin
from ctxwin.embed import INDEXED_FROM, get_embedder
from ctxwin.embed.vectors import drop_indexed
from ctxwin.errors import InputError
from ctxwin.items import Item
from ctxwin.pool import Pool
from ctxwin.retrieve import DiskFirst
from ctxwin.retrieve.item_vectors import QUANTUM, similarity

FROM = 1_000
"""Texts from which these tests use an index."""
QUESTION = "How is a header of a message folded into lines?"


def lines():
    """Return distinct lines of the standard library: 2,000 real texts."""
    modules = [message, policy, inspect, json, subprocess]
    found = (line.strip() for one in modules for line in inspect.getsource(one).splitlines())
    return list(dict.fromkeys(line for line in found if len(line) > 12))[:2_000]


def indexed(**options):
    return get_embedder("static", indexed_from=FROM, **options)


def exact():
    return get_embedder("static", indexed_from=10**9)


def folders():
    return sorted((Path(os.environ["CTXWIN_CACHE"]) / "nearest-1").glob("*"))


def packed(pool, embedder, question=QUESTION):
    return ctxwin.pack(items=pool, query=question, budget=1_000, embedder=embedder).text


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path / "cache"))


def unit(rows):
    rows = np.asarray(rows, np.float32)
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-9)


def test_a_cosine_depends_on_no_other_row_and_is_a_whole_number_of_steps():
    rng = np.random.default_rng(2)
    matrix = unit(rng.standard_normal((500, 384)))
    cosines = similarity(matrix, matrix[0])
    some = rng.integers(0, 500, 33)
    np.testing.assert_array_equal(similarity(matrix[some], matrix[0]), cosines[some])
    np.testing.assert_allclose(cosines, matrix @ matrix[0], atol=QUANTUM)
    np.testing.assert_allclose(cosines / QUANTUM, np.rint(cosines / QUANTUM), atol=1e-2)
    assert cosines[0] == 1


def test_vectors_of_another_embedder_are_refused():
    matrix, query = unit(np.ones((5, 384))), unit(np.ones(256))
    with pytest.raises(InputError, match=r"\(5, 384\).*\(256,\).*same embedder"):
        similarity(matrix, query)
    disk, _ = indexed().index(lines())
    with pytest.raises(InputError, match="same embedder"):
        DiskFirst(disk, matrix[:0]).cosines(unit(np.ones(384)))


def test_an_index_has_the_vectors_of_the_cache_and_finds_nearly_all_of_the_best():
    texts = lines()
    matrix = exact().embed(texts)
    disk, rows = indexed().index(texts)
    np.testing.assert_array_equal(disk[rows], matrix)
    np.testing.assert_allclose(disk.mean, matrix.mean(axis=0), atol=1e-6)
    found = [
        len(np.intersect1d(rows[np.argsort(-(matrix @ query), kind="stable")[:200]], disk.near(query, 400))) / 200
        for query in exact().embed([QUESTION, "json decoding of numbers", "wait for a child process", *texts[:50]])
    ]
    assert np.mean(found) >= 0.98
    assert min(found) >= 0.9


def test_best_and_least_on_disk_and_all_in_memory_have_their_own_cosines_and_the_rest_a_mean():
    texts = lines()
    query = exact().embed([QUESTION])[0]
    disk, rows = indexed().index(texts)
    more = exact().embed(["headers of messages are folded", "tax law"])
    both = DiskFirst(disk, more, searched=300)
    cosines, own = both.cosines(query), similarity(exact().embed(texts), query)
    best = np.argsort(-own, kind="stable")[:100]
    np.testing.assert_array_equal(cosines[rows[best]], own[best])
    np.testing.assert_array_equal(cosines[len(disk) :], similarity(more, query))
    others = cosines[rows][cosines[rows] != own]
    assert len(set(others.tolist())) == 1
    assert abs(cosines[: len(disk)].mean() - own.mean()) < 2 * QUANTUM
    assert (cosines.min(), cosines.max()) == (min(own.min(), cosines[-2:].min()), max(own.max(), cosines[-2:].max()))
    np.testing.assert_array_equal(both[np.array([len(disk) + 1, rows[5]])], np.stack([more[1], disk[rows[5]]]))
    np.testing.assert_array_equal(both[len(disk)], more[0])


def test_plans_are_those_of_exact_products_and_the_vectors_leave_memory():
    texts = lines()
    pool, other = Pool(texts), Pool(texts)
    assert packed(pool, indexed()) == packed(other, exact())
    assert packed(pool, indexed(), "json numbers") == packed(other, exact(), "json numbers")
    assert len(folders()) == 1
    assert packed(other, indexed()) == packed(pool, indexed())  # what was in memory moves to the index
    assert len(other._vectors[exact().name]._matrix.array) == 0


def test_few_vectors_need_no_index():
    texts = lines()[:FROM]
    packed(Pool(texts), indexed())
    assert not folders()
    packed(Pool([*texts, "one more"]), indexed())
    assert len(folders()) == 1
    assert INDEXED_FROM == 50_000


def test_faiss_is_loaded_for_an_index_only():
    code = """
        import sys, ctxwin
        ctxwin.pack(items=[f"Note {n} is about {n * n}." for n in range(300)], query="81?", budget=200)
        print("faiss" in sys.modules)
    """
    assert run(code) == "False\n"


def test_another_set_of_texts_has_an_index_of_its_own_in_place_of_the_one_before():
    texts = lines()
    pool = Pool(texts[:1_900])
    packed(pool, indexed())
    before = folders()
    pool.extend(texts[1_900:1_910])
    assert packed(pool, indexed()) == packed(Pool(texts[:1_910]), exact())
    assert len(folders()) == 1
    assert folders() != before
    thin = pool.take(np.arange(0, 1_910, 3))  # too few for an index: their vectors are read into memory
    assert packed(thin, indexed()) == packed(Pool(texts[:1_910:3]), exact())


def test_an_index_is_the_same_whatever_was_indexed_before(tmp_path, monkeypatch):
    texts = lines()
    grown = Pool(texts[:1_900])
    packed(grown, indexed())
    grown.extend(texts[1_900:])
    found = []
    for folder, pool in (("cache", grown), ("other", Pool(texts))):
        monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path / folder))
        packed(pool, indexed())
        [place] = folders()
        found.append({file.name: file.read_bytes() for file in place.iterdir()})
    assert found[0] == found[1]


def test_a_talk_is_compared_exactly():
    talk = [{"role": "user", "content": text} for text in lines()]
    texts = [ctxwin.pack(talk, QUESTION, 1_000, embedder=one()).text for one in (indexed, exact)]
    assert texts[0] == texts[1]
    assert not folders()


@pytest.mark.parametrize("file", ["about.json", "codes.faiss", "keys.npy", "mean.npy", "vectors.npy"])
@pytest.mark.parametrize("damage", ["gone", "empty", "cut", "other", "flipped"])
def test_a_damaged_index_is_built_again(file, damage):
    texts = lines()
    expected = packed(Pool(texts), indexed())
    [folder] = folders()
    path, whole = folder / file, (folder / file).read_bytes()
    damaged = {
        "empty": b"",
        "cut": whole[: len(whole) // 2],
        "other": b"\0" * len(whole),
        "flipped": whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:],
    }
    path.unlink() if damage == "gone" else path.write_bytes(damaged[damage])
    assert packed(Pool(texts), indexed()) == expected
    assert [one.name for one in folders()] == [folder.name]
    assert path.read_bytes() == whole


def test_erased_texts_leave_every_index():
    texts = lines()
    packed(Pool(texts), indexed())
    drop_indexed(["a text that no index has"])
    assert len(folders()) == 1
    drop_indexed([texts[7]])
    assert not folders()
    assert packed(Pool(texts[8:]), indexed()) == packed(Pool(texts[8:]), exact())


@pytest.mark.parametrize("change", ["gone", "changed"])
def test_texts_of_a_file_that_is_gone_or_changed_leave_the_index(tmp_path, change):
    notes = tmp_path / "notes"
    notes.mkdir()
    for n, line in enumerate(lines()[: FROM + 50]):
        (notes / f"{n}.txt").write_text(f"{line}\n")
    files = ctxwin.Files(notes)
    ctxwin.pack(query=QUESTION, files=files, budget=500, embedder=indexed())
    assert len(folders()) == 1
    assert not files.refresh()
    assert len(folders()) == 1
    path = notes / "3.txt"
    path.unlink() if change == "gone" else path.write_text("Something else.\n")
    assert files.refresh()
    assert not folders()
    again = ctxwin.pack(query=QUESTION, files=files, budget=500, embedder=indexed())
    assert again.text == ctxwin.pack(query=QUESTION, files=notes, budget=500, embedder=exact()).text


BUILD = """
    import hashlib, sys, ctxwin
    from ctxwin.embed import get_embedder
    texts = open(sys.argv[1], encoding="utf-8").read().split("\\n")
    embedder = get_embedder("static", indexed_from=1_000)
    packed = ctxwin.pack(items=texts, query=sys.argv[2], budget=1_000, embedder=embedder)
    print(hashlib.sha256(packed.text.encode()).hexdigest())
"""


def test_two_processes_build_and_use_one_index(tmp_path):
    path = tmp_path / "texts"
    path.write_text("\n".join(lines()), encoding="utf-8")
    code = inspect.cleandoc(BUILD)
    together = [
        subprocess.Popen([sys.executable, "-c", code, str(path), QUESTION], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = {one.communicate(timeout=300)[0] for one in together}
    assert [one.returncode for one in together] == [0, 0, 0]
    assert len(said) == 1
    assert len(folders()) == 1
    assert said == {run(BUILD, path, QUESTION)}


@pytest.mark.filterwarnings("ignore::ctxwin.store.cache.CacheWarning")
def test_without_a_place_on_disk_the_index_is_in_memory(tmp_path, monkeypatch):
    expected = packed(Pool(lines()), exact())
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path / "file" / "cache"))
    assert packed(Pool(lines()), indexed()) == expected


def test_what_a_killed_build_left_goes_with_time():
    left = Path(os.environ["CTXWIN_CACHE"]) / "nearest-1" / ".building-x"
    left.parent.parent.mkdir(mode=0o700)
    left.mkdir(parents=True)
    packed(Pool(lines()), indexed())
    assert left.exists()  # it may be another process's work
    os.utime(left, (0, 0))
    drop_indexed(["any"])
    assert not left.exists()
    assert len(folders()) == 1


def test_an_index_that_nobody_opened_for_long_goes_when_another_is_built():
    packed(Pool(lines()), indexed())
    [old] = folders()
    os.utime(old, (0, 0))
    others = [f"{text} in another project" for text in lines()]
    packed(Pool(others), indexed())
    assert len(folders()) == 1
    assert folders() != [old]


def test_progress_is_told_and_an_embedder_that_fails_leaves_nothing():
    told = []
    packed(Pool(lines()), indexed(on_progress=lambda done, total: told.append((done, total))))
    done = [one for one, total in told if total == len(lines())]
    assert done == [1_000, len(lines())]
    for folder in folders():
        drop_indexed(lines()[:1])
        assert not folder.exists()

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        packed(Pool(lines()), indexed(on_progress=stop))
    assert not folders()


def test_vectors_that_are_not_kept_are_not_indexed():
    pool = Pool([Item(text=text) for text in lines()])
    packed(pool, get_embedder(exact().embed, indexed_from=FROM))
    assert not folders()


def test_the_cache_command_shows_and_clears_indexes():
    packed(Pool(lines()), indexed())
    clear = [sys.executable, "-m", "ctxwin", "cache", "clear", "--yes", "--json"]
    said = json.loads(subprocess.run(clear, capture_output=True, text=True, check=True).stdout)
    [kind] = [one for one in said["kept"] if one["kind"] == "nearest"]
    assert (kind["files"], kind["bytes"] > 2_000 * 256 * 2) == (1, True)
    assert not folders()
