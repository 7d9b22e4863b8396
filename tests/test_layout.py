import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctxwin.items import Item
from ctxwin.layout import citation, count_pieces, left_out, omitted_run, render_block, short_names
from ctxwin.tokens import get_tokenizer

TOKENIZER = get_tokenizer("o200k_base")


def turn(number, **fields):
    return Item(**{"id": f"t{number}", "text": f"Turn number {number}.", "speaker": "Ana", "session": "1"} | fields)


def chunk(number):
    return Item(
        id=f"c{number}",
        text=f"line {number}\n",
        kind="chunk",
        source="notes.md",
        lines=(number + 1, number + 1),
        span=(number * 7, number * 7 + 7),
    )


def shown(items, chosen):
    labels = count_pieces(items, TOKENIZER).labels
    return render_block(items, labels, chosen, lambda i: items[i].text)


def test_a_date_stands_once_for_its_sitting_and_a_gap_is_marked():
    items = [turn(i, time="2024-05-03", session="1") for i in range(4)]
    items += [turn(i, time="2024-05-04", session="2") for i in range(4, 6)]
    text, cited = shown(items, [0, 1, 3, 5])
    assert text == (
        "[2 of 6 items left out]\n3 May 2024:\nAna: Turn number 0.\nAna: Turn number 1.\n…\n"
        "Ana: Turn number 3.\n4 May 2024:\nAna: Turn number 5.\n"
    )
    assert cited == []


def test_neighbouring_chunks_share_one_citation_and_stand_as_they_were():
    items = [chunk(i) for i in range(5)]
    text, cited = shown(items, [0, 1, 2, 4])
    assert cited == ["notes.md:1-3", "notes.md:5-5"]
    assert text == "[1 of 5 items left out]\n\nnotes.md:1-3\nline 0\nline 1\nline 2\n\nnotes.md:5-5\nline 4\n"


def test_everything_shown_has_no_note():
    items = [turn(0), turn(1)]
    assert shown(items, [0, 1])[0] == "Ana: Turn number 0.\nAna: Turn number 1.\n"
    assert left_out(0, 7) == ""
    assert omitted_run(1) == "[1 turn omitted]"
    assert omitted_run(1200) == "[1,200 turns omitted]"


def test_speakers_get_the_shortest_label_that_tells_them_apart():
    assert short_names(["Monica Geller", "Ross Geller", None, "Grad A", "Grad B"]) == {
        "Monica Geller": "Monica",
        "Ross Geller": "Ross",
        "Grad A": "Grad A",
        "Grad B": "Grad B",
    }


def test_citations():
    assert citation(chunk(2), chunk(4)) == "notes.md:3-5"
    assert citation(Item(text="x", kind="passage", source="store")) == "store"
    assert citation(turn(1)) == ""


ITEMS = st.lists(
    st.builds(
        Item,
        text=st.text(max_size=60),
        kind=st.sampled_from(["turn", "memory", "passage"]),
        speaker=st.sampled_from([None, "Ana", "Bo Li", "Bo Xu"]),
        session=st.sampled_from(["1", "2"]),
        time=st.sampled_from([None, "2024-05-03"]),
        title=st.sampled_from([None, "A title"]),
    ),
    max_size=12,
)


@given(ITEMS, st.data())
def test_the_reckoned_cost_is_near_the_printed_one(items, data):
    """The allocator's costs are those of the printed block, but for tokens that merge across lines."""
    chosen = sorted(data.draw(st.sets(st.sampled_from(range(len(items)))))) if items else []
    pieces = count_pieces(items, TOKENIZER)
    reckoned = sum(int(pieces.tokens[i]) for i in chosen)
    reckoned += sum(
        int(pieces.gap[i]) for i in chosen if not (i - 1 in chosen and pieces.order[i] - pieces.order[i - 1] == 1)
    )
    reckoned += sum(int(pieces.header_tokens[h]) for h in {int(pieces.header[i]) for i in chosen} if h >= 0)
    text, _ = shown(items, chosen)
    printed, head = TOKENIZER.count_many([text, left_out(len(items) - len(chosen), len(items))])
    # A date is printed anew where sittings alternate in the list; the recount after rendering covers that.
    alternations = len(chosen) * (max(pieces.header_tokens, default=0))
    assert printed - head <= reckoned + alternations + len(chosen)
    for i in chosen:
        assert items[i].text in text


@pytest.mark.parametrize("kind", ["turn", "memory", "passage", "chunk", "document"])
def test_an_empty_text_is_printed_without_fault(kind):
    assert isinstance(shown([Item(text="", kind=kind)], [0])[0], str)
