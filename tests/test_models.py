"""The catalogue: every row complete and sourced, names found, prices from the price table."""

import subprocess
import sys
from dataclasses import replace
from datetime import date

import pytest

from ctxwin.errors import InputError, UnknownModel
from ctxwin.models import Model, Tier, get_family, get_model, models, names
from ctxwin.tokens import TEMPLATES, encodings
from ctxwin.tokens.media import MEDIA_RULES

DAY = date(2026, 11, 24)


def test_every_row_is_complete() -> None:
    rows = list(models(on=DAY))
    assert len({row.name for row in rows}) == len(rows) > 100
    for row in rows:
        assert row.date is not None and row.source, row.name
        assert row.tokenizer in encodings(), row.name
        assert row.media in MEDIA_RULES, row.name
        assert row.template in TEMPLATES, row.name
        assert row.window is not None and row.window > 8_000, row.name
        assert row.output is None or 0 < row.output <= row.window, row.name
        assert row.cache_write >= 1, row.name
        assert row.cache_read is None or 0 < row.cache_read < 1, row.name


@pytest.mark.parametrize(
    "provider",
    ["openai", "anthropic", "google", "deepseek", "qwen", "z.ai", "meta", "mistral", "x-ai", "moonshotai"],
)
def test_all_makers_are_there_with_prices(provider: str) -> None:
    rows = [row for row in models(on=DAY) if row.provider == provider]
    assert len(rows) >= 2
    assert any(row.input_price for row in rows)


def test_prices_and_multipliers_come_from_the_price_table() -> None:
    opus = get_model("claude-opus-4-5", on=DAY)
    assert (opus.input_price, opus.output_price) == (5.0, 25.0)
    assert (opus.cache_read, opus.cache_write) == (0.1, 1.25)
    assert get_model("gpt-4o", on=DAY).cache_read == 0.5
    assert get_model("gpt-4o", on=DAY).cache_write == 1.0
    assert get_model("gpt-5.6-sol", on=date(2026, 8, 1)).input_price == 5.0  # before its price was lowered
    assert get_model("gpt-5.6-sol", on=DAY).input_price == 4.0


def test_long_requests_cost_more() -> None:
    gemini = get_model("gemini-2.5-pro", on=DAY)
    assert gemini.tiers == (Tier(above=200_000, input_price=2.5, output_price=15.0),)
    assert gemini.cost(200_000, output=1_000) == pytest.approx(0.25 + 0.01)
    assert gemini.cost(200_001) == pytest.approx(200_001 * 2.5e-6)
    assert gemini.cost(100_000, cached=100_001) == pytest.approx((100_000 + 0.1 * 100_001) * 2.5e-6)


def test_cost_without_a_price_is_none() -> None:
    assert Model(name="mine").cost(1_000) is None


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("ft:gpt-4o-2024-08-06:acme", "gpt-4o"),
        ("openai/gpt-5-mini", "gpt-5-mini"),
        ("gpt-5.4-2026-03-05", "gpt-5.4"),
        ("claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("us.anthropic.claude-opus-4-5-20251101-v1:0", "claude-opus-4-5"),
        ("claude-opus-4-5@20251101", "claude-opus-4-5"),
        ("openrouter/anthropic/claude-sonnet-5", "claude-sonnet-5"),
        ("models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("GLM-5.3", "glm-5.3"),
        ("meta-llama/llama-3.3-70b-instruct:free", "llama-3.3-70b-instruct"),
        ("grok-4-0709", "grok-4"),
    ],
)
def test_names_of_snapshots_and_hosts(name: str, family: str) -> None:
    found, plain = get_model(name, on=DAY), get_model(family, on=DAY)
    assert get_family(name) == get_family(family)
    assert (found.window, found.output, found.tokenizer) == (plain.window, plain.output, plain.tokenizer)


def test_a_snapshot_has_its_own_price() -> None:
    assert get_model("gpt-4o-2024-05-13", on=DAY).input_price == 5.0
    assert get_model("gpt-4o", on=DAY).input_price == 2.5


def test_a_model_outside_the_catalogue_is_found_by_family_and_price_table() -> None:
    assert "claude-3-5-sonnet" not in names()
    sonnet = get_model("claude-3-5-sonnet-20241022", on=DAY)
    assert (sonnet.tokenizer, sonnet.window, sonnet.output) == ("claude-3", 200_000, None)


def test_the_longest_prefix_decides() -> None:
    assert get_family("gpt-4.1-nano").media == "gpt-nano"
    assert get_family("gpt-4.1").media == "gpt-4o"
    assert get_family("claude-opus-4-7").tokenizer == "claude-4.7"
    assert get_family("claude-opus-4-6").tokenizer == "claude-3"


@pytest.mark.parametrize("name", ["gpt-5-mni", "gtp-4o", "claude", "gpt-99", "", "llama"])
def test_unknown_names_offer_the_nearest(name: str) -> None:
    with pytest.raises(UnknownModel, match=r"unknown model .*`ctxwin models` lists all") as caught:
        get_model(name)
    assert caught.value.name == name
    assert set(caught.value.nearest) <= set(names())
    if name == "gpt-5-mni":
        assert caught.value.nearest[0] == "gpt-5-mini"


def test_a_model_made_by_hand_is_taken() -> None:
    mine = replace(get_model("gpt-4o"), name="mine", window=10_000)
    assert get_model(mine) is mine
    with pytest.raises(InputError, match="named by a string"):
        get_model(7)  # type: ignore[arg-type]


def test_prices_are_loaded_only_for_a_model() -> None:
    code = (
        "import sys, ctxwin.models, ctxwin.tokens\n"
        "ctxwin.tokens.get_tokenizer('gpt-4o-2024-08-06').count('a')\n"
        "heavy = {'genai_prices.data', 'tiktoken', 'tokenizers', 'transformers', 'torch'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "tokenizer", "window"),
    [
        ("llama3.1:8b", "llama-3", 131_072),
        ("qwen2.5-coder:7b", "qwen-3", 32_768),
        ("gpt-oss:20b", "o200k_harmony", 131_072),
    ],
)
def test_names_of_ollama_are_known_and_cost_nothing(name: str, tokenizer: str, window: int) -> None:
    row = get_model(name)
    assert (row.provider, row.tokenizer, row.window, row.input_price) == ("ollama", tokenizer, window, None)
