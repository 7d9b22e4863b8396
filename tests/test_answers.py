"""What a model writes around a summary, and answers that are none: through a server, as providers send them."""

import json

import pytest
from server import Provider

from ctxwin import Item, pack
from ctxwin.clients import Endpoint
from ctxwin.renditions.summaries.faithful import Grounds
from ctxwin.renditions.summaries.unwrap import summary_in
from ctxwin.renditions.summarize import ChatSummarizer

SOURCE = (
    "The harbour committee met on 3 May 2024 in the old school. Runa Vik said that the wall has sunk by 12 cm since "
    "winter. The contractor asks 48,000 euros for the repair. The committee did not accept the offer. "
)
SAID = "The harbour wall has sunk by 12 cm since winter. The contractor asks 48,000 euros for the repair."
ITEMS = [Item(text=f"{SOURCE}{'Then they talked about the weather and the ferry for a while. ' * 12}", id="a")]
ITEMS += [Item(text="The market opens at nine and sells bread, fish and flowers to the guests. " * 14, id="b")]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CTXWIN_CACHE", str(tmp_path))


def summarised(answer: str):
    """Pack with a server that answers so, and return what stands in the report for the first item."""
    with Provider() as provider:
        provider.respond = lambda request: answer
        complete = Endpoint(model="gpt-4o", base_url=provider.openai, api_key="none").complete
        chat = ChatSummarizer(complete, f"gpt-4o {hash(answer)}")
        packed = pack(
            query="What did the harbour committee say of the wall?",
            embedder="none",
            items=ITEMS,
            budget=220,
            summarizer=chat,
        )
    return packed, {one.id: one for one in packed.report.summaries}


@pytest.mark.parametrize(
    "answer",
    [
        f"Here is the summary: {SAID}",
        f"Sure! Here's a shortened version of the text:\n\n{SAID}",
        f"**Summary:**\n{SAID}",
        f"<think>\nThe user wants 72 words. The wall sank by 99 cm.\n</think>\n\n{SAID}",
        f"I should shorten it.</think>{SAID}",
        f"{SAID}<think>Was that enough",
        f"{SAID}\n\nLet me know if you need more.",
        f"{SAID} I hope this helps! Let me know if you would like a longer one.",
        f"```markdown\n{SAID}\n```",
        json.dumps({"summary": SAID}),
        json.dumps([SAID]),
        f"Here is the summary:\n<reasoning>no</reasoning>{SAID}\n(30 words)",
        f"以下是摘要：{SAID}\n如需更多信息，请告诉我。",
    ],
)
def test_what_is_around_a_summary_goes_and_the_summary_stays(answer):
    assert summary_in(answer) == SAID
    _, found = summarised(answer)
    assert " ".join(said.text for said in found["a"].sentences) == SAID
    assert found["a"].refused == ()


@pytest.mark.parametrize(
    "honest",
    [
        "Here is where the wall sank. It is 12 cm.",
        "Summaries are due on Monday: two pages.",
        "OK was said. Then they left.",
    ],
)
def test_a_summary_that_only_looks_like_a_greeting_stays(honest):
    assert summary_in(honest) == honest


def test_points_of_a_list_stay_and_its_heading_goes():
    one, other = SAID.split(". ", 1)
    found = Grounds(SOURCE).check(f"## Key points\n\n- {one}.\n- **{other}**\n")
    assert [said.text for said in found.kept] == [f"- {one}.", f"- **{other}**"]
    assert [no.text for no in found.refused] == ["## Key points"]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("Ana's rent is 900 euros.", "Ana’s rent is ９００ euros."),
        ('Open "data/run.csv" first, 5 % are missing.', "Open “data/run.csv” first, ５ ％ are missing."),
        ("订单号A7731，共300把键盘。", "订单号Ａ７７３１，共３００把键盘。"),
        ("The job was not run on node-7.", "The job wasn’t run on node‑7."),
    ],
)
def test_a_sign_written_otherwise_is_the_same_sign(source, said):
    found = Grounds(source).check(said)
    assert found.text == said
    assert [source[start:end].strip() for one in found.kept for start, end in one.places] == [source]


@pytest.mark.parametrize(
    "answer",
    [
        "",
        " \n",
        "<think>It is long.",
        "{}",
        "委员会在旧学校开会，堤墙下沉了十二厘米。",
        "Le mur du port s'est affaissé de 12 cm depuis l'hiver.",
        "The train to Berlin leaves at 8:15 from platform 4. Tickets cost 59 euros.",
        "Sorry, I cannot help with that.",
        "lorem ipsum " * 3_000,
    ],
)
def test_an_answer_that_is_no_summary_is_not_used(answer):
    packed, found = summarised(answer)
    assert not found["a"].used
    assert found["a"].sentences == ()
    assert "[summary]" not in packed.text


def test_an_answer_a_hundred_times_too_long_is_not_used():
    packed, found = summarised(
        " ".join(f"{SAID} The committee met in the old school on 3 May {year}." for year in range(1600, 2000))
    )
    assert not found["a"].used or len(packed.text) < 2_000
    assert all("2024" in said.text for said in found["a"].sentences if "May" in said.text)
