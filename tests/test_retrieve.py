"""Relevance: what each feature does, and the laws of the whole."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from threading import Barrier

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ctxwin.errors import InputError
from ctxwin.items import Item
from ctxwin.retrieve import Index, ItemVectors, Query, score_together, shipped_weights
from ctxwin.retrieve.links import Titles
from ctxwin.retrieve.table import Lazily, Table
from ctxwin.retrieve.talk.cues import instruction_strength
from ctxwin.retrieve.talk.dates import named_days
from ctxwin.retrieve.talk.instructions import exact_instructions, replaced

FILLER = [f"We spoke of the weather number {n} for a while." for n in range(20)]


def turns(*texts, **known):
    return [Item(text=text, **known) for text in texts]


def best(items, text, **known):
    return items[int(Index(items).score(Query(text=text, **known)).argmax())].text


ITEMS = st.lists(
    st.builds(
        Item,
        text=st.text(max_size=40)
        | st.sampled_from([*FILLER, "def run(self):\n    return load(self)", "def load(x): ..."]),
        kind=st.sampled_from(["turn", "chunk", "passage", "memory"]),
        source=st.sampled_from([None, "src/app.py", "tests/test_app.py", "notes.md"]),
        role=st.sampled_from([None, "user", "assistant"]),
        speaker=st.sampled_from([None, "Ana", "Bo"]),
        session=st.sampled_from([None, "1", "2"]),
        title=st.sampled_from([None, "Oslo", "the weather"]),
        time=st.sampled_from([None, "2024-05-01", "soon"]),
    ),
    max_size=12,
)


@settings(max_examples=80, deadline=None)
@given(ITEMS, st.text(max_size=40) | st.sampled_from(["Who is in Oslo?", "What calls `load`?", '"weather" 你好']))
def test_p_is_a_finite_share_and_the_best_has_one(items, text):
    p = Index(items).score(Query(text=text))
    assert p.dtype == np.float32
    assert p.shape == (len(items),)
    assert np.isfinite(p).all()
    assert ((p >= 0) & (p <= 1)).all()
    assert not items or p.max() == 1


@settings(max_examples=40, deadline=None)
@given(ITEMS, ITEMS)
def test_a_grown_index_scores_as_one_built_at_once(some, more):
    query = Query(text="What did Ana say of the weather in Oslo?")
    grown = Index(some)
    grown.score(query)
    grown.extend(more)
    assert np.array_equal(grown.score(query), Index([*some, *more]).score(query))


QUESTIONS = st.sampled_from(
    ["What did Ana say of the weather in Oslo?", "Write a poem on May 1", '"weather" 你好', "What do I like of Bo's?"]
)


@settings(max_examples=80, deadline=None)
@given(ITEMS, ITEMS, QUESTIONS, st.data())
def test_some_items_of_an_index_score_as_an_index_of_them_alone_and_stay_as_they_are(items, more, question, data):
    rows = np.flatnonzero([data.draw(st.booleans()) for _ in items])
    matrix = np.random.default_rng(len(items)).normal(size=(len(items), 3)).astype(np.float32)
    query = Query(text=question, vectors={"toy": matrix[:1]})
    index, alone = Index(items), Index([items[i] for i in rows])
    some = index.select(rows)
    if data.draw(st.booleans()):
        index.score(query)
    index.extend(more)
    assert np.array_equal(some.score(query), alone.score(query))
    assert list(some.texts_to_embed) == list(alone.texts_to_embed)
    assert some.query_weights(query) == alone.query_weights(query)
    theirs = ItemVectors(name="toy", matrix=matrix, row=rows)
    with_vectors = alone.with_vectors(ItemVectors(name="toy", matrix=matrix[rows]))
    assert np.array_equal(some.with_vectors(theirs).score(query), with_vectors.score(query))


def test_the_words_decide_where_nothing_else_does():
    items = turns(*FILLER, "The boiler was mended by Mr Ito.", kind="passage")
    assert best(items, "Who mended the boiler?") == items[-1].text


def test_the_answer_after_a_question_takes_part_in_its_relevance():
    items = turns(*FILLER[:10], "Where is the key to the cellar?", "Under the blue pot.", *FILLER[10:], session="1")
    around = Index(items).features(Query(text="Where is the cellar key?"))["neighbours"]
    assert np.flatnonzero(around).tolist() == [9, 11]


def test_neighbours_end_at_the_session():
    items = [*turns("The key to the cellar?", session="1"), *turns("Under the blue pot.", session="2")]
    assert Index(items).explain(Query(text="cellar key"), 1)["neighbours"] == 0


def test_a_session_shares_its_best_item():
    items = [
        *turns("We talk of sailing and boats.", "It was long.", "And cold.", session="1"),
        *turns("Nothing much.", "As ever.", "Fine.", session="2"),
    ]
    p = Index(items).score(Query(text="sailing boats"))
    assert p[2] > p[5]


@pytest.mark.parametrize(
    ("text", "asked", "about"),
    [
        ("List the order in which I brought up aspects of my garden across our conversations.", True, "garden"),
        ("How have my plans for the garden evolved?", True, "plans garden"),
        ("How did the messages of the chat app progress over time?", True, "messages chat app"),
        ("Give me a timeline.", True, "Give me a timeline."),
        ("按时间顺序总结我们对花园的讨论", True, "对花园的"),
        ("我的花园计划如何变化？", True, "我的花园计划"),
        ("How do I change the oil in order to save money?", False, None),
        ("When did Gina develop a video presentation?", False, None),
        ("What order did Ana place?", False, None),
        ("Summarize the discussion about batteries.", False, None),
        ("花园里种了什么？", False, None),
    ],
)
def test_a_question_over_time_is_asked_by_its_subject(text, asked, about):
    query = Query(text=text)
    assert query.is_over_time is asked
    assert query.wording == (about if asked else text)
    assert query.texts_to_embed == [query.wording]


def test_words_that_only_frame_a_question_over_time_find_nothing():
    frame = "The order of the conversations was different: I brought up aspects in sequence."
    items = turns(*FILLER, "The garden gets roses.", frame)
    assert best(items, "In what order did I bring up different aspects of my garden throughout our conversations?") == (
        "The garden gets roses."
    )
    assert best(items, "Which aspects of different conversations did I bring up?") == frame


def test_a_question_over_time_does_not_lift_the_session_of_the_best():
    items = [*turns("The garden gets roses.", "We had tea.", session="1"), *turns("It rains.", session="2")]
    lifted = Index(items).features(Query(text="What about the garden?"))["session"]
    assert lifted[1] > lifted[2]
    assert not Index(items).features(Query(text="How has the garden changed over time?"))["session"].any()


def test_a_named_speaker_is_preferred():
    items = [Item(text="I had soup.", speaker="Ana Lim"), Item(text="I had soup.", speaker="Bo Ek")]
    assert Index(items).score(Query(text="What did Bo eat? soup"))[1] == 1


def test_the_named_one_speaking_of_himself_is_preferred():
    items = turns("Your pottery class sounds nice.", "I love my pottery class.", speaker="Ana")
    items += turns("I love my pottery class.", speaker="Bo")
    own = Index(items).features(Query(text="What class does Ana take?"))["own"]
    assert own.tolist() == pytest.approx([0, 0.1, 0])


def test_a_short_turn_that_says_nothing_is_worth_less():
    items = turns("Wow!", "The boiler from Kyoto leaks by the pantry again.", *FILLER, session="1")
    filler = Index(items).features(Query(text="What is great?"))["filler"]
    assert filler[0] == pytest.approx(-0.4 * np.exp(-np.log1p(21.5 / 1.5) / 12), rel=1e-4)
    assert filler[1] > filler[0] / 1.9


def test_passages_and_long_turns_are_no_filler():
    long = turns(*FILLER[:3], "word " * 2_000, session="1")
    for items in (turns("Wow, great!", *FILLER, kind="passage"), long):
        assert np.abs(Index(items).features(Query(text="What is great?"))["filler"]).max() < 0.01


def test_the_user_or_the_assistant_as_asked():
    items = [Item(text="A good film.", role="user"), Item(text="A good film.", role="assistant")]
    mine, yours = (Index(items).score(Query(text=text)) for text in ("Which film?", "Which film did you recommend?"))
    assert mine.argmax() == 0
    assert yours.argmax() == 1


def test_standing_instructions_come_with_tasks_only():
    rule = "From now on, always end variable names with '_x'."
    items = turns(*FILLER, rule, *FILLER, session="1")
    assert best(items, "Write a function that sorts a list.") == rule
    assert "instruction" not in Index(items).features(Query(text="What did we say of sorting?"))


@pytest.mark.parametrize(
    ("text", "strong"),
    [
        ("Never use tabs.", True),
        ("I'd like you to add a docstring to all functions.", True),
        ("从现在起请一律用中文回答。", True),
        ("It rained, and we stayed in.", False),
        ("", False),
    ],
)
def test_how_much_a_text_instructs(text, strong):
    assert (instruction_strength(text) > 0.5) == strong


def told(*texts, by_user=()):
    """Return the positions of the texts that newer ones replace."""
    return replaced((n, n in by_user, exact_instructions(text)) for n, text in enumerate(texts))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Always answer in at most 90 words.", "From now on, answer in at most 40 words."),
        ("Please sign my letters with 'Yours'.", "Going forward, I want you to sign my letters with 'Bye'."),
        ("Always save plots to `out/`.", "From now on, you should save plots to `figures/`."),
        ("For charts, always set 'dpi' to 150.", "For charts, always set 'dpi' to 300."),
        ("Write dates as `YYYY-MM-DD` at all times.", "Write dates as `DD.MM.YY` from now on."),
        ("Now for test files. Always start them with 't_'.", "Please start test files with 'test_'."),
        ("Remember to start ending branch names with '_a'.", "Please end branch names with '_b'."),
        ("请一律把标题控制在20字以内。", "请一律把标题控制在12字以内。"),
        ("请一律把分支名以'x_'开头。", "请一律把分支名以'y_'开头。"),
    ],
)
def test_a_newer_value_for_the_same_thing_replaces_an_instruction(old, new):
    assert told(old, "It rains.", new) == {0}
    assert told(new, old, old) == {0}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Always start test names with 't_'.", "Always start class names with 'C'."),
        ("Always start test names with 't_'.", "Always end test names with '_t'."),
        ("Always start names with 'x_'.", "Never start names with 'y_'."),
        ("Please add '@slow' to long tests.", "Please add '@flaky' to long tests."),
        ("Always run `mypy` before a commit.", "Always run `ruff` before a commit."),
        ("Always write a docstring for 'load'.", "Always write a docstring for 'dump'."),
        ("Keep the summary under 100 words.", "Keep the summary under 3 paragraphs."),
        ("Always set 'debug' to 1.", "Always set 'cache' to 0."),
        ("Always start test names with 't_'.", "Sure, I'll start test names with 'x_'."),
        ("Always start test names with 't_'.", "The old names start with 'x_'."),
        (
            "Always start test names with 't_'. Please never skip a failing test.",
            "Start test names with 'x'.",
        ),
        ("Always start test names with 't_'.", "Remember: start test names with 't_'."),
        ("Always set the timeout to 30.", "Always set the timeout to 30, please."),
        ("我们总是用'x_'开头。", "下雨了。"),
    ],
)
def test_an_instruction_stays_in_force_beside_one_about_something_else(one, other):
    assert told(one, other) == set()


def test_nobody_else_replaces_what_the_user_instructs():
    old, new = "Always start test names with 't_'.", "Always start test names with 'x_'."
    assert told(old, new, by_user={0}) == set()
    assert told(old, new, by_user={1}) == {0}
    assert told(old, new, old, by_user={0, 2}) == set()


def test_an_instruction_in_force_comes_before_one_that_was_replaced():
    old, new = (f"From now on, always end variable names with '{end}'." for end in ("_x", "_y"))
    items, query = turns(old, *FILLER, new, session="1"), Query(text="Write a function that sorts a list.")
    index = Index(items)
    read = index.features(query)["instruction"]
    assert read[0] < read[-1] / 2
    assert index.select(np.array([0, 1, 2])).features(query)["instruction"][0] == read[-1]
    assert index.select(np.array([21, 0])).features(query)["instruction"].tolist() == [read[-1], read[0]]
    plain = Index(turns("From now on, always end variable names well.")).features(query)["instruction"]
    assert plain[0] < read[-1]


def test_a_full_stop_inside_a_value_ends_no_sentence():
    assert instruction_strength("Always write 3.5 as 'A.B', in all files.") > instruction_strength("Always write 3.")


def test_a_day_in_the_question_finds_its_session():
    items = [Item(text="We had a meal.", session=str(day), time=f"2024-05-{day:02}") for day in (2, 9, 16, 23)]
    p = Index(items).score(Query(text="What did we eat on 9 May?"))
    assert p.argmax() == 1


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("on 31 October, 2022", date(2022, 10, 31), date(2022, 10, 31)),
        ("on May 8", date(2023, 5, 8), date(2023, 5, 8)),
        ("on June 8", date(2022, 6, 8), date(2022, 6, 8)),
        ("in May 2021", date(2021, 5, 1), date(2021, 5, 31)),
        ("2021年5月", date(2021, 5, 1), date(2021, 5, 31)),
        ("4月30号", date(2023, 4, 30), date(2023, 4, 30)),
        ("2021-02-03", date(2021, 2, 3), date(2021, 2, 3)),
        ("ten days ago", date(2023, 5, 10), date(2023, 5, 10)),
        ("two weeks ago", date(2023, 5, 3), date(2023, 5, 9)),
        ("yesterday", date(2023, 5, 19), date(2023, 5, 19)),
        ("昨天", date(2023, 5, 19), date(2023, 5, 19)),
    ],
)
def test_days_that_a_question_names(text, first, last):
    assert named_days(text, datetime(2023, 5, 20)) == [(first.toordinal(), last.toordinal())]


@given(st.text())
def test_no_text_breaks_the_dates(text):
    named_days(text, datetime(2023, 5, 20))


def test_impossible_days_are_no_days():
    assert named_days("2023-13-45 and 31 Smarch 2023", None) == []


def test_a_quoted_phrase_counts():
    items = turns("the red door and the blue", "the blue door and the red", kind="passage")
    assert best(items, 'Who wrote "blue door"?') == items[1].text


def test_a_title_named_by_the_best_is_followed():
    items = [
        Item(text="She was born in Oslo.", title="Ana Lim", kind="passage"),
        Item(text="A city of 700,000 people.", title="Oslo", kind="passage"),
        Item(text="A city of 900,000 people.", title="Turin", kind="passage"),
    ]
    p = Index(items).score(Query(text="How large is the place where Ana Lim was born?"))
    assert p[1] > p[2]


def test_the_heading_of_a_chunk_counts_as_shared_terms_and_the_title_of_a_passage_as_all_words():
    def named(kind):
        texts, titles = ("She was born in Oslo.", "A city of 700,000 people."), ("Ana Lim", "Oslo")
        items = [Item(text=text, title=title, kind=kind) for text, title in zip(texts, titles, strict=True)]
        parts = Index(items).features(Query(text="How large is the place where Ana Lim was born?"))
        return float(parts["link"][1]), float(parts["bridge"][1])

    weights = shipped_weights()
    assert named("passage") == (pytest.approx(weights.link), 0.0)
    assert named("chunk") == (0.0, pytest.approx(weights.bridge))
    assert weights.bridge < weights.link == weights.lexical


def test_titles_are_found_as_whole_words():
    titles = Titles()
    titles.add("Rome (city)", 0)
    titles.add("New York", 1)
    assert titles.named_in("From new york to Romeo") == {1}


def test_the_history_says_what_a_short_question_means():
    items = turns("Bonds pay a coupon.", "Tulips need sand.", kind="passage")
    history = ("How do I plant tulips?", "In autumn, in light soil.")
    assert best(items, "And what do they need?", history=history) == items[1].text


def test_history_never_outweighs_the_question():
    terms = Query(text="tulips", history=("bonds bonds", "bonds", "bonds coupon")).terms(0.4)
    assert terms["tulip"] == 1
    assert terms["bond"] <= 1


def vectors(*rows):
    matrix = np.asarray(rows, np.float32)
    return matrix / np.linalg.norm(matrix, axis=1, keepdims=True)


def test_vectors_find_what_words_do_not():
    items = turns("A feline slept.", "A vehicle stopped.", kind="passage")
    index = Index(items).with_vectors(ItemVectors(name="toy", matrix=vectors([1, 0], [0, 1])))
    query = Query(text="cat", vectors={"toy": vectors([1, 0.1])})
    assert index.score(query).argmax() == 0
    assert index.explain(query, 0)["dense"] > index.explain(query, 1)["dense"]


def test_an_item_without_a_vector_has_none_to_be_found_by():
    items = turns("A feline slept.", "A vehicle stopped.", "It rained.", kind="passage")
    some = ItemVectors(name="toy", matrix=vectors([1, 0], [0, 1]), row=np.array([1, -1, 0]))
    found = Index(items).with_vectors(some).matches(Query(text="cat", vectors={"toy": vectors([1, 0])}))["toy"]
    assert found[0] == 0 and np.isnan(found[1]) and found[2] == 1


def test_each_embedder_has_a_scale_of_its_own():
    """Cosines of .2 and .9 are the best that the one and the other give: both items are found."""
    items = turns("A feline slept.", "It rained.", "猫在睡觉。", "下雨了。", kind="passage")
    low = ItemVectors(name="low", matrix=vectors([0.2, 1], [0, 1]), row=np.array([0, 1, -1, -1]))
    high = ItemVectors(name="high", matrix=vectors([0.9, 0.43], [0.5, 0.86]), row=np.array([-1, -1, 0, 1]))
    query = Query(text="dog", vectors={"low": vectors([1, 0]), "high": vectors([1, 0])})
    dense = Index(items).with_vectors(low, high).features(query)["dense"]
    assert dense[0] == dense[2] > dense[1] == dense[3] == 0


def test_vectors_count_little_in_one_index_where_words_answer_in_another():
    """Of a question in Chinese, which the talk answers word for word, no chunk of a file says anything."""
    query = Query(text="美玲对核桃过敏吗？", vectors={"toy": vectors([1, 0])})
    talk = Index(turns("美玲对核桃过敏。", "明天下雨。")).with_vectors(
        ItemVectors(name="toy", matrix=vectors([0.2, 1], [0, 1]))
    )
    files = Index(turns("租车条件。", "路线。", kind="passage")).with_vectors(
        ItemVectors(name="toy", matrix=vectors([0.9, 0.4], [0.1, 1]))
    )
    of_talk, of_files = score_together([(talk, query), (files, query)])
    assert of_talk[0] == 1 > 5 * of_files.max()


def test_vectors_of_question_and_history_are_mixed():
    query = Query(text="a", history=("b",), vectors={"toy": vectors([1, 0], [0, 1])})
    alone, half, whole = (query.direction("toy", leaning) for leaning in (0.0, 0.5, 1.0))
    assert alone is not None and half is not None and whole is not None
    assert alone[1] == 0 < half[1] < whole[1] <= whole[0]
    assert query.direction("other") is None


def test_a_question_that_an_item_means_by_itself_does_not_lean_on_the_history():
    items = turns("A feline slept.", "Bonds pay a coupon.", "Tulips need sand.", kind="passage")
    matrix = vectors([1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0])
    index = Index(items).with_vectors(ItemVectors(name="toy", matrix=matrix))
    history = ("How do I plant tulips?", "In autumn, in light soil.")

    def found(own):
        return index.score(Query(text="Sand?", history=history, vectors={"toy": vectors(own, [0, 0, 1, 0])})).argmax()

    assert found([1, 0, 0, 0.5]) == 0
    assert found([0.2, 0.1, 0, 1]) == 2


def test_an_embedder_whose_cosines_are_all_high_does_not_switch_the_history_off():
    """Of a question without a known word the history still says what it means."""
    items = turns("Bonds pay a coupon.", "Tulips need sand.", kind="passage")
    index = Index(items).with_vectors(ItemVectors(name="toy", matrix=vectors([1, 0.2], [1, 0.2])))
    history = ("How do I plant tulips?", "In autumn, in light soil.")
    query = Query(text="And elsewhere?", history=history, vectors={"toy": vectors([1, 0.2], [1, 0.2])})
    assert index.score(query).argmax() == 1


def test_one_vector_for_each_item_or_an_error():
    with pytest.raises(InputError, match="1 vectors for 2 items"):
        Index(turns("a", "b")).with_vectors(ItemVectors(name="toy", matrix=vectors([1, 0])))


def test_texts_to_embed_carry_speaker_or_title():
    items = [Item(text="Hi.", speaker="Ana"), Item(text="Big.", title="Oslo", kind="passage"), Item(text="Bare.")]
    assert list(Index(items).texts_to_embed) == ["Ana: Hi.", "Oslo: Big.", "Bare."]


def test_features_sum_to_the_score():
    items = turns(*FILLER, "Rain in Oslo.", session="1")
    index, query = Index(items), Query(text="Oslo rain?")
    total = np.sum(list(index.features(query).values()), axis=0)
    assert np.allclose(index.score(query), np.exp((total - total.max()) / index.weights.temperature), atol=1e-5)


def test_the_topic_window_against_a_plain_loop():
    draw = random.Random(3)
    items = [Item(text="x" * draw.randrange(4, 900), session=draw.choice("ab")) for _ in range(60)]
    sizes = np.asarray([len(item.text) / 4 + 4 for item in items], np.float32)
    scores = np.asarray([draw.random() for _ in items], np.float32)
    place = Table().plus(items).place
    middle = np.cumsum(sizes) - sizes / 2

    def near(i):
        low = high = i
        while low > 0 and items[low - 1].session == items[i].session and middle[i] - middle[low - 1] <= 600:
            low -= 1
        while high + 1 < 60 and items[high + 1].session == items[i].session and middle[high + 1] - middle[i] <= 600:
            high += 1
        return slice(low, high + 1)

    once = [scores[near(i)].mean() for i in range(60)]
    twice = [np.mean(once[near(i)]) for i in range(60)]
    assert np.allclose(place.topic(scores), twice, atol=1e-5)


def test_a_question_about_the_user_looks_for_turns_in_which_he_speaks_of_himself():
    items = [Item(text="I love my pottery class.", role=role) for role in ("user", "assistant")]
    items.append(Item(text="Which pottery class is near?", role="user"))
    mine = Index(items).features(Query(text="What class do I like?"))["mine"]
    assert mine.tolist() == pytest.approx([0.5, 0, 0])
    assert "mine" not in Index(items).features(Query(text="Which class did you tell me of?"))
    assert "mine" not in Index(items).features(Query(text="Which class is best?"))


def test_who_spoke_does_not_tell_turns_from_files():
    items = [
        Item(text="A class.", role="user"),
        Item(text="A class.", role="assistant"),
        Item(text="A class.", kind="chunk", source="notes.md"),
        Item(text="A class.", role="tool"),
    ]
    assert Index(items).features(Query(text="Which class?"))["role"].tolist() == [0.5, 0, 0.5, 0.5]


def test_threads_that_ask_at_once_read_each_item_once_or_alike():
    meet = Barrier(2)

    def read(text):
        meet.wait(timeout=30)  # both threads have found that the item was not read yet
        return 1.0

    lazily, items = Lazily(read, "turn"), turns("I am here.")
    with ThreadPoolExecutor(2) as threads:
        found = [threads.submit(lazily.of, items) for _ in range(2)]
        assert [one.result().tolist() for one in found] == [[1.0], [1.0]]
    assert lazily.of(items).tolist() == [1.0]
