"""Files: which are read, how, in which order, under which name; what is left out is named."""

import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctxwin.errors import InputError
from ctxwin.files import MAX_BYTES, Files, Skipped, decode


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path_factory.mktemp("cache")))


def tree(root: Path, **files: str | bytes) -> Path:
    """Write files under a folder; `__` in a name stands for `/`, a leading `dot_` for a dot."""
    for name, content in files.items():
        path = root.joinpath(*(part.replace("dot_", ".") for part in name.split("__")))
        path = path.with_name(path.name.replace("_md", ".md").replace("_py", ".py").replace("_log", ".log"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return root


def test_a_folder_is_read_in_the_order_of_names_without_hidden_entries(tmp_path: Path) -> None:
    tree(
        tmp_path,
        b_py="b = 1\n",
        a_py="a = 1\n",
        sub__z_md="# Z\n",
        dot_git__config="x",
        dot_env="KEY=1",
        sub__dot_x="x",
    )
    found = Files(tmp_path)
    assert list(found.texts) == ["a.py", "b.py", "sub/z.md"]
    assert [item.source for item in found.items] == ["a.py", "b.py", "sub/z.md"]
    assert [item.id for item in found.items] == ["a.py#L1-1", "b.py#L1-1", "sub/z.md#L1-1"]
    assert found.skipped == ()
    assert repr(found) == "Files(3 files, 0 skipped)"


def test_chunks_of_a_file_join_to_its_text(tmp_path: Path) -> None:
    tree(tmp_path, a_md="# One\n\n" + "Words stand here.\n" * 400, b_py="x = 1\r\n" * 900)
    found = Files(tmp_path)
    for source, text in found.texts.items():
        parts = [item for item in found.items if item.source == source]
        assert len(parts) > 3
        assert "".join(part.text for part in parts) == text
    assert found.pool.items == list(found.items)


def test_equal_trees_give_equal_items(tmp_path: Path) -> None:
    for name in ("one", "two"):
        tree(tmp_path / name, **{key: f"{key} text\n" for key in ("c_md", "a_md", "x__b_md", "b__x_md")})
    assert Files(tmp_path / "one").items == Files(str(tmp_path / "two")).items


def test_what_gitignore_excludes_is_left_out_at_every_depth(tmp_path: Path) -> None:
    tree(
        tmp_path,
        dot_git__HEAD="ref",
        dot_gitignore="*.log\nbuild/\n/top.md\n!keep.log\n",
        top_md="no",
        a_log="no",
        keep_log="yes",
        build__x_md="no",
        sub__top_md="yes",
        sub__dot_gitignore="*.md\n!top.md\n",
        sub__other_md="no",
        sub__deep__b_log="no",
        sub__deep__dot_gitignore="!b.log\n",
    )
    assert list(Files(tmp_path).texts) == ["keep.log", "sub/top.md", "sub/deep/b.log"]
    # Rules of the folders around count too, up to the top of the repository.
    assert list(Files(tmp_path / "sub").texts) == ["top.md", "deep/b.log"]


def test_ctxwinignore_wins_over_gitignore(tmp_path: Path) -> None:
    tree(tmp_path, dot_gitignore="*.log\n", dot_ctxwinignore="!a.log\nb.md\n", a_log="yes", b_log="no", b_md="no")
    assert list(Files(tmp_path).texts) == ["a.log"]


def test_a_line_that_is_no_pattern_is_passed_over(tmp_path: Path) -> None:
    tree(tmp_path, dot_gitignore="!\n\\\n[\n*.log\n", a_log="no", b_md="yes")
    assert list(Files(tmp_path).texts) == ["b.md"]


def test_what_machines_made_is_left_out_unless_asked_for(tmp_path: Path) -> None:
    for name in ("__pycache__/a.pyc", "node_modules/b.js", "c.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("text\n")
    assert list(Files(tmp_path).texts) == ["c.md"]
    (tmp_path / ".ctxwinignore").write_text("!node_modules/\n")
    assert list(Files(tmp_path).texts) == ["c.md", "node_modules/b.js"]


def test_an_ignored_file_that_is_given_itself_is_read(tmp_path: Path) -> None:
    tree(tmp_path, dot_gitignore="*.log\n", a_log="yes\n", dot_env="K=1\n")
    found = Files([tmp_path / "a.log", tmp_path / ".env"])
    assert list(found.texts) == [(tmp_path / name).as_posix() for name in ("a.log", ".env")]


def test_sources_are_paths_below_one_folder_else_as_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, a__x_py="1\n", b__x_py="2\n", c_md="3\n")
    monkeypatch.chdir(tmp_path)
    assert list(Files("a").texts) == ["x.py"]
    assert list(Files(["a", "b/", "c.md", "./c.md"]).texts) == ["a/x.py", "b/x.py", "c.md"]
    assert list(Files("**/*.py").texts) == ["a/x.py", "b/x.py"]
    assert list(Files("a/../[bc]*").texts) == ["a/../c.md", "a/../b/x.py"]


def test_a_glob_takes_whole_folders_and_respects_what_is_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(
        tmp_path,
        dot_git__HEAD="",
        dot_gitignore="out/\n",
        src__a_py="1",
        src__sub__b_py="2",
        src__out__c_py="3",
        src__d_md="4",
    )
    monkeypatch.chdir(tmp_path)
    assert list(Files("src/*.py").texts) == ["src/a.py"]
    assert list(Files("src/**/*.py").texts) == ["src/a.py", "src/sub/b.py"]
    assert list(Files("s*").texts) == ["src/a.py", "src/d.md", "src/sub/b.py"]


def test_links_are_named_and_not_followed(tmp_path: Path) -> None:
    tree(tmp_path, a_md="text\n", sub__b_md="text\n")
    (tmp_path / "sub" / "loop").symlink_to(tmp_path)
    (tmp_path / "c.md").symlink_to(tmp_path / "a.md")
    found = Files(tmp_path)
    assert list(found.texts) == ["a.md", "sub/b.md"]
    assert {Path(one.path).name: one.reason for one in found.skipped} == dict.fromkeys(
        ("c.md", "loop"), "a link; give its target itself"
    )
    assert list(Files(tmp_path / "sub" / "loop").texts) == ["a.md", "sub/b.md"]


def test_what_cannot_be_read_is_named_with_the_reason(tmp_path: Path) -> None:
    tree(tmp_path, a_md="text\n", b=b"\x7fELF\x00\x01", c_md="x" * 101, d_md="going")
    os.mkfifo(tmp_path / "e")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "f"))
        found = Files(tmp_path, max_bytes=100, on_progress=lambda *_: (tmp_path / "d.md").unlink(missing_ok=True))
    assert list(found.texts) == ["a.md"]
    assert found.large == {"c.md": 101}
    assert found.skipped == (
        Skipped(path="b", reason="binary"),
        Skipped(path="d.md", reason="no such file or directory"),
        Skipped(path="e", reason="not a regular file"),
        Skipped(path="f", reason="not a regular file"),
    )


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_a_folder_without_permission_is_named(tmp_path: Path) -> None:
    tree(tmp_path, a_md="text\n", closed__b_md="text\n")
    (tmp_path / "closed").chmod(0)
    try:
        assert Files(tmp_path).skipped == (Skipped(path="closed", reason="permission denied"),)
    finally:
        (tmp_path / "closed").chmod(0o700)


def test_progress_is_told_of_every_file(tmp_path: Path) -> None:
    tree(tmp_path, a_md="text\n", b_md=b"\x00")
    heard: list[tuple[str, int, int]] = []
    found = Files(tmp_path, on_progress=lambda *told: heard.append(told))
    assert heard == [("reading files", 0, 2), ("reading files", 1, 2)]
    found.pool  # noqa: B018 - it is made now
    assert heard[2:] == [("cutting files", 0, 1), ("indexing", 0, 1)]


def test_names_that_would_break_a_citation_are_written_out(tmp_path: Path) -> None:
    for name in (b"a\nb.md", b"c\xff.md"):
        (Path(os.fsdecode(bytes(tmp_path))) / os.fsdecode(name)).write_text("text\n")
    assert list(Files(tmp_path).texts) == ["a\\x0ab.md", "c\\xff.md"]
    assert all(item.source.encode() for item in Files(tmp_path).items)


def test_an_empty_file_is_read_and_has_no_chunk(tmp_path: Path) -> None:
    tree(tmp_path, a_md="", b_md="text\n")
    found = Files(tmp_path)
    assert found.texts["a.md"] == ""
    assert [item.source for item in found.items] == ["b.md"]


def test_paths_that_lead_to_nothing_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tree(tmp_path, only__b=b"\x00\x01", only__big_log=b"\x00\x01" * MAX_BYTES)
    (tmp_path / "empty").mkdir()
    for paths, match in (
        ("nope", r"no file or folder 'nope' \(seen from .*check the path"),
        (["only", "a\x00b"], r"no file or folder 'a\\x00b'"),
        ("*.nope", r"'\*\.nope' matches no file"),
        ("nope/*.md", r"no file or folder 'nope/\*\.md'"),
        ("empty", r"no readable file in 'empty'; give text"),
        ("only", r"no readable file in 'only'; 2 skipped: 'b' \(binary\), 'big.log' \(binary\)"),
        ([], "no path given"),
    ):
        with pytest.raises(InputError, match=match):
            Files(paths)


TEXT = "Grüße aus Köln – 今天天气很好。\n"


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        b"\xfe\xff" + TEXT.encode("utf-16-be"),
        TEXT.encode("utf-32"),
        TEXT.encode("gb18030") * 9,
    ],
)
def test_encodings_are_told_apart(data: bytes) -> None:
    assert set(decode(data).splitlines()) == {TEXT.rstrip("\n")}


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("# Autor: José Pérez\ndef f(x):\n    return x\n" * 3, "latin-1"),
        ("今天天气很好，我们去公园玩。明天要下雨了，记得带伞。", "gb18030"),
        ("今天天氣很好，我們去公園玩。明天要下雨了，記得帶傘。", "big5"),
        ("Сегодня хорошая погода, и мы пошли в парк.", "cp1251"),
    ],
)
def test_older_encodings_are_guessed(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)) == text


@pytest.mark.parametrize(
    "data", [b"\x89PNG\r\n\x1a\n\x00\x00", b"%PDF-1.7\n% plain ASCII", b"PK\x03\x04\x00", bytes(range(128, 256)) * 300]
)
def test_binary_data_has_no_text(data: bytes) -> None:
    assert decode(data) is None


@given(data=st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_text_or_binary(data: bytes) -> None:
    text = decode(data)
    assert text is None or isinstance(text, str)


def test_an_encoding_that_holds_for_the_beginning_alone_does_not_lose_the_file() -> None:
    data = ("été à Noël\n" * 9_000).encode("latin-1") + b"\x81\x8d\x8f\x90\x9d\xff"
    assert "Noël" in (decode(data) or "")


def test_a_folder_that_is_ignored_itself_is_read_when_it_is_asked_for(tmp_path: Path) -> None:
    """A package in a virtual environment inside a checkout: the checkout's `.venv/` is no reason to see nothing."""
    tree(tmp_path, dot_git__HEAD="x", dot_gitignore=".venv/\nbuild/\n", dot_venv__lib__sample__a_md="# A\n")
    tree(tmp_path, build__b_md="# B\n", c_md="# C\n")
    assert list(Files(tmp_path / ".venv" / "lib" / "sample").texts) == ["a.md"]
    assert list(Files(tmp_path / "build").texts) == ["b.md"]
    assert list(Files(tmp_path).texts) == ["c.md"]
