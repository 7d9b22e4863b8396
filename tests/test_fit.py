"""Weights from feedback, isotonic recalibration, reliability."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import check_grad

from ctxwin import Budget, pack
from ctxwin.errors import InputError
from ctxwin.evaluate import load, recall, request_text
from ctxwin.evaluate.recalibration import calibrate
from ctxwin.evaluate.reliability import reliability_curve
from ctxwin.items import Item
from ctxwin.pool import Pool
from ctxwin.retrieve import FEATURES, Feedback, Query, Signs, Weights, fit, shipped_weights
from ctxwin.retrieve.own_curve import ShareBySize, scaled
from ctxwin.retrieve.own_weights import Logistic, lessons_of

ANCHORS = ("lexical", "dense")
TOPICS = ("harbour", "garden", "engine", "lantern", "violin", "glacier", "market", "orchard")


def pool(number, *, helper):
    """Turns of two sessions; each question's words stand in a user's and in an assistant's turn alike."""
    items = []
    for topic in TOPICS:
        for role in ("user", "assistant"):
            text = (
                f"The {topic} of town {number} was what we spoke of, and then of much else."
                + " So it went on for a good while." * 8
            )
            items.append(Item(text=text, id=f"{topic}-{role}", role=role, session="s"))
    held = Pool(items)
    return [Feedback(pool=held, query=f"Tell of the {topic}", helped=[f"{topic}-{helper}"]) for topic in TOPICS]


def labelled(pools, *, helper):
    return [one for number in range(pools) for one in pool(number, helper=helper)]


def test_a_fit_learns_whose_words_helped():
    start = replace(shipped_weights(), role=0.05)
    feedback = labelled(6, helper="user")
    fitted = fit(feedback, start=start, embedder="none")
    assert fitted.role > 0.1
    other = []
    for weights in (start, fitted):
        held = Pool(feedback[0].pool, weights=weights)
        p = dict(zip([item.id for item in held], held.index.score(Query(text="Tell of the garden")), strict=True))
        assert p["garden-user"] == 1
        other.append(p["garden-assistant"])
    assert other[1] < other[0] - 0.1


def test_the_same_feedback_gives_the_same_weights():
    assert fit(labelled(3, helper="assistant"), embedder="none") == fit(
        labelled(3, helper="assistant"), embedder="none"
    )


def test_the_sum_of_the_matches_and_what_was_not_seen_stay():
    start = shipped_weights()
    fitted = fit(labelled(3, helper="assistant"), embedder="none")
    assert fitted.lexical == pytest.approx(start.lexical)  # the only match here: it is the scale
    for name in ("dense", "date", "link", "history", "temperature"):
        assert getattr(fitted, name) == getattr(start, name)


def test_where_the_pools_left_out_do_not_gain_the_start_comes_back():
    feedback = [*pool(0, helper="assistant"), *pool(1, helper="user")]  # the two contradict each other
    fitted = fit(feedback, embedder="none")
    assert replace(fitted, curve=shipped_weights().curve) == shipped_weights()


def test_one_label_hardly_moves_the_weights():
    start = shipped_weights()
    fitted = fit(labelled(1, helper="assistant")[:1], embedder="none")
    moved = {name: abs(getattr(fitted, name) - getattr(start, name)) for name in FEATURES}
    assert max(moved.values()) < 0.05


def test_it_corrects_the_weights_it_is_given():
    start = replace(shipped_weights(), role=-0.4, temperature=0.3)
    fitted = fit(labelled(1, helper="user")[:1], start=start, embedder="none")
    assert fitted.temperature == 0.3
    assert fitted.role == pytest.approx(-0.4, abs=0.05)


def test_its_gradient_is_the_slope_of_its_loss():
    lessons = list(lessons_of(labelled(1, helper="assistant")[:2], shipped_weights(), None))
    learner = Logistic(shipped_weights(), lessons)
    at = np.linspace(-0.3, 0.4, len(learner.names))
    assert {"lexical", "role", "long"} <= set(learner.names)
    error = check_grad(lambda x: learner.loss(lessons[0], x)[0], lambda x: learner.loss(lessons[0], x)[1], at)
    assert error < 1e-4


@pytest.mark.parametrize(
    ("helped", "says"),
    [
        (["garden-user", "nobody"], "feedback 1: its pool holds no item 'nobody'"),
        ([], "feedback 1 names nothing that helped"),
        ([f"{topic}-{role}" for topic in TOPICS for role in ("user", "assistant")], "all 16 items helped"),
    ],
)
def test_labels_that_teach_nothing_are_refused(helped, says):
    first = pool(0, helper="user")[0]
    with pytest.raises(InputError, match=says):
        fit([first, replace(first, helped=helped)], embedder="none")


def test_no_feedback_is_refused():
    with pytest.raises(InputError, match="no feedback to learn from"):
        fit([], embedder="none")


@pytest.mark.parametrize("found", [True, False])
def test_the_expected_share_follows_the_labels(found):
    """What helped comes first, or last: the curve then expects more of a request, or less."""
    pools = [Pool([Item(text=f"{topic.title()} {number}, " + "said at some length " * 9, id=topic) for topic in TOPICS])
             for number in range(12)]  # fmt: skip
    feedback = [Feedback(pool=one, query="Which harbour?", helped=["harbour" if found else "glacier"]) for one in pools]
    feedback = [
        replace(one, pool=Pool([*one.pool] + [Item(text=f"Nothing {n} " * 60) for n in range(40)])) for one in feedback
    ]
    fitted = fit(feedback, embedder="none")
    signs = Signs(sure=0.9, part=0.3, length=60.0, second=0.3, apart=0.4, unlike=0.2, spread=False)
    before, after = (float(one.curve.share(signs)) for one in (shipped_weights(), fitted))
    assert after > before if found else after < before - 0.1


def test_fitted_weights_are_saved_and_loaded():
    fitted = fit(labelled(6, helper="user"), embedder="none")
    assert fitted.curve != shipped_weights().curve
    assert Weights.from_dict(json.loads(json.dumps(fitted.to_dict()))) == fitted


@pytest.mark.parametrize("plain", [{}, {"lexical": 1.0}, {"curve": {"start": 0}}, {"curve": 3}])
def test_what_are_no_weights_is_refused(plain):
    with pytest.raises(InputError, match="no saved weights"):
        Weights.from_dict(plain)


def test_a_pool_with_fitted_weights_packs_by_their_curve():
    pool = Pool(
        [Item(text=f"Shelf {n} holds {n * n} jars of plum jam, said the {TOPICS[n % 8]} keeper.") for n in range(400)]
    )
    curve = replace(shipped_weights().curve, start=shipped_weights().curve.start - 2.0)
    low = Pool(pool.items, weights=replace(shipped_weights(), curve=curve))
    asked = {"query": "How many jars did the harbour keeper count on shelf 31?", "embedder": "none"}
    sure, unsure = (pack(items=one, budget=1_000, **asked).report.expected for one in (pool, low))
    assert unsure.share < sure.share
    enough = Budget(total=4_000, enough=0.9)
    assert pack(items=low, budget=enough, **asked).tokens > pack(items=pool, budget=enough, **asked).tokens


def test_the_expected_share_is_right_on_talk_that_the_fit_did_not_see(data):
    """Reading comprehension, of which the shipped curve expects too little."""
    dataset = load(data / "cmrc2018_zh")
    sources = list(dataset.sources)
    asked = [[one for one in dataset.queries if one.source == source][:10] for source in sources]
    pools = [Pool(dataset.sources[source]) for source in sources]
    learned = [Feedback(pool=pools[n], query=one.text, helped=one.gold) for n in (0, 2) for one in asked[n]]
    fitted = fit(learned, embedder="none")
    errors = []
    for weights in (shipped_weights(), fitted):
        off = []
        for n in (1, 3):
            units = {item.id: item for item in dataset.sources[sources[n]]}
            for one in asked[n]:
                packed = pack(query=one.text, items=pools[n].with_weights(weights), budget=500, embedder="none")
                off.append(packed.report.expected.share - recall(request_text(packed.messages), one, units))
        errors.append(abs(np.mean(off)))
    assert errors[1] < 0.6 * errors[0]
    assert errors[1] < 0.08


def test_the_fit_of_the_curve_does_not_go_too_far():
    random = np.random.default_rng(3)
    logit = [np.sort(random.normal(3, 2, 6)) for _ in range(40)]
    questions = [ShareBySize(pool=n, logit=one, share=1 / (1 + np.exp(1 - 0.5 * one))) for n, one in enumerate(logit)]
    assert scaled(questions) == pytest.approx((-1.0, 0.5), abs=0.1)


def test_brief_and_long_add_nothing_as_shipped():
    shipped = asdict(shipped_weights())
    assert shipped["brief"] == shipped["long"] == 0.0


def test_isotonic_regression_of_a_known_case():
    line = calibrate([0.1, 0.2, 0.3, 0.4], [0, 1, 0, 1], [1, 1, 3, 1])
    assert line([0.1, 0.2, 0.3, 0.4]).tolist() == [0.0, 0.25, 0.25, 1.0]
    assert line([0.0, 0.35, 1.0]) == pytest.approx([0.0, 0.625, 1.0])


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40))
def test_a_calibration_never_falls_and_keeps_the_mean(pairs):
    p, helped = (np.array(column, float) for column in zip(*pairs, strict=True))
    shares = calibrate(p, helped)(p)
    assert (np.diff(shares[np.argsort(p, kind="stable")]) >= -1e-12).all()
    assert shares.mean() == pytest.approx(helped.mean())


def test_a_calibrated_p_lies_on_the_diagonal():
    random = np.random.default_rng(7)
    p = random.random(20_000)
    helped = random.random(20_000) < p**2
    raw = reliability_curve(p, helped)
    told = reliability_curve(calibrate(p[::2], helped[::2])(p[1::2]), helped[1::2])
    assert raw.error == pytest.approx(1 / 6, abs=0.01)  # the mean of p - p^2
    assert told.error < 0.02


def test_curves_of_nothing_are_refused():
    with pytest.raises(InputError, match="one length"):
        reliability_curve([], [])
    with pytest.raises(InputError, match="one length"):
        calibrate([0.5], [1, 0])
