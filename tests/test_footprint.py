"""Money, energy and CO2: sums that can be done by hand, published figures that must lie inside the ranges."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ctxwin
from ctxwin.errors import InputError
from ctxwin.models import Model
from ctxwin.models.footprint import Billed, Range, active_parameters, footprint, grid_factor, spending
from ctxwin.models.footprint.energy import ATTENTION, CACHED, INPUT, MEDIUM, OUTPUT, PACKING, SMALL, UNKNOWN
from ctxwin.models.footprint.ranges import ZERO
from ctxwin.report.picture import costs

HUNDRED = Model(name="some-100b", input_price=2.0, output_price=8.0, cache_read=0.1, window=128_000)
TALK = [{"role": "user", "content": f"turn {i}: " + "words of some length " * 20} for i in range(40)]

tokens = st.integers(0, 200_000)


def test_the_middle_is_the_formula():
    call = footprint(HUNDRED, 3_000, cached=5_000, written=1_000, output=400)
    each = 4_000 * INPUT.mid + 5_000 * INPUT.mid * CACHED.mid + 4_000 * 9_000 * ATTENTION.mid + 400 * OUTPUT.mid
    assert call.energy.mid == pytest.approx(100 * each)
    assert call.co2.mid == pytest.approx(100 * each * 0.458)
    assert call.dollars == HUNDRED.cost(3_000, cached=5_000, written=1_000, output=400)


@pytest.mark.parametrize(
    ("fresh", "output", "published"),
    [
        (500, 500, 0.3),  # Epoch AI, a typical query
        (10_000, 500, 2.5),  # Epoch AI
        (100_000, 500, 40.0),  # Epoch AI
        (500, 300, 0.31),  # Oviedo et al., median of models over 200 billion parameters in all
        (500, 300, 0.24),  # Google, median prompt
    ],
)
def test_published_figures_lie_inside_the_range(fresh, output, published):
    energy = footprint(HUNDRED, fresh, output=output).energy
    assert energy.low < published < energy.high


def test_a_measured_model_of_many_experts_lies_inside_the_range():
    # DeepSeek-R1, 37 billion active: InferenceMAX at 90 % of 8,192 and 1,024 tokens, as given on muxup.com.
    model = Model(name="deepseek-a37b")
    energy = footprint(model, 7_373, output=922).energy
    assert energy.low < 0.96 and energy.high > 3.7
    assert footprint(model, 922, output=7_373).energy.high > 15


def test_a_prompt_from_the_cache_takes_less():
    fresh, cached = footprint(HUNDRED, 20_000), footprint(HUNDRED, 1_000, cached=19_000)
    for end in ("low", "mid", "high"):
        assert getattr(cached.energy, end) < getattr(fresh.energy, end) / 4


@given(tokens, tokens, tokens, tokens)
def test_ranges_are_in_order_and_more_tokens_never_take_less(fresh, cached, written, output):
    one = footprint(HUNDRED, fresh, cached=cached, written=written, output=output)
    more = footprint(HUNDRED, fresh + 1, cached=cached, written=written, output=output + 1)
    for low, high in ((one.energy, more.energy), (one.co2, more.co2)):
        assert low.low <= low.mid <= low.high
        assert low.low <= high.low and low.mid <= high.mid and low.high <= high.high


def test_two_doubts_together_are_less_than_both_at_their_ends():
    both = Range(1.0, 2.0, 4.0) * Range(1.0, 2.0, 4.0)
    assert 1.0 < both.low < 2.0 and both.mid == 4.0 and 8.0 < both.high < 16.0
    assert both.high / both.mid == pytest.approx(2 ** math.sqrt(2))
    assert ZERO * both == ZERO


def test_a_grid_is_named_or_given(monkeypatch):
    assert grid_factor("fra") == Range(41.0, 41.0, 41.0)
    assert grid_factor("12.5").mid == grid_factor(12.5).mid == 12.5
    assert footprint(HUNDRED, 1_000, grid=0).co2 == ZERO
    monkeypatch.setenv("CTXWIN_GRID", "SWE")
    assert grid_factor().mid == 35
    assert grid_factor("world").mid == 458
    monkeypatch.setenv("CTXWIN_GRID", "mars")
    with pytest.raises(InputError, match=r"'mars'.*FRA.*CTXWIN_GRID"):
        grid_factor()
    for wrong in (-1, math.nan, math.inf):
        with pytest.raises(InputError):
            grid_factor(wrong)


def test_a_size_is_read_from_the_name_then_from_the_price():
    sizes = {"llama-3.1-8b-instruct": 8, "qwen3-235b-a22b": 22, "gpt-oss-120b": 5.1, "SmolLM2-135M": 0.135}
    assert {name: active_parameters(name).mid for name in sizes} == pytest.approx(sizes)
    assert active_parameters("claude-fable-5").mid > MEDIUM.mid
    assert active_parameters(Model(name="m", input_price=0.1, output_price=0.4)) == SMALL
    assert active_parameters("nobody-knows-it") == active_parameters(None) == UNKNOWN
    for name in ("kimi-k2.6", "minimax-m2.7", "o3", "gpt-4o"):
        assert active_parameters(name) in (SMALL, MEDIUM)


def test_spending_is_the_sum_of_its_calls():
    calls = [Billed(model=HUNDRED, input=2_000, cached=500, output=100, unpacked=None) for _ in range(3)]
    one = footprint(HUNDRED, 1_500, cached=500, output=100)
    total = spending(calls)
    assert (total.calls, total.input, total.output, total.given) == (3, 6_000, 300, 6_000)
    assert total.packed.dollars == pytest.approx(3 * one.dollars)
    assert total.packed.energy.high == pytest.approx(3 * one.energy.high)
    assert total.saved.dollars == total.saved.energy.mid == 0


def test_an_unpacked_conversation_has_the_prompt_cache_on_its_side():
    def at(minutes):
        return [
            Billed(model=HUNDRED, input=2_000, unpacked=50_000 + 1_000 * i, time=f"2026-03-01T10:{minutes * i:02}:00")
            for i in range(3)
        ]

    quick, slow = spending(at(4)), spending(at(6))
    assert slow.unpacked.dollars == pytest.approx(2e-6 * 153_000)
    assert quick.unpacked.dollars == pytest.approx(2e-6 * (52_000 + 0.1 * 101_000))
    assert quick.packed == slow.packed
    assert quick.saved.dollars < slow.saved.dollars


def test_short_prompts_and_other_models_share_no_cache():
    short = [Billed(model=HUNDRED, input=500, unpacked=900) for _ in range(2)]
    assert spending(short).unpacked.dollars == pytest.approx(2e-6 * 1_800)
    other = Model(name="other-100b", input_price=2.0, output_price=8.0, cache_read=0.1)
    mixed = [Billed(model=model, input=500, unpacked=9_000) for model in (HUNDRED, other, HUNDRED)]
    assert spending(mixed).unpacked.dollars == pytest.approx(2e-6 * 27_000)


def test_packing_itself_is_paid_for():
    packed = spending([Billed(model=HUNDRED, input=1_000, unpacked=1_000)])
    assert packed.packed.energy.mid == pytest.approx(packed.unpacked.energy.mid + PACKING.mid)
    assert packed.saved.energy.mid < 0
    one_token = footprint(HUNDRED, 1).energy.mid
    assert 0.5 * one_token < PACKING.mid < 2 * one_token  # it pays back after a token or two


def test_what_a_model_would_have_refused_is_counted():
    calls = [Billed(model=HUNDRED, input=1_000, output=500, unpacked=size) for size in (127_500, 127_501, 400_000)]
    assert spending(calls).oversize == 2


def test_a_price_that_is_not_known_leaves_energy():
    total = spending([Billed(model="nobody-knows-it", input=1_000, unpacked=9_000), Billed(input=10)])
    assert total.packed.dollars is None and total.saved.dollars is None
    assert total.packed.energy.low > 0
    assert "$" not in total.daily() and "kWh" in total.daily()


def test_prices_are_those_of_the_day():
    then, now = (
        spending([Billed(model="o3", input=1_000_000, time=day)]).packed.dollars for day in ("2025-06-01", "2026-01-01")
    )
    assert then == pytest.approx(5 * now)  # OpenAI cut the price of o3 by 80 % on 10 June 2025


def test_a_day_is_in_proportion_to_what_was_sent():
    total = spending([Billed(model=HUNDRED, input=4_000, output=100, unpacked=28_000)])
    day = total.per_day(10_000_000)
    assert (day.calls, day.input, day.given) == (2_500, 10_000_000, 70_000_000)
    assert day.unpacked.dollars == pytest.approx(2_500 * total.unpacked.dollars)
    assert total.daily().startswith("at 10M tokens a day: $22.00 instead of $142, ")
    assert spending([]).per_day() == spending([])


def test_figures_have_two_digits():
    total = spending([Billed(model=HUNDRED, input=12_345, output=678, unpacked=98_765)])
    for figures in (total.to_dict()["packed"]["energy_wh"], total.to_dict()["unpacked"]["co2_g"]):
        assert all(len(f"{figure:.10g}".replace(".", "").strip("0")) <= 2 for figure in figures.values())
    json.dumps(total.to_dict())


def test_a_report_tells_money_and_energy_packed_and_unpacked():
    packed = ctxwin.pack(TALK, budget=1_000, model="gpt-5")
    cost = packed.report.cost
    assert 3 < cost.unpacked / cost.packed < 4
    assert 3 < cost.spending.unpacked.energy.mid / cost.spending.packed.energy.mid < 4
    plain = packed.report.to_dict()["cost"]
    assert plain["packed"] == cost.packed and plain["energy_wh"]["packed"]["mid"] > 0
    said = "\n".join(costs(packed.report))
    assert "Wh, " in said and "CO2e" in said and "at 10M tokens a day: $12.50 instead of $" in said
    assert "CO2" not in str(packed)  # on request alone


def test_a_model_without_a_price_still_tells_energy():
    packed = ctxwin.pack(TALK, budget=1_000, model="gemma-4-31b-it")
    assert packed.report.cost.packed is None
    assert packed.report.to_dict()["cost"]["energy_wh"]["unpacked"]["low"] > 0
    said = "\n".join(costs(packed.report))
    assert "Wh, " in said and "$" not in said


def test_without_a_model_nothing_is_claimed():
    packed = ctxwin.pack(TALK, budget=1_000)
    assert packed.report.cost is None
    assert "CO2" not in str(packed) and "CO2" not in packed._repr_html_()
