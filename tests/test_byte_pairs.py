"""Counts without the loaded vocabulary: equal to toktok's for every character, token and text, or left to toktok."""

import random
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
import toktok

from ctxwin.tokens import byte_pairs
from ctxwin.tokens.byte_pairs import BytePairs, load_ranks, save_ranks

NAMES = ("cl100k_base", "o200k_base")
ODD = (
    "aaabdestrvmlLDSZXYé文字ひ한글 0123456789٣½ \t\n\r\r\n\xa0\u3000\u200b''’"
    '.,!/\\-_()[]{}"#%&*+<=>?@😀👍🏽\u0301ñǅªʰſK\x1c\x85\x00'
)
BITS = [*ODD, "the", " Harbor", "'s", "'LL", "\n\n", "  ", "x_y", "CamelCase", " 12345", "...", "://", "don't", "I'M"]


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CTXWIN_CACHE", str(tmp_path_factory.mktemp("ranks")))
        for name in NAMES:
            save_ranks(name, toktok._encoding(name).token_byte_values)
        yield {name: load_ranks.__wrapped__(name, work=10**9) for name in NAMES}


def differing(ours: BytePairs, name: str, texts: list[str]) -> list[tuple[str, int, int]]:
    counts = ours.count_many(texts)
    assert counts is not None
    true = toktok.batch_count(texts, name, threads=1)
    return [(text, one, other) for text, one, other in zip(texts, counts, true, strict=True) if one != other]


@pytest.mark.parametrize("name", NAMES)
def test_each_character_counts_as_toktok_counts_it(kept, name):
    known = [chr(n) for n in range(0x110000) if unicodedata.category(chr(n)) not in ("Cn", "Co", "Cs")]
    some = random.Random(1).sample(known[256:], 20_000)
    assert differing(kept[name], name, known) == []
    for way in ("a{}b", "A{}b 1", "don'{}", " {}\n", "1{}/\n"):
        assert differing(kept[name], name, [way.format(one) for one in known[:256] + some]) == []


@pytest.mark.parametrize("name", NAMES)
def test_each_token_counts_as_toktok_counts_it(kept, name):
    tokens = [token.decode("utf-8", "ignore") for token in toktok._encoding(name).token_byte_values()]
    known = [token for token in tokens if not any(unicodedata.category(one) == "Cn" for one in token)]
    assert len(known) > 0.99 * len(tokens)
    assert differing(kept[name], name, known) == []


@pytest.mark.parametrize("name", NAMES)
def test_texts_count_as_toktok_counts_them(kept, name):
    chance = random.Random(2)
    texts = ["".join(chance.choices(BITS, k=chance.randint(0, 40))) for _ in range(20_000)]
    folder = Path(byte_pairs.__file__).parents[2]
    texts += [path.read_text(encoding="utf-8") for path in [*folder.glob("*.md"), *folder.glob("ctxwin/tokens/*.py")]]
    assert differing(kept[name], name, texts) == []


@pytest.mark.parametrize(
    "text",
    ["\u0378", "a\U0010fffe", "x" * 201, "文字" * 40],
    ids=["unassigned", "no character", "long", "long Chinese"],
)
def test_what_is_not_sure_or_slow_is_left_to_toktok(kept, text):
    assert kept["o200k_base"].count_many(["plain", text]) is None


def test_a_process_counts_little_here_and_loads_the_vocabulary_for_more(tmp_path, monkeypatch):
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path))
    save_ranks("o200k_base", toktok._encoding("o200k_base").token_byte_values)
    ours = load_ranks.__wrapped__("o200k_base", work=1_000)
    assert ours.count_many(["a b " * 125]) == [251]
    assert ours.count_many(["a b " * 125]) == [251]
    assert ours.count_many(["a"]) is None
    ours = load_ranks.__wrapped__("o200k_base", work=1_000)
    assert ours.count_many(["文 " * 100]) is None  # two bytes more than characters, and each is more work


COUNT = """
import sys, toktok
from ctxwin.tokens import get_tokenizer
texts = ["How many tokens is this?", "四十二 – \\ud83d\\ude00", "half \\ud83d", ""]
print(get_tokenizer().count_many(texts), get_tokenizer("cl100k_base").count_many(texts), sorted(toktok._CACHE))
"""


def counted() -> str:
    return subprocess.run([sys.executable, "-c", COUNT], check=True, capture_output=True, text=True).stdout


def test_the_second_process_loads_no_vocabulary_and_a_damaged_one_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path))
    first, second = counted(), counted()
    assert first.replace("[('cl100k_base', ''), ('o200k_base', '')]", "[]") == second != first
    for path in tmp_path.glob("*.ranks"):
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    assert counted() == first
    assert counted() == second


def test_a_cache_that_cannot_be_written_changes_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path / "file" / "cache"))
    save_ranks("o200k_base", lambda: [b"a"])
    assert counted().endswith("[('cl100k_base', ''), ('o200k_base', '')]\n")


ADD = """
import sys, toktok
from ctxwin import Window
with Window(store=sys.argv[1], budget=200) as window:
    for n in range(3):
        window.add({"role": "user", "content": f"Number {n} is said."})
    window._packer.settle()
    print(len(window.turns), window.pack().tokens, sorted(toktok._CACHE))
"""


def test_a_window_that_grows_loads_no_vocabulary_which_would_stop_all_threads(tmp_path, monkeypatch):
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path / "cache"))
    save_ranks("o200k_base", toktok._encoding("o200k_base").token_byte_values)
    line = [sys.executable, "-c", ADD, str(tmp_path / "chat.db")]
    said = subprocess.run(line, check=True, capture_output=True, text=True).stdout
    assert said.split(" ", 2)[0] == "3"
    assert said.endswith("[]\n")
