"""Renditions: sentences cover the text, extracts are verbatim, nothing is over its size, facts are kept track of."""

import math
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ctxwin.renditions import GAP, Sentences, extracts, facts, fit_text, sentences, split, text_forms
from ctxwin.renditions.sentences import MAX_SENTENCE
from ctxwin.retrieve.words.lexical import tokenize
from ctxwin.tokens import get_tokenizer

TOKENIZER = get_tokenizer("o200k_base")
PIECES = st.sampled_from(
    [
        "The lease ends in May. ", "Dr. Wu agrees! ", "Is it so? ", "今天下雨。", "我们在家；", "- a point\n", "\n\n",
        "\r\n", "x = f(1)\n", "    return x\n", "2024-05-03 ERROR: disk full\n", "\\n", "…", "... ", "e.g. this ",
        "\x00", "\ud800", "\u2028", "👨‍👩‍👧", " " * 7, "word " * 30, "x" * 90, '"Yes." ', "a,b,c;", "\t",
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=120)
WEIGHTS = {"leas": 2.0, "disk": 3.0, "下雨": 2.5, "word": 0.5}


def pieces(text: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text)]


@given(text=TEXTS, longest=st.integers(1, 80))
def test_sentences_are_slices_that_cover_the_text(text: str, longest: int) -> None:
    spans = sentences(text, longest)
    assert "".join(text[start:end] for start, end in spans) == text
    assert all(0 < end - start <= longest for start, end in spans)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three? Four", ["One. ", "Two! ", "Three? ", "Four"]),
        ('He said "Go." She went.', ['He said "Go." ', "She went."]),
        ("At 3.5 p.m. on Fri. we met.", ["At 3.5 p.m. on Fri. we met."]),
        ("Mr. A. Wu, e.g. Sam. End.", ["Mr. A. Wu, e.g. Sam. ", "End."]),
        ("1. Log in.\n2. Click.\n", ["1. Log in.\n", "2. Click.\n"]),
        ("Wait... what? Yes… No.", ["Wait... what? ", "Yes… ", "No."]),
        ("下雨了。“真的？”我们在家！", ["下雨了。", "“真的？”", "我们在家！"]),
        ("def f():\n    a = 1\n\n    b = 2\n", ["def f():\n", "    a = 1\n\n", "    b = 2\n"]),
        ("# Title\n\nText here.\n\n\nMore.", ["# Title\n\n", "Text here.\n\n\n", "More."]),
        ("a/b.py:1: error here\na/c.py:2: error there\n", ["a/b.py:1: error here\n", "a/c.py:2: error there\n"]),
        ('{"log": "Start\\nStop"}', ['{"log": "Start\\n', 'Stop"}']),
        ("", []),
    ],
)
def test_where_sentences_end(text: str, expected: list[str]) -> None:
    assert pieces(text) == expected


def test_wrapped_prose_is_joined_and_lines_of_lists_are_not() -> None:
    prose = (
        "The tenant may keep one cat in the flat, provided that the\nneighbours do not mind it. Dogs are not allowed.\n"
    )
    assert pieces(prose)[0].endswith("mind it. ")
    assert len(pieces("apples and many other kinds of fruit from the garden of the house\npears\n")) == 2


@pytest.mark.parametrize("unit", ["a", ".", "\n", " ", '."', ". ", "\\n", "。", "a\n", "...", "\t\n"])
def test_hostile_texts_are_split_in_one_pass(unit: str) -> None:
    text = unit * (200_000 // len(unit))
    spans = sentences(text)
    assert spans[-1][1] == len(text)
    assert max(end - start for start, end in spans) <= MAX_SENTENCE


@given(text=TEXTS)
def test_what_is_split_once_agrees_with_the_text(text: str) -> None:
    source = split(text, TOKENIZER)
    assert source.ends.tolist() == [0, *(end for _, end in sentences(text))]
    assert source.total == TOKENIZER.count_many([text])[0]
    for term, where in source.found.items():
        assert where == [i for i, one in enumerate(pieces(text)) if term in tokenize(one)]


def test_tokens_of_sentences_add_up_to_those_of_the_text() -> None:
    text = "The lease ends in May. We sign on Friday, at noon.\n- a deposit\n- two keys\n\n今天下雨。我们在家。" * 20
    source = split(text, TOKENIZER)
    assert int(source.tokens.sum()) == pytest.approx(source.total, rel=0.01)


def extracts_readable(source: Sentences, weights: dict[str, float], tool_output: bool) -> list[tuple[str, float]]:
    """Make the extracts of `text_forms` as the module describes them, sentence by sentence: its slow twin."""
    texts, n = pieces(source.text), len(source.tokens)
    whole, u = sum(weights.values()), extracts.EVENNESS
    neighbour = extracts.CONTEXT if tool_output else extracts.NEIGHBOUR
    own = [sum(w / whole for term, w in weights.items() if term in tokenize(text)) for text in texts]
    score = [max(own[j], *(neighbour * own[k] for k in (j - 1, j + 1) if 0 <= k < n), 0.0) for j in range(n)]
    raised = [math.exp(s / extracts.TEMPERATURE) for s in score]
    omega = [(1 - u) * r / sum(raised) + u * len(t) / len(source.text) for r, t in zip(raised, texts, strict=True)]
    if tool_output or source.total >= extracts.LONG:
        score[0] = score[-1] = math.inf
    rooms = [int(size * source.total) for size in extracts.SIZES]
    if source.total > 8 * extracts.LEAST:
        rooms.append(extracts.LEAST)
    made: dict[tuple[int, ...], tuple[str, float]] = {}
    for room in rooms:
        chosen: list[int] = []
        for j in sorted(range(n), key=lambda j: -score[j]):
            room -= int(source.tokens[j]) + extracts.GAP_TOKENS
            if room < 0:
                break
            chosen.append(j)
        if chosen:
            made[tuple(sorted(chosen))] = shown(texts, set(chosen)), sum(omega[j] for j in chosen)
    return list(made.values())


def shown(texts: list[str], chosen: set[int]) -> str:
    out, missing = "", False
    for j, text in enumerate(texts):
        if j not in chosen:
            missing = True
            continue
        if missing:
            out += f"{GAP}\n" if texts[j - 1].endswith("\n") else f"{GAP} "
        out, missing = out + text, False
    last = texts[-1][-1]
    return out + GAP + (last if last in " \n" else "") if missing else out


@given(text=TEXTS.filter(bool), tool_output=st.booleans())
@example(text="The lease ends. " * 400, tool_output=False)
@example(text="line of output\n" * 300 + "ERROR disk full\n" + "line of output\n" * 300, tool_output=True)
def test_the_extracts_equal_their_readable_twins_and_falls(text: str, tool_output: bool) -> None:
    source = split(text, TOKENIZER)
    forms = text_forms(source, WEIGHTS, label="Ana, id t4", tool_output=tool_output)
    twins = [twin for twin in extracts_readable(source, WEIGHTS, tool_output) if twin[0] != text]
    shown = [form for form in forms if form.kind == "extract"]
    assert [form.text for form in shown] == [twin for twin, _ in twins][: len(shown)]
    assert [form.share for form in shown] == pytest.approx([share for _, share in twins][: len(shown)])
    assert [form.kind for form in forms[len(shown) :]] in ([], ["stub"])
    for form, tokens in zip(forms, TOKENIZER.count_many([form.text for form in forms]), strict=True):
        assert tokens <= form.tokens + 3, "what a form is said to cost covers what it costs"
        assert form.tokens < source.total


def test_an_extract_shows_what_matches_and_marks_what_is_missing() -> None:
    filler = [f"Sentence number {n} is about nothing at all. " for n in range(40)]
    text = "".join([*filler[:20], "The pump failed at noon. ", *filler[20:]])
    form = text_forms(split(text, TOKENIZER), {"pump": 3.0}, label="x")[1]
    assert form.tokens <= 0.25 * TOKENIZER.count_many([text])[0]
    assert f"{filler[19]}The pump failed at noon. {filler[20]}" in form.text, "neighbours come before strangers"
    assert form.text.count(GAP) == 2
    assert form.text.endswith(f"{GAP} ")


def test_tool_output_keeps_its_ends_and_the_lines_around_a_match() -> None:
    lines = [f"step {n} ok\n" for n in range(60)]
    lines[30] = "step 30 disk full\n"
    text = "$ make all\n" + "".join(lines) + "exit status 2\n"
    form = text_forms(split(text, TOKENIZER), {"disk": 3.0}, label="x", tool_output=True)[1]
    assert form.text.startswith("$ make all\n")
    assert form.text.endswith("exit status 2\n")
    assert "step 29 ok\nstep 30 disk full\nstep 31 ok\n" in form.text
    assert f"\n{GAP}\n" in form.text


def test_a_very_long_text_has_an_extract_that_fits_beside_others() -> None:
    text = "Nothing much happened on that day. " * 2000
    shown = [form for form in text_forms(split(text, TOKENIZER), {}, label="x") if form.kind == "extract"]
    assert shown[-1].tokens <= extracts.LEAST + 2 * extracts.GAP_TOKENS


def test_an_empty_text_has_no_shorter_form() -> None:
    assert text_forms(split("", TOKENIZER), WEIGHTS, label="x", tool_output=True) == ()


def test_a_stub_names_what_is_gone() -> None:
    text = "Nothing much happened on that day.\n" * 30
    stub = text_forms(split(text, TOKENIZER), {}, label="Ana, 2023-05-03, id t41")[-1]
    assert (stub.kind, stub.text, stub.share) == ("stub", "[210 tokens left out: Ana, 2023-05-03, id t41]\n", 0.0)
    assert TOKENIZER.count_many([stub.text])[0] <= stub.tokens <= 24


@pytest.mark.parametrize(
    "label", ["Ana, 2023-05-03, id a1b2c3d4e5f6", "src/flask/app.py, id src/flask/app.py#L3-90", "小明，id 七"]
)
def test_a_stub_costs_no_more_than_it_says(label: str) -> None:
    stub = text_forms(split("Nothing much happened on that day. " * 300, TOKENIZER), {}, label=label)[-1]
    assert TOKENIZER.count_many([stub.text])[0] <= stub.tokens


@given(text=TEXTS | TEXTS.map(lambda text: text * 9), tokens=st.integers(1, 120))
@example(text="😀" * 500, tokens=8)
@example(text="a" * 5_000, tokens=40)
@example(text="\n" * 5_000, tokens=9)
@example(text="你" * 3_000, tokens=30)
def test_a_fitted_text_is_never_over_and_never_empty(text: str, tokens: int) -> None:
    short, runs = fit_text(split(text, TOKENIZER), tokens, WEIGHTS, TOKENIZER)
    assert TOKENIZER.count_many([short])[0] <= tokens
    if TOKENIZER.count_many([text])[0] <= tokens:
        assert short == text
    elif tokens >= 8:
        assert short
        assert GAP in short
    assert all(text[start:end] in short for start, end in runs)


@pytest.mark.parametrize("tokens", [24, 40, 100, 400, 2_000])
def test_a_fitted_text_has_head_tail_match_and_account(tokens: int) -> None:
    filler = "".join(f"Sentence number {n} is about nothing at all. " for n in range(400))
    text = f"It begins here. {filler}The pump failed. {filler}It ends here."
    short, _ = fit_text(split(text, TOKENIZER), tokens, {"pump": 3.0}, TOKENIZER)
    assert "The pump failed." in short or tokens < 40
    assert short.startswith("It begins here.")
    assert short.endswith("It ends here.")
    assert TOKENIZER.count_many([short])[0] >= 0.7 * tokens
    said = int(re.search(r"\[… ([\d,]+) tokens omitted …\]", short)[1].replace(",", ""))
    assert said == pytest.approx(TOKENIZER.count_many([text])[0] - tokens, rel=0.05)


def test_facts_are_numbers_dates_paths_identifiers_and_negations() -> None:
    text = (
        "On 3 May 2024 Ana moved 1,200 files (4.5 %) to src/app.py; run `make all --force` at 10:30. She never signs, "
        "don't ask. See https://a.b/c?d=e, C:\\new\\x, getName(), do_it, e.g. and/or. 我们不去。版本3.2。"
    )
    assert facts(text) == {
        "3", "May", "2024", "1,200", "4.5", "src/app.py", "--force", "10:30", "never signs", "don't ask",
        "https://a.b/c", "d=e", "C:\\new\\x", "getName", "do_it", "不去", "3.2",
    } - ({"d=e"})  # fmt: skip


@given(text=TEXTS)
def test_facts_stand_in_the_text(text: str) -> None:
    assert all(fact in text for fact in facts(text))
    assert facts(text, negations=False) <= facts(text)


def test_an_extract_invents_no_facts() -> None:
    text = "The rent is 900. It is due on 3 May. Pets are not allowed. See notes/lease.md for all of it. " * 5
    for form in text_forms(split(text, TOKENIZER), {"rent": 1.0}, label="x"):
        if form.kind == "extract":
            assert facts(form.text) <= facts(text)
