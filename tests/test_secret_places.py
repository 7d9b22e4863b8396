"""Where secrets stand is remembered between processes: for this content, this name and these rules alone."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from ctxwin.files import Files, cut_cache, secret_places
from ctxwin.files.secret_places import SecretPlaces

KEY = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"[:36]
SETTINGS = f"host: db1\npassword: zq7!kfw2\nport: 5432\ngithub_token: {KEY}\n"
CODE = "def add(one, other):\n    total = one + other\n    return total_of_the_two_numbers_that_were_given(total)\n"
READ = """
import sys
from ctxwin import Files
found = Files(sys.argv[1])
print([(one.path, one.line, one.kind) for one in found.secrets], dict(found.texts), "kingfisher_sdk" in sys.modules)
"""


@pytest.fixture(autouse=True)
def cache(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("CTXWIN_CACHE", str(folder))
    return folder


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "app.yml").write_text(SETTINGS, encoding="utf-8")
    (tmp_path / "add.py").write_text(CODE, encoding="utf-8")
    return tmp_path


def read(folder: Path) -> str:
    return subprocess.run(
        [sys.executable, "-c", READ, str(folder)], check=True, capture_output=True, text=True
    ).stdout.strip()


def lines(files: Files) -> list[tuple[str, int]]:
    return [(one.path, one.line) for one in files.secrets]


def pretend_none(folder: Path) -> None:
    """Write into the cache that no file holds a secret, which shows when the cache is asked."""
    places = SecretPlaces([folder])
    places._known.update({name: (sign, []) for name, (sign, _) in places._known.items()})
    assert places._known
    places.keep(["app.yml", "add.py"])


def test_the_second_process_leaves_out_the_same_and_loads_no_rules(folder):
    first, second = read(folder), read(folder)
    assert first.endswith(" True")
    assert second == first.removesuffix("True") + "False"
    assert "('app.yml', 2, 'password')" in second
    assert KEY not in second
    assert "zq7" not in second


def test_another_content_or_name_is_looked_through(folder):
    assert lines(Files(folder)) == [("app.yml", 2), ("app.yml", 4)]
    pretend_none(folder)
    assert lines(Files(folder)) == []
    (folder / "app.yml").write_text("# changed\n" + SETTINGS, encoding="utf-8")
    assert lines(Files(folder)) == [("app.yml", 3), ("app.yml", 5)]
    pretend_none(folder)
    assert lines(Files(folder)) == []
    (folder / "app.yml").rename(folder / "other.yml")
    assert lines(Files(folder)) == [("other.yml", 3), ("other.yml", 5)]


def test_other_rules_look_through_all(folder, monkeypatch):
    Files(folder)
    pretend_none(folder)
    assert lines(Files(folder)) == []
    monkeypatch.setattr(secret_places, "ways", lambda parts, tools: b"other rules")
    assert lines(Files(folder)) == [("app.yml", 2), ("app.yml", 4)]


def test_each_module_that_finds_secrets_is_one_of_the_rules():
    """Every module of ctxwin that is reached from `secrets` by imports, but for what opens the cache folder."""
    package = Path(secret_places.__file__).parents[1]
    left, seen = ["files/secrets"], set()
    while left:
        if (part := left.pop()) in seen:
            continue
        seen.add(part)
        for line in (package / f"{part}.py").read_text(encoding="utf-8").splitlines():
            words = line.split()
            if line.startswith("from ."):
                dots = len(words[1]) - len(words[1].lstrip("."))
                above = Path(part).parents[dots - 1]
                left.append(str(above / words[1].lstrip(".").replace(".", "/")))
        left = [one if (package / f"{one}.py").exists() else f"{one}/__init__" for one in left]
    ruled = [one for one in seen if not one.startswith(secret_places.RULES)]
    assert sorted(ruled) == ["errors", "store/cache"]


def test_a_damaged_entry_is_not_believed(folder, cache):
    Files(folder)
    pretend_none(folder)
    with closing(sqlite3.connect(cache / cut_cache.FILE)) as file, file:
        file.execute("UPDATE files SET value = value || x'20'")
    assert lines(Files(folder)) == [("app.yml", 2), ("app.yml", 4)]


def entries(cache: Path) -> bytes:
    with closing(sqlite3.connect(cache / cut_cache.FILE)) as file:
        return b"".join(value for (value,) in file.execute("SELECT value FROM files"))


def test_the_entry_holds_no_text_and_a_file_that_is_gone_leaves_it(folder, cache):
    files = Files(folder)
    name = secret_places._name("app.yml").encode()
    assert name in entries(cache)
    assert not any(text in entries(cache) for text in (KEY.encode(), b"zq7", b"app.yml"))
    (folder / "app.yml").unlink()
    assert files.refresh().removed == ("app.yml",)
    assert name not in entries(cache)


def test_unchanged_files_are_not_written_again_and_keep_their_places(folder, cache):
    for path in folder.iterdir():
        os.utime(path, (1_000_000_000, 1_000_000_000))
    files = Files(folder)
    before = entries(cache)
    assert not files.refresh()
    assert entries(cache) == before
    assert lines(files) == [("app.yml", 2), ("app.yml", 4)]
