"""The command line as a whole (errors, exit codes, option values), and `ctxwin eval`."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ctxwin
from ctxwin.cli import eval as eval_command
from ctxwin.cli import main
from ctxwin.cli.options import parse_budgets
from ctxwin.errors import InputError
from ctxwin.items import parse_tokens
from ctxwin.retrieve import FEATURES


@pytest.fixture
def flats(tmp_path):
    """Write a set of one source that a word search solves."""
    folder = tmp_path / "flats"
    folder.mkdir()
    units = [
        {"source": "s", "uid": str(n), "text": f"Flat {n} costs {n * 37} a month, heating included, no dogs."}
        for n in range(40)
    ]
    with gzip.open(folder / "units.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(unit) + "\n" for unit in units)
    queries = [
        {"qid": f"q{n}", "source": "s", "query": f"Flat {n}?", "category": category, "gold": [str(n)]}
        for n, category in ((3, "price"), (17, "price"), (29, "adversarial"))
    ]
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in queries), encoding="utf-8")
    return folder


@pytest.fixture
def run(capsys):
    """Run a command in this process; return exit code, stdout and stderr."""

    def run(*arguments):
        with pytest.raises(SystemExit) as end:
            main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return end.value.code, out, err

    return run


FAST = ("--compare", "auto@none", "--processes", "1")


# -- option values


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("2000", 2000),
        ("8_000", 8000),
        ("2k", 2000),
        ("1.5K", 1500),
        (" 1m ", 1_000_000),
        ("+3k", 3000),
        ("0.512k", 512),
    ],
)
def test_budgets_are_read_as_people_write_them(text, tokens):
    assert parse_tokens(text) == tokens


@pytest.mark.parametrize("text", ["0", "-5", "-2k", "0k", "0.0"])
def test_a_budget_without_a_token_is_refused(text):
    with pytest.raises(InputError, match=r"budget .* must be at least 1 token"):
        parse_tokens(text)


@pytest.mark.parametrize("text", ["", "k", "two", "2kb", "1e3", "1,5k", "２k", "nan", "2 000"])
def test_garbage_is_refused_with_the_forms_that_are_read(text):
    with pytest.raises(InputError, match=r"budget .* is no number of tokens; write it like 2000, 8_000, 2k"):
        parse_tokens(text)


def test_a_fraction_of_a_token_is_refused():
    with pytest.raises(InputError, match=r"--tokens '1\.5' is 1\.5 tokens"):
        parse_tokens("1.5", option="--tokens")


@given(st.integers(1, 10**9))
def test_every_whole_number_is_read_as_itself(tokens):
    assert parse_tokens(str(tokens)) == parse_tokens(f"{tokens:_}") == tokens


def test_several_budgets_keep_their_order_and_lose_doubles():
    assert parse_budgets("4k, 1k,4000") == (4000, 1000)
    with pytest.raises(InputError, match="--budgets ''"):
        parse_budgets("1k,,2k")


# -- the command line as a whole


def test_version_and_help(run):
    assert run("--version") == (0, f"ctxwin {ctxwin.__version__}\n", "")
    code, out, _ = run()
    assert code == 0 and "eval" in out and "Usage: ctxwin" in out
    code, out, _ = run("eval", "--help")
    assert code == 0 and "Example:\n    ctxwin eval locomo/ --budgets 1k,2k" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["eval", "nowhere"], "no evaluation set in 'nowhere'"),
        (["eval", "--budgets", "-3"], "--budgets '-3' is no budget"),
        (["eval", "--compare", "magic"], "unknown strategy 'magic'"),
        (["eval", "--limit", "0", *FAST], "limit is 0"),
        (["eval", "--tokenizer", "abacus"], "no independent counter for 'abacus'"),
        (["eval", "--bugdets", "1k"], "--bugdets"),
        (["eval", "--limit", "many"], "--limit"),
        (["evil"], "'evil'"),
    ],
)
def test_bad_input_is_told_in_one_line_and_exits_with_2(run, arguments, message):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("ctxwin: error: ") and err.count("\n") == 1
    assert message in err


def test_an_interrupt_is_quiet(run, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(eval_command, "evaluate", interrupted)
    assert run("eval") == (130, "", "")


def test_a_warning_is_one_line_on_stderr(run, monkeypatch):
    def warned(*_, **__):
        warnings.warn("no model can be loaded, words alone judge", stacklevel=2)
        raise InputError("and now this")

    monkeypatch.setattr(eval_command, "evaluate", warned)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        code, _, err = run("eval")
    assert code == 2
    assert err == "ctxwin: warning: no model can be loaded, words alone judge\nctxwin: error: and now this\n"


def test_a_closed_pipe_is_quiet(flats):
    command = [sys.executable, "-m", "ctxwin", "eval", flats, "--json", *FAST]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 1


# -- eval


def test_the_table_shows_recall_and_what_it_cost(run, flats):
    code, out, err = run("eval", flats, "--budgets", "100,4k", *FAST)
    assert (code, err) == (0, "")
    lines = [line.split() for line in out.splitlines()]
    assert lines[0] == ["flats"] and lines[1] == ["variant", "100", "4,000"]
    assert ["auto@none", "recall", "%", "(2", "queries)", "100.0", "100.0"] in lines
    assert ["adversarial", "(1)", "100.0", "100.0"] in lines
    assert not any(line[:1] == ["price"] for line in lines)
    assert lines[-1] == ["0", "over", "budget,", "0", "not", "packed"]


def test_no_cell_of_a_table_breaks_where_it_goes_to_a_file(run, flats):
    budgets = ",".join(str(300 + 10 * n) for n in range(20))
    _, out, _ = run("eval", flats, "--budgets", budgets, *FAST)
    lines = out.splitlines()
    head = next(line for line in lines if line.startswith("variant"))
    figures = next(line for line in lines if "recall %" in line)
    assert head.split()[1:] == budgets.split(",") and len(head) > 120
    assert len(figures.split(")")[1].split()) == 20


def test_categories_are_shown_on_demand(run, flats):
    _, out, _ = run("eval", flats, "--budgets", "100", "--categories", *FAST)
    assert ["price", "(2)", "100.0"] in [line.split() for line in out.splitlines()]


def test_sources_are_shown_on_demand_with_their_files(run, flats):
    (flats / "queries.jsonl").write_text(
        json.dumps(
            {
                "qid": "q",
                "source": "s",
                "query": "Flat 3?",
                "gold": ["3", "4"],
                "gold_ranges": {"3": [[1, 1]], "4": [[1, 1]]},
            }
        ),
        encoding="utf-8",
    )
    arguments = ("eval", flats, "--budgets", "60", "--compare", "ref:bm25", "--processes", "1")
    _, out, _ = run(*arguments)
    assert "files %" in out
    assert "by source" not in out
    _, out, _ = run(*arguments, "--sources")
    assert "flats by source" in out
    _, out, _ = run(*arguments, "--json")
    (row,) = json.loads(out)["source_rows"]
    assert (row["category"], row["recall"], row["files"]) == ("s", 50.0, 50.0)


def test_two_variants_are_compared_with_an_interval(run, flats):
    _, out, _ = run("eval", flats, "--budgets", "100", "--compare", "recency, relevance@none", "--processes", "1")
    lines = [line.split() for line in out.splitlines()]
    at = lines.index(["relevance@none", "-", "recency", "gain,", "points", "+100.0"])
    assert lines[at + 1 : at + 3] == [["95", "%", "from", "+100.0"], ["to", "+100.0"]]


def test_json_holds_rows_differences_and_settings(run, flats):
    arguments = ("--budgets", "100", "--compare", "recency,relevance@none", "--json", "--processes", "1")
    code, out, err = run("eval", flats, *arguments)
    result = json.loads(out)
    assert (code, err) == (0, "")
    assert (result["variants"], result["budgets"]) == (["recency", "relevance@none"], [100])
    assert (result["history"], result["overruns"], result["failures"]) == (True, [], [])
    recall = {(row["variant"], row["category"]): row["recall"] for row in result["rows"]}
    assert recall["relevance@none", None] == 100.0 and recall["recency", None] == 0.0
    assert recall["relevance@none", "adversarial"] == 100.0
    assert [row["mean"] for row in result["differences"]] == [100.0]
    assert all(0 < row["tokens"] <= 100 for row in result["rows"])


def test_an_ablation_shows_what_each_feature_is_worth(run, flats):
    code, out, _ = run("eval", flats, "--budgets", "100,150", "--ablate", *FAST)
    lines = [line.split() for line in out.splitlines()]
    assert code == 0 and lines[1] == ["variant", "100", "150"]
    at = next(n for n, line in enumerate(lines) if line[:3] == ["flats:", "recall", "lost"])
    shown, same = lines[at + 1 :], " ".join(out.split("nothing lost or won: ")[1].split("\n\n")[0].split()).split(", ")
    assert shown[0] == ["without", "100", "150"]
    assert shown[1] == ["auto-lexical@none", *["+100.0", "(+100.0,", "+100.0)"] * 2]
    changed = {line[0] for line in shown[1:] if line[2:] and line[1].startswith(("+", "-"))}
    assert changed.isdisjoint(same) and changed | set(same) == {f"auto-{feature}@none" for feature in FEATURES}
    assert "auto-dense@none" in same and "auto-history@none" in same


def test_an_ablation_is_of_one_variant(run):
    code, _, err = run("eval", "--ablate", "--compare", "auto,recency")
    assert code == 2 and "--ablate drops the features of one variant" in err
    code, _, err = run("eval", "--ablate", "--compare", "ref:bm25")
    assert code == 2 and "'ref:bm25' has no features to leave out" in err


def test_history_can_be_left_out(run, flats):
    _, out, _ = run("eval", flats, "--budgets", "100", "--no-history", "--json", *FAST)
    assert json.loads(out)["history"] is False


def test_without_a_folder_the_sample_of_the_package_is_scored(run):
    code, out, _ = run("eval", "--budgets", "2k", "--limit", "6", *FAST)
    assert code == 0 and out.startswith("sample")
