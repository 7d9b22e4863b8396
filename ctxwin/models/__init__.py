"""Look up models: window, output limit, prices, tokenizer, media rule; each row of the catalogue is dated and sourced.

Prices and windows come from the package `genai-prices`, which is loaded when the first model is looked up;
`models.toml` in this folder holds the data that the package lacks. A `Model` made by hand may replace any name.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import InputError, UnknownModel
from ..items.outside import read_value

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

__all__ = ["Model", "Tier", "get_family", "get_model", "models", "names", "priced_model"]

NEAREST = 3
"""How many similar names an error offers."""
ROW_REMEDY = "install another genai-prices, or give a Model of your own"
"""What to do if the price table gives what is no price and no window."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """Prices of a request with more than `above` tokens of input; they apply to all its tokens."""

    above: int
    input_price: float
    """US dollars per million tokens."""
    output_price: float
    """US dollars per million tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A row of the catalogue; unknown values are None.

    Example:
        >>> gpt = get_model("gpt-4o")
        >>> gpt.window, gpt.output, gpt.tokenizer
        (128000, 16384, 'o200k_base')
    """

    name: str
    provider: str = ""
    window: int | None = None
    """Tokens of input and output together."""
    output: int | None = None
    """The most tokens of an answer."""
    input_price: float | None = None
    """US dollars per million tokens."""
    output_price: float | None = None
    """US dollars per million tokens."""
    cache_read: float | None = None
    """Price of a token read from the prompt cache, as a share of `input_price`."""
    cache_write: float = 1.0
    """Price of a token written to the prompt cache, as a share of `input_price`; 1 if writing costs nothing extra."""
    tiers: tuple[Tier, ...] = ()
    """Prices of long requests, shortest first."""
    tokenizer: str = "generic"
    """Name for `ctxwin.get_tokenizer`."""
    media: str = "unknown"
    """Name in `ctxwin.tokens.media.MEDIA_RULES`."""
    template: str = "plain"
    """Name in `ctxwin.tokens.TEMPLATES`: what a message costs besides its words."""
    date: dt.date | None = None
    """When limits and rules were read; prices are those of the day of the call."""
    source: str = ""

    def cost(self, fresh: int, *, output: int = 0, cached: int = 0, written: int = 0) -> float | None:
        """Price one request in US dollars; return None if the catalogue has no price.

        Args:
            fresh: tokens of input at the plain price.
            output: tokens of the answer.
            cached: tokens of input read from the prompt cache.
            written: tokens of input written to the prompt cache.

        Example:
            >>> mine = Model(name="mine", input_price=2.0, output_price=8.0, cache_read=0.1)
            >>> mine.cost(500_000, cached=500_000)
            1.1
        """
        if self.input_price is None or self.output_price is None:
            return None
        price, output_price = self.input_price, self.output_price
        for tier in self.tiers:
            if fresh + cached + written > tier.above:
                price, output_price = tier.input_price, tier.output_price
        read = 1.0 if self.cache_read is None else self.cache_read
        return (price * (fresh + read * cached + self.cache_write * written) + output_price * output) / 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A section of `models.toml`; the top of the file explains the fields."""

    models: tuple[str, ...]
    prefixes: tuple[str, ...]
    provider: str
    prices: str
    tokenizer: str
    media: str
    template: str
    date: dt.date
    source: str
    output: int | None = None
    windows: Mapping[str, int] = field(default_factory=dict)
    __pydantic_config__: ClassVar = {"extra": "forbid"}  # a misspelt field would be none


def get_model(name: str | Model, *, on: dt.date | None = None) -> Model:
    """Find a model by its name, by a dated snapshot's name, or by its name at a host.

    Args:
        name: `gpt-4o`, `gpt-4o-2024-08-06`, `openrouter/anthropic/claude-sonnet-5`, ...; a `Model` is
            returned unchanged.
        on: the day of the prices. Default: today.

    Raises:
        UnknownModel: no such model; carries the nearest names.

    Example:
        >>> get_model("claude-haiku-4-5-20251001").cache_write
        1.25
    """
    from importlib.metadata import version

    if isinstance(name, Model):
        return name
    plain = _plain(name)
    family, known = _locate(plain, name)
    info = priced_model(family.prices, plain) or priced_model(family.prices, known)
    window = (info.context_window if info else None) or family.windows.get(known)
    row = {
        "name": plain,
        "provider": family.provider,
        "window": window,
        "output": family.output,
        **(_prices(info, on or dt.datetime.now(dt.UTC).date()) if info else {}),
        "tokenizer": family.tokenizer,
        "media": family.media,
        "template": family.template,
        "date": family.date,
        "source": f"{family.source}; prices: genai-prices {version('genai-prices')}",
    }
    return read_value(row, Model, f"the catalogue's row of {plain!r}", remedy=ROW_REMEDY)


def get_family(name: str) -> Family:
    """Find the family of a model without loading prices, if only its tokenizer or media rule is needed.

    Raises:
        UnknownModel: no such model; carries the nearest names.

    Example:
        >>> get_family("gpt-5.4-2026-03-05").tokenizer
        'o200k_base'
    """
    return _locate(_plain(name), name)[0]


def models(*, on: dt.date | None = None) -> Iterator[Model]:
    """Yield all current models, provider by provider."""
    for name in names():
        yield get_model(name, on=on)


def names() -> tuple[str, ...]:
    """Return the names of all current models, in the order of the catalogue."""
    return tuple(name for family in _families() for name in family.models)


@lru_cache(maxsize=1)
def _families() -> tuple[Family, ...]:
    table = tomllib.loads((files(__package__) / "models.toml").read_text(encoding="utf-8"))
    return tuple(_family(row) for row in table["family"])


def _family(row: dict[str, Any]) -> Family:
    return Family(**{**row, "models": tuple(row["models"]), "prefixes": tuple(row["prefixes"])})


_HOSTS = re.compile(r"^(?:[a-z]{2,6}\.)?(?:anthropic|meta|mistral|qwen|openai|deepseek|google)\.(?=[a-z])")
"""Bedrock's prefixes: `us.anthropic.`, `meta.`."""
_SNAPSHOT = re.compile(
    r"(?>(?:[-@](?:\d{8}|\d{4}-\d{2}-?\d{2}|\d{6}-\d{2})(?!\d)|-\d{4}(?!\d)|-\d{2}-\d{2}(?!\d)"
    r"|-latest|-preview|-exp|-thinking|-v\d+){0,8})(?::[\w.-]{1,64})?$"
)
"""Additions of a snapshot to a model's name: `-2024-08-06`, `@20251001`, `-latest`, `-v1:0`, `:free`."""


def _plain(name: str) -> str:
    if not isinstance(name, str):
        raise InputError(f"a model is named by a string or given as a Model, not {type(name).__name__}")
    last = name.strip().lower().removeprefix("ft:").rsplit("/", 1)[-1]
    return _HOSTS.sub("", last)


@lru_cache(maxsize=1024)
def _locate(plain: str, asked: str) -> tuple[Family, str]:
    """Return a model's family and its name in the family, or raise."""
    current = {name: family for family in _families() for name in family.models}
    for name in (plain, _SNAPSHOT.sub("", plain)):
        if name in current:
            return current[name], name
    fitting = [
        (len(prefix), family) for family in _families() for prefix in family.prefixes if plain.startswith(prefix)
    ]
    for _, family in sorted(fitting, key=lambda pair: -pair[0])[:1]:
        if priced_model(family.prices, plain):  # an older model, or one that this catalogue does not list
            return family, plain
    raise UnknownModel(asked, get_close_matches(plain, current, n=NEAREST, cutoff=0.5))


@lru_cache(maxsize=1024)
def priced_model(prices: str, name: str) -> ModelInfo | None:
    """Return a model's row in the price table, given a family's `prices`."""
    from genai_prices.data_snapshot import get_snapshot

    provider, form = prices.split(":", 1)
    try:
        return get_snapshot().find_provider_model(form.format(name), None, provider, None)[1]
    except LookupError:
        return None


def _prices(info: ModelInfo, on: dt.date) -> dict[str, Any]:
    # Some prices change with the hour; noon UTC is outside the peak hours of those that do.
    row = info.get_prices(dt.datetime.combine(on, dt.time(12), dt.UTC))
    base, output = _at(row.input_mtok, 0), _at(row.output_mtok, 0)
    if base is None or output is None:
        return {}
    read, write = _at(row.cache_read_mtok, 0), _at(row.cache_write_mtok, 0)
    return {
        "input_price": base,
        "output_price": output,
        "cache_read": round(read / base, 6) if read is not None and base else None,
        "cache_write": round(write / base, 6) if write is not None and base else 1.0,
        "tiers": tuple(_tiers(row)),
    }


def _tiers(row: ModelPrice) -> Iterator[Tier]:
    starts = {tier.start for price in (row.input_mtok, row.output_mtok) for tier in getattr(price, "tiers", ())}
    for start in sorted(starts):
        price, output = _at(row.input_mtok, start), _at(row.output_mtok, start)
        if price is not None and output is not None:
            yield Tier(above=start, input_price=price, output_price=output)


def _at(price: Decimal | TieredPrices | None, start: int) -> float | None:
    """Return the price from `start` tokens on; the price may have tiers."""
    if price is None:
        return None
    if isinstance(price, Decimal):
        return float(price)
    return float(next((tier.price for tier in reversed(price.tiers) if tier.start <= start), price.base))
