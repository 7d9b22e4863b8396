"""The providers' rules for media against their own worked examples and against what was billed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ctxwin.items import Media
from ctxwin.tokens.counts import Count
from ctxwin.tokens.media import MEDIA_RULES, media_tokens, openai_patches

SIZES = [
    (256, 256), (512, 512), (768, 768), (1024, 1024), (1280, 720),
    (1920, 1080), (1080, 1920), (2560, 1440), (3840, 2160), (4032, 3024),
]  # fmt: skip


def image(rule: str, width: int, height: int, detail: str | None = None) -> int:
    return media_tokens(Media(width=width, height=height, detail=detail), "image", MEDIA_RULES[rule]).tokens


@pytest.mark.parametrize(
    ("rule", "width", "height", "detail", "tokens"),
    [
        # OpenAI, "Images and vision": the worked examples of the tile rule.
        ("gpt-4o", 1024, 1024, "high", 765),
        ("gpt-4o", 2048, 4096, "high", 1105),
        ("gpt-4o", 4096, 8192, "low", 85),
        ("gpt-4o", 512, 512, None, 255),
        ("gpt-4o-mini", 1024, 1024, None, 2833 + 4 * 5667),
        ("gpt-5", 1024, 1024, None, 70 + 4 * 140),
        # ... and of the patch rule: 1,024 and 1,452 patches of at most 1,536.
        ("gpt-mini", 1024, 1024, None, 1659),  # 1,024 * 1.62
        ("gpt-mini", 1800, 2400, None, 2353),  # 1,452 * 1.62
        ("gpt-nano", 1024, 1024, None, 2520),
        ("gpt-6", 4032, 3024, "low", 231),  # 16 by 12 patches of 512 by 384 pixels
        # Google: the worked example of the tile rule, and a small image.
        ("gemini-2", 960, 540, None, 6 * 258),
        ("gemini-2", 384, 384, None, 258),
        ("gemini-3", 4032, 3024, None, 1120),
        ("gemini-3", 4032, 3024, "low", 280),
        ("qwen-vl", 28, 28, None, 4),
        ("qwen-vl", 10_000, 10_000, None, 16_384),
    ],
)
def test_worked_examples(rule: str, width: int, height: int, detail: str | None, tokens: int) -> None:
    assert image(rule, width, height, detail) == tokens


@pytest.mark.parametrize(
    ("rule", "detail", "billed"),
    [
        ("gpt-6", None, [77, 308, 692, 1229, 1104, 2448, 2448, 4320, 9792, 14364]),
        ("gpt-6", "high", [77, 308, 692, 1229, 1104, 2448, 2448, 2931, 2931, 2942]),
        ("gpt-5.5", None, [77, 308, 692, 1229, 1104, 2448, 2448, 4320, 9792, 11868]),
    ],
)
def test_patches_are_what_was_billed(rule: str, detail: str | None, billed: list[int]) -> None:
    """Measured at ten sizes (data set `image-token-cost`, 2026-10)."""
    assert [image(rule, *size, detail) for size in SIZES] == billed


@pytest.mark.parametrize(
    ("rule", "size", "tokens"),
    [
        # Anthropic, "Vision": 1456x819 and 2576x1449 are what is seen of these at the two limits.
        ("claude", (1920, 1080), 1560),
        ("claude-high", (1920, 1080), 2691),
        ("claude-high", (3840, 2160), 4784),
        ("claude-high", (4032, 3024), 4740),
        ("claude", (1024, 1024), 1369),
        ("claude", (200, 200), 64),
    ],
)
def test_claude_shrinks_to_edge_and_cap(rule: str, size: tuple[int, int], tokens: int) -> None:
    count = media_tokens(Media(width=size[0], height=size[1]), "image", MEDIA_RULES[rule])
    assert count.tokens == tokens + 4
    assert count.low <= tokens + 3


@pytest.mark.parametrize(
    ("rule", "kind", "media", "tokens"),
    [
        ("gemini-2", "audio", Media(seconds=60), 60 * 32),
        ("gemini-2", "video", Media(seconds=10), 2630),
        ("gemini-3", "video", Media(seconds=10), 1020),
        ("gpt-4o", "audio", Media(seconds=12.5), 125),
        ("gemini-2", "file", Media(pages=3), 3 * 258),
        ("gemini-3", "file", Media(pages=3), 3 * 560),
    ],
)
def test_time_and_pages(rule: str, kind: str, media: Media, tokens: int) -> None:
    count = media_tokens(media, kind, MEDIA_RULES[rule])
    assert count.tokens == tokens


def test_a_page_costs_its_text_and_its_picture() -> None:
    count = media_tokens(Media(pages=2), "file", MEDIA_RULES["claude"])
    picture = image("claude", 1275, 1650)
    assert (count.low, count.tokens) == (2 * 1500 - 30, 2 * (2250 + picture))
    assert count.high >= 2 * (3000 + picture)


@pytest.mark.parametrize("rule", MEDIA_RULES)
@pytest.mark.parametrize("kind", ["image", "audio", "video", "file"])
def test_the_unknown_is_bounded_and_never_exact(rule: str, kind: str) -> None:
    count = media_tokens(None, kind, MEDIA_RULES[rule])
    assert count.tokens > 0
    assert count.low <= count.tokens <= count.high
    assert count.exact is False or rule == "gemini-3"


DOCX, XLSX = (f"application/vnd.openxmlformats-officedocument.{kind}" for kind in (
    "wordprocessingml.document", "spreadsheetml.sheet"))  # fmt: skip


@pytest.mark.parametrize(
    ("media", "kind", "low", "tokens", "high"),
    [
        # By bytes: pages of 1 MB, 50 kB and 3 kB, each begun one counts; bytes of text for a token.
        (Media(mime="application/pdf", size=120_001), "file", 258, 3 * 258, 41 * 258),
        (Media(mime="text/plain", size=1_001), "file", 1_001 // 8, 286, 1_001),
        (Media(mime="application/x-ole-storage", size=1_001), "file", 10, 101, 1_001),
        (Media(mime="application/zip", size=1_001), "file", 250, 1_001, 1_001),
        (Media(mime="text/plain", size=0), "file", 0, 1, 1),
        # Text that was found inside, between two sizes.
        (Media(mime=DOCX, text_size=(900, 1_001), size=9), "file", 112, 258, 1_001),
        (Media(mime=XLSX, text_size=(900, 1_001)), "file", 112, 450, 1_001),
        # Of unknown size.
        (Media(mime="text/html"), "file", 250, 2_500, 25_000),
        (Media(mime=DOCX), "file", 250, 2_500, 25_000),
        (Media(mime="application/pdf"), "file", 258, 10 * 258, 100 * 258),
        (Media(), "image", 258, 6 * 258, 24 * 258),
        (Media(), "audio", 32, 60 * 32, 600 * 32),
        # By what it shows, whatever carries it.
        (Media(mime="image/png", width=384, height=384), "file", 258, 258, 258),
        (Media(mime="audio/mpeg", seconds=2.01), "file", 65, 65, 65),
        (Media(mime="video/mp4", size=500_000), "file", 53, 2 * 263, 4_384),
    ],
)
def test_what_is_known_of_a_file_bounds_its_tokens(media: Media, kind: str, low: int, tokens: int, high: int) -> None:
    count = media_tokens(media, kind, MEDIA_RULES["gemini-2"])
    assert (count.low, count.tokens, count.high, count.exact) == (low, tokens, high, low == high)


def test_length_from_bytes() -> None:
    minute = media_tokens(Media(size=960_000), "audio", MEDIA_RULES["gpt-4o"])
    assert minute.tokens == 600
    assert minute.low < 600 < minute.high


@given(
    width=st.integers(1, 20_000),
    height=st.integers(1, 20_000),
    rule=st.sampled_from(sorted(MEDIA_RULES)),
    detail=st.sampled_from([None, "low", "high", "original", "auto"]),
)
def test_every_size_has_a_sane_count(width: int, height: int, rule: str, detail: str | None) -> None:
    tokens = image(rule, width, height, detail)
    # The most any rule here gives: Gemini 2 cuts 20,000 by 20,000 pixels into 27 by 27 tiles of 258 tokens.
    assert 0 < tokens <= 27 * 27 * 258
    assert tokens == image(rule, height, width, detail) or rule.startswith(("gpt", "claude", "unknown", "o"))


@given(width=st.integers(1, 20_000), height=st.integers(1, 20_000), cap=st.integers(16, 30_000))
def test_patches_never_pass_their_cap(width: int, height: int, cap: int) -> None:
    assert openai_patches(width, height, caps={"auto": cap}, multiplier=1) <= cap


@given(st.lists(st.tuples(st.integers(0, 10**6), st.floats(0, 1)), min_size=1))
def test_counts_add(pairs: list[tuple[int, float]]) -> None:
    counts = [Count.of(tokens, error=error) for tokens, error in pairs]
    total = sum(counts[1:], counts[0])
    assert total.tokens == sum(tokens for tokens, _ in pairs)
    assert 0 <= total.low <= total.tokens <= total.high
    assert total.exact == all(error == 0 for _, error in pairs)
