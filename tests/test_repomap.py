"""The map of many files: within its tokens, the same for the same files, lines as they stand, where it should be."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_signatures import CODE, PIECES

from ctxwin import Files, pack
from ctxwin.errors import InputError
from ctxwin.files.repomap import Atlas
from ctxwin.items import Item
from ctxwin.pool import Pool
from ctxwin.retrieve import asks_for_the_whole
from ctxwin.tokens import get_tokenizer

TOKENIZER = get_tokenizer("o200k_base")
SUFFIX = {
    "python": "py", "javascript": "js", "typescript": "ts", "go": "go", "rust": "rs", "java": "java", "cpp": "cpp",
}  # fmt: skip
TASK = """def task_{n}(store):
    '''Does step {n}.'''
    open_ledger(store).post({n})
    return 'step {n}'
"""
CALLERS = "\n\n".join(TASK.format(n=n) for n in range(30))
LEDGER = """class Ledger:
    def post(self, n):
        self.rows.append(n)


def open_ledger(store):
    return Ledger(store)


"""
HELPER = """def unused_helper(x):
    return x
"""
MAIL = """def send_mail(to, subject):
    '''Sends a letter by post office protocol.'''
    return smtp(to)
"""
GUIDE = "# Guide\n\nHow to use it.\n\n## Install\n\nCopy the folder.\n"


def files_of(texts: dict[str, str]) -> Pool:
    return Pool([Item(kind="document", source=path, id=path, text=text) for path, text in texts.items()])


PROJECT = files_of(
    {
        "src/ledger.py": LEDGER + "# filler\n" * 400 + HELPER,
        "src/tasks.py": CALLERS,
        "src/mail.py": MAIL + "# more filler of another kind\n" * 400,
        "docs/guide.md": GUIDE + "A sentence of the guide.\n" * 300,
    }
)


def test_what_others_refer_to_comes_before_what_nobody_does() -> None:
    text = Atlas(PROJECT).draw(60, TOKENIZER).text
    assert "6 def open_ledger(store):\n" in text
    assert "unused_helper" not in text


def test_a_question_brings_what_is_near_it() -> None:
    near = Atlas(PROJECT, "How is a letter sent by mail?").draw(60, TOKENIZER)
    assert near.excerpts[0].path == "src/mail.py"
    assert "1 def send_mail(to, subject):\n" in near.text


def test_folders_are_named_with_their_files() -> None:
    assert Atlas(PROJECT).draw(200, TOKENIZER).text.startswith("4 files: docs/ 1, src/ 3\n")


@pytest.mark.parametrize("query", [None, "How is a letter sent?", "", "？"])
def test_a_map_is_within_its_tokens_and_the_same_each_time(query: str | None) -> None:
    atlas = Atlas(PROJECT, query)
    for tokens in (1, 5, 12, 20, 33, 64, 200, 1_000):
        made = atlas.draw(tokens, TOKENIZER)
        assert made.tokens == TOKENIZER.count_many([made.text])[0] <= tokens
        assert made == Atlas(PROJECT, query).draw(tokens, TOKENIZER)
        assert made.text.endswith("\n") or not made.text


@pytest.mark.parametrize("language", CODE)
def test_lines_stand_in_the_map_as_in_the_file_in_every_language(language: str) -> None:
    path = f"lib/store.{SUFFIX[language]}"
    around = ("class Store {\n", "}\n") if language in ("javascript", "typescript", "java") else ("", "")
    text = around[0] + CODE[language] + around[1]
    made = Atlas(files_of({path: text, "README.md": "# Store\n\nKeeps values.\n"})).draw(300, TOKENIZER)
    lines = text.split("\n")
    shown = [part for one in made.excerpts if one.path == path for part in one.parts]
    assert [number for number, _ in shown] == sorted({number for number, _ in shown if number})
    for number, part in shown:
        assert number is not None
        assert part == lines[number - 1]
        assert f"\n{number} {part}\n" in made.text
    assert sum("ize(" in part or "rite(" in part for _, part in shown) == 2


@given(
    texts=st.lists(st.lists(st.sampled_from(PIECES), max_size=6).map("\n".join), min_size=1, max_size=4),
    suffix=st.sampled_from(["py", "js", "ts", "go", "rs", "java", "cpp", "md", "zig", "yaml", "txt"]),
    tokens=st.integers(1, 400),
    query=st.sampled_from([None, "write", "Where is the disk full?", "今天"]),
)
def test_hostile_files_make_a_map_within_its_tokens(
    texts: list[str], suffix: str, tokens: int, query: str | None
) -> None:
    pool = files_of({f"a/{number}.{suffix}": text for number, text in enumerate(texts)})
    made = Atlas(pool, query).draw(tokens, TOKENIZER)
    assert TOKENIZER.count_many([made.text])[0] == made.tokens <= tokens
    for one in made.excerpts:
        lines = texts[int(one.path[2:].partition(".")[0])].split("\n")
        assert all(number and lines[number - 1].startswith(part) for number, part in one.parts)


def test_prose_is_mapped_by_its_headings_and_code_without_a_grammar_by_its_names() -> None:
    zig = "pub fn open(path: []const u8) !File {\n    return File{};\n}\n" + "// a comment\n" * 200
    made = Atlas(files_of({"guide.md": GUIDE + "It is short.\n" * 300, "lib/store.zig": zig})).draw(120, TOKENIZER)
    assert (
        "\nguide.md\n1 # Guide\n" in made.text
        or "\nlib/store.zig\n1 pub fn open(path: []const u8) !File {\n" in made.text
    )
    prose = Atlas(files_of({"guide.md": GUIDE + "It is short.\n" * 300, "other.md": "# Other\n\nText.\n"})).draw(
        120, TOKENIZER
    )
    assert "\nguide.md\n1 # Guide\n" in prose.text
    assert "\nother.md\n1 # Other\n" in prose.text


def test_a_file_of_which_a_part_is_missing_has_no_lines() -> None:
    chunks = [item for item in PROJECT.items if item.source == "src/ledger.py"][1:]
    assert all(one.path != "src/ledger.py" for one in Atlas(Pool(chunks)).draw(200, TOKENIZER).excerpts)


def test_a_pool_without_files_has_an_empty_map() -> None:
    assert Atlas(Pool()).draw(100, TOKENIZER).text == ""
    assert Atlas(Pool(["The cat is called Miso."])).draw(100, TOKENIZER).excerpts == ()


def test_files_draw_their_map(tmp_path: Path) -> None:
    (tmp_path / "store.py").write_text(CODE["python"])
    files = Files(tmp_path)
    assert "\nstore.py\n1 class Store:\n" in files.map("disk full", 80)
    assert files.map(tokens=1) == ""
    with pytest.raises(InputError, match="map of 0 tokens"):
        files.map(tokens=0)


def test_ask_prints_a_map_in_place_of_the_context(tmp_path: Path) -> None:
    (tmp_path / "store.py").write_text(CODE["python"])
    asked = [sys.executable, "-m", "ctxwin", "ask", "When is the disk full?", str(tmp_path)]
    made = subprocess.run([*asked, "--map", "80"], capture_output=True, text=True, check=True).stdout
    assert made == Files(tmp_path).map("When is the disk full?", 80)
    refused = subprocess.run([*asked, "--map", "80", "--json"], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "--map is for the context alone; leave out --json" in refused.stderr


@pytest.mark.parametrize(
    "question",
    [
        "How is this project organised?",
        "Give me an overview of the codebase",
        "What does this repository do?",
        "Describe the overall architecture",
        "What are the main modules?",
        "这个项目的整体架构是什么？",
        "代码库的结构是怎样的？",
        "有哪些核心模块？",
    ],
)
def test_a_question_about_the_whole_gets_the_map(question: str) -> None:
    packed = pack(items=PROJECT, query=question, budget=700, embedder="none")
    assert packed.tokens <= 700
    decision = next(one for one in packed.report.decisions if one.id == "(map)")
    assert decision.form in ("full", "extract")
    assert "def open_ledger(store):" in packed.text
    assert any(one.path == "src/ledger.py" and (6, 6) in one.lines for one in packed.report.excerpts)


@pytest.mark.parametrize("budget", [400, 1_000, 4_000])
def test_a_question_about_one_thing_gets_none(budget: int) -> None:
    packed = pack(items=PROJECT, query="What does send_mail return?", budget=budget, embedder="none")
    assert all(one.id != "(map)" for one in packed.report.decisions)


@pytest.mark.parametrize("question", ["How is a letter sent by mail?", "How is this project organised?"])
def test_every_budget_is_kept_with_a_map(question: str) -> None:
    for budget in range(60, 400, 17):
        assert pack(items=PROJECT, query=question, budget=budget, embedder="none").tokens <= budget


@pytest.mark.parametrize(
    "question",
    [
        "Why is it slow?",
        "Where is the session cookie signed?",
        "What is the relationship between the parser and the structure of a token?",
        "How is the package name normalised?",
        "What does the json package do?",
        "今天天气怎么样？",
        "这个函数的返回值是什么？",
    ],
)
def test_other_questions_are_not_about_the_whole(question: str) -> None:
    assert not asks_for_the_whole(question)


def test_a_map_shares_the_cap_of_files(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.py").write_text(CALLERS.replace("task", f"{name}_task"))
    shares = {"files": (0, 200)}
    packed = pack(files=tmp_path, query="How is this project organised?", budget=900, shares=shares, embedder="none")
    assert packed.report.shares[0].tokens <= 200
