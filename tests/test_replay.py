"""Replays of conversations under caching policies: whose rows they are, what they add up to, who is refused."""

import gzip
import json
import warnings

import pytest

from ctxwin.caching import Proposal
from ctxwin.cli import main
from ctxwin.errors import InputError
from ctxwin.evaluate import REPLAYED, Dataset, replay
from ctxwin.evaluate.score import text_tokens
from ctxwin.items import Item

PLAIN = {"reads": [0.5, 0.1], "budgets": [600], "processes": 1}


@pytest.fixture
def boxes(tmp_path):
    """A conversation of 24 exchanges of which some six fit, and a question for the third."""
    folder = tmp_path / "boxes"
    folder.mkdir()
    turns = []
    for n in range(24):
        thing = f"{'ftbgrwks'[n % 8]}{'lr'[n // 8 % 2]}{'aeo'[n // 8]}nder"
        said = f"I have put the {thing}s into box {100 + 7 * n}, and the shelf below them is free now."
        reply = f"Noted: {thing}s in box {100 + 7 * n}. " + "I keep that in mind for later. " * 4
        turns += [{"source": "s", "uid": f"user{n}", "role": "user", "text": said}]
        turns += [{"source": "s", "uid": f"model{n}", "role": "assistant", "text": reply}]
    with gzip.open(folder / "units.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(turn) + "\n" for turn in turns)
    asked = {
        "qid": "q",
        "source": "s",
        "query": "Which box did I put the blanders into?",
        "category": "box",
        "gold": ["user2"],
    }
    (folder / "queries.jsonl").write_text(json.dumps(asked | {"gold": ["user2"]}), encoding="utf-8")
    return folder


def newest(scene, state, costs):
    """Send the newest 200 tokens, as a policy of one's own."""
    some = scene.newest(200)
    return Proposal(request=some, carry=some, stable="system")


def test_each_policy_has_a_row_for_each_price_and_the_first_is_compared(boxes):
    names = [f"{name}@none" for name in REPLAYED]
    told = replay([boxes], policies=names, **PLAIN)
    assert told.policies == tuple(names)
    rows = {(row.policy, row.read): row for row in told.rows}
    assert rows.keys() == {(name, read) for name in names for read in PLAIN["reads"]}
    assert {(row.requests, row.questions, row.overruns, row.skipped) for row in told.rows} == {(24, 1, 0, 0)}
    assert [rows[f"ref:{name}@none", 0.1].recall for name in ("truncate", "repack")] == [0.0, 100.0]
    assert [gain.recall_gain for gain in told.gains] == [
        rows["auto@none", read].recall - rows["ref:repack@none", read].recall for read in PLAIN["reads"]
    ]


def test_a_policy_of_ones_own_is_called_by_its_name(boxes):
    told = replay([boxes], policies=["auto@none", newest], **PLAIN)
    assert {row.policy for row in told.rows} == {"auto@none", "newest"}
    assert all(row.tokens < 350 for row in told.rows if row.policy == "newest")


def test_requests_are_recounted_by_the_tokenizer_that_they_were_packed_by():
    turns = [
        Item(
            id=f"{role}{n}",
            role=role,
            text=f"{role}：第{n}个箱子里的东西已经搬到楼下的储藏室去了，钥匙在门边的抽屉里。",
        )
        for n in range(30)
        for role in ("user", "assistant")
    ]
    told = replay(
        [Dataset(name="zh", sources={"s": tuple(turns)}, queries=())],
        policies=["ref:truncate@none"], reads=[0.5], budgets=[400], tokenizer="qwen3.5", processes=1,
    )  # fmt: skip
    texts = [item.text for item in turns]
    assert text_tokens(*texts) > text_tokens(*texts, encoding="qwen3.5") + 60
    (row,) = told.rows
    assert (row.overruns, row.requests) == (0, 30)


def test_two_policies_of_one_name_are_refused(boxes):
    with pytest.raises(InputError, match="two policies are called '<lambda>'"):
        replay([boxes], policies=[lambda *_: None, lambda *_: None], **PLAIN)


def test_an_unknown_policy_is_named():
    with pytest.raises(InputError, match="unknown policy 'ref:apend'; did you mean 'ref:append'"):
        replay(["nowhere"], policies=["ref:apend"])


def test_an_old_name_is_replayed_and_the_command_line_says_what_it_is_now(boxes, capsys):
    with pytest.warns(DeprecationWarning, match=r"evaluate\.cache_policies\.repack$") as told:
        row, _ = replay([boxes], policies=["repack@none"], **PLAIN).rows
    assert [one.filename for one in told] == [__file__]
    assert (row.policy, row.recall) == ("repack@none", 100.0)
    options = ("--reads", "0.1", "--budgets", "600", "--processes", "1", "--json")
    with warnings.catch_warnings(), pytest.raises(SystemExit):
        warnings.resetwarnings()
        warnings.simplefilter("ignore")
        main(["eval", "--replay", str(boxes), "--compare", "ref:repack@none,truncate@none", *options])
    out, err = capsys.readouterr()
    assert "cache policy 'truncate' is a reference of the evaluation since 0.2.0; use 'auto'" in err
    plain = json.loads(out)
    assert plain["policies"] == ["ref:repack@none", "truncate@none"]
    assert plain["gains"][0]["recall_gain"] == 0.0
