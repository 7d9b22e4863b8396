"""Draw a packing as an HTML picture of the window, for notebooks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby

from . import Decision, Report
from .words import (
    PREVIEW,
    by_relevance,
    clean,
    fullness,
    headline,
    kind_order,
    notes,
    numbers,
    origin,
    quality,
    relevance,
    shares_of,
    sizes,
    title,
)

__all__ = ["html"]

ROWS_IN = 160
"""The most rows for kept items, with as many for the runs between, so that a browser stays quick and a saved
notebook small (at most some 250 kB)."""
ROWS_OUT = 80
"""The most rows for dropped items."""
STOOD = 80
"""The most rows for sentences that stand."""
RUN_OUT = 12
"""The most rows for one run of dropped items."""
STRIP = 120
"""The most slices of the strip that shows where in the input the packed items stand."""
# Middle tones that read on white and on black alike: a notebook's theme need not be the system's, so that
# light-dark() could choose wrongly. Text, lines and tints take their colour from the page by currentColor.
PART_COLOURS = {
    "system": "#6f61cf",
    "tools": "#a855b5",
    "history": "#2f73c9",
    "standing": "#8a5a00",
    "retrieved": "#0e867c",
    "query": "#c2721a",
    "overhead": "#8b93a1",
}
P_COLOUR = "#2f73c9"
FREE_COLOUR = "rgba(128,128,128,.3)"
FORM_COLOURS = {
    "full": "#2f9e5f",
    "folded": "#7fae42",
    "extract": "#d29922",
    "summary": "#b06ac4",
    "stub": "#8b93a1",
    "out": "#8b93a1",
}


_STYLE = """
.ctxwin{font:13px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:inherit;max-width:1100px;\
margin:4px 0 10px;text-align:left;container:ctxwin/inline-size}
.ctxwin *{box-sizing:border-box}
.ctxwin .cw-head{display:flex;flex-wrap:wrap;gap:2px 12px;align-items:baseline;margin-bottom:6px}
.ctxwin .cw-big{font-size:17px;font-weight:600;font-variant-numeric:tabular-nums}
.ctxwin .cw-dim{opacity:.68}
.ctxwin .cw-draw{display:grid;grid-template-columns:auto 1fr;gap:5px 10px;align-items:center;font-size:11px}
.ctxwin .cw-bar{display:flex;height:26px;border-radius:6px;overflow:hidden;background:rgba(128,128,128,.16)}
.ctxwin .cw-bar>span{min-width:2px;border-right:1px solid rgba(128,128,128,.25);color:#fff;font-size:11px;\
line-height:26px;text-align:center;overflow:hidden;white-space:nowrap}
.ctxwin .cw-strip{display:flex;height:9px;border-radius:3px;overflow:hidden;\
background:rgba(128,128,128,.16)}
.ctxwin .cw-strip>span{display:block;height:100%}
.ctxwin .cw-key{display:flex;flex-wrap:wrap;gap:2px 16px;margin:6px 0;font-variant-numeric:tabular-nums}
.ctxwin .cw-dot{display:inline-block;width:9px;height:9px;border-radius:2px;margin-right:5px}
.ctxwin .cw-rows{border-top:1px solid rgba(128,128,128,.3);max-height:600px;overflow:auto}
.ctxwin .cw-row{display:grid;grid-template-columns:66px minmax(90px,190px) 78px 112px 108px minmax(120px,1fr);\
gap:0 10px;align-items:center;padding:2px 6px;border-bottom:1px solid rgba(128,128,128,.14)}
.ctxwin .cw-row>*{overflow:hidden;white-space:nowrap;text-overflow:ellipsis}
.ctxwin .cw-top{font-size:11px;opacity:.68}
.ctxwin .cw-chip{font-size:11px;border-left:4px solid;padding-left:6px}
.ctxwin .cw-num{display:flex;align-items:center;gap:6px;font-variant-numeric:tabular-nums}
.ctxwin .cw-num>i{flex:0 0 34px;height:6px;border-radius:3px;background:rgba(128,128,128,.2);overflow:hidden}
.ctxwin .cw-num>i>b{display:block;height:100%;border-radius:3px}
.ctxwin .cw-out{opacity:.68}
.ctxwin .cw-out .cw-dim{opacity:1}
.ctxwin details{border-bottom:1px solid rgba(128,128,128,.14)}
.ctxwin summary{cursor:pointer;padding:2px 6px;font-size:12px;opacity:.68}
@container ctxwin (max-width:640px){.ctxwin .cw-row{grid-template-columns:74px minmax(0,1fr) 72px 50px;gap:1px 6px}\
.ctxwin .cw-row>:nth-child(6){grid-column:2/-1}.ctxwin .cw-num>i{flex-basis:24px}\
.ctxwin .cw-row>:nth-child(4)>i{display:none}}
.ctxwin .cw-notes{margin:8px 0 0;font-size:12px;opacity:.8;overflow-wrap:anywhere}
"""


def html(report: Report) -> str:
    """Return the report as one HTML fragment: no script, nothing loaded, every text escaped, bounded size.

    Top to bottom: what fills the window; a strip of the whole input, coloured where items are in; the items in
    order with form, relevance, tokens, reason and first words, and runs of dropped items folded; notes. On a phone
    each item has two lines.
    """
    decisions = report.decisions
    said = "".join(f"<div>{_safe(note, 400)}</div>" for note in [*origin(report), *notes(report)])
    return (
        f'<div class="ctxwin"><style>{_STYLE}</style>{_head(report)}'
        f'<div class="cw-draw">{_window(report)}{_strip(decisions)}</div>'
        f'{_key(report, decisions)}{_list(decisions)}{_stood(report)}<div class="cw-notes">{said}</div></div>'
    )


def _safe(text: str, length: int = PREVIEW) -> str:
    return escape(clean(text, length), quote=True)


def _head(report: Report) -> str:
    rest = headline(report).partition("), ")[2]
    return (
        f'<div class="cw-head"><span class="cw-big">{report.tokens:,} of {report.limit:,} tokens</span>'
        f'<span>{fullness(report)} % full</span><span class="cw-dim">{_safe(rest)}</span></div>'
        f'<div class="cw-head"><span>{numbers(report)}</span>'
        f'<span class="cw-dim">{_safe(quality(report))}</span></div>'
    )


def _window(report: Report) -> str:
    shares = shares_of(report)
    total = sum(shares.values()) or 1
    free = shares.pop("free")
    cells = []
    for name, tokens in shares.items():
        share = 100 * tokens / total
        word = _safe(name) if share > 9 else ""
        cells.append(
            f'<span style="width:{share:.3f}%;background:{PART_COLOURS.get(name, "#8b93a1")}" '
            f'title="{_safe(name)}: {tokens:,} tokens, {share:.1f} %">{word}</span>'
        )
    said = _safe(", ".join(f"{name} {tokens:,}" for name, tokens in shares.items()), 300)
    return (
        '<span class="cw-dim">window</span>'
        f'<div class="cw-bar" role="img" aria-label="tokens: {said}, free {free:,}">{"".join(cells)}</div>'
    )


def _strip(decisions: Sequence[Decision]) -> str:
    """Draw the whole input in slices of equal tokens; the more of a slice is in, the stronger its colour."""
    total = sum(one.full_tokens for one in decisions)
    if not total:
        return ""
    held = [dict.fromkeys(FORM_COLOURS, 0.0) for _ in range(STRIP)]
    at = 0.0
    for one in decisions:
        until = at + STRIP * one.full_tokens / total
        for slot in range(int(at), min(STRIP, int(until) + 1)):
            held[slot][one.form] += max(0.0, min(until, slot + 1) - max(at, slot))
        at = until
    cells = []
    for forms in held:
        inside = {name: share for name, share in forms.items() if name != "out" and share > 0}
        strongest = max(inside, key=lambda name: inside[name], default="out")
        opacity = 0.25 + 0.75 * min(1.0, sum(inside.values())) if inside else 0.0
        colour = FORM_COLOURS[strongest]
        cells.append(f'<span style="flex:1 1 0;background:{colour};opacity:{opacity:.2f}"></span>')
    label = f"all {total:,} tokens that were given, in order; coloured where they are in"
    return (
        '<span class="cw-dim">given</span>'
        f'<div class="cw-strip" role="img" aria-label="{label}" title="{label}">{"".join(cells)}</div>'
    )


def _key(report: Report, decisions: Sequence[Decision]) -> str:
    """Explain the colours of the bar and of the strip."""
    parts = [(PART_COLOURS.get(name, FREE_COLOUR), f"{name} {n:,}") for name, n in shares_of(report).items()]
    there = {one.form for one in decisions if one.full_tokens}
    forms = [(FREE_COLOUR if name == "out" else FORM_COLOURS[name], name) for name in FORM_COLOURS if name in there]
    return _dots("window", parts) + (_dots("given", forms) if forms else "")


def _dots(what: str, entries: Sequence[tuple[str, str]]) -> str:
    said = "".join(
        f'<span><span class="cw-dot" style="background:{colour}"></span>{_safe(word)}</span>'
        for colour, word in entries
    )
    return f'<div class="cw-key"><span class="cw-dim">{what}</span>{said}</div>'


def _list(decisions: Sequence[Decision]) -> str:
    if not decisions:
        return ""
    largest = max(1, *(one.tokens for one in decisions))
    heads = "".join(f"<span>{name}</span>" for name in ("form", "item", "relevance", "tokens", "why", "begins"))
    rows = "".join(_rows(decisions, largest))
    return f'<div class="cw-rows"><div class="cw-row cw-top">{heads}</div>{rows}</div>'


def _rows(decisions: Sequence[Decision], largest: int) -> Iterator[str]:
    spare = ROWS_OUT
    for kind, run in groupby(zip(_kinds(decisions), decisions, strict=True), key=lambda pair: pair[0]):
        members = [one for _, one in run]
        if kind == "in":
            yield from (_item(one, largest) for one in members)
        elif kind == "out":
            best = by_relevance(members)[: min(RUN_OUT, spare)]
            spare -= len(best)
            yield _folded(members, sorted(best, key=lambda one: one.position), largest)
        else:
            inside = sum(one.form != "out" for one in members)
            yield _remark(f"… {inside:,} more in and {len(members) - inside:,} out, not drawn")


def _kinds(decisions: Sequence[Decision]) -> list[str]:
    """Call each item `in` or `out`; if more than `ROWS_IN` are in, call those in the middle `cut`."""
    kinds = ["out" if one.form == "out" else "in" for one in decisions]
    inside = [place for place, kind in enumerate(kinds) if kind == "in"]
    if len(inside) > ROWS_IN:
        first, last = inside[ROWS_IN // 2], inside[-ROWS_IN // 2]
        kinds[first:last] = ["cut"] * (last - first)
    return kinds


def _remark(said: str) -> str:
    return f'<div class="cw-row"><span></span><span class="cw-dim" style="grid-column:2/-1">{said}</span></div>'


def _folded(run: Sequence[Decision], shown: Sequence[Decision], largest: int) -> str:
    tokens = sum(one.full_tokens for one in run)
    best = _safe(relevance(max(one.p for one in run)))
    said = f"{len(run):,} out, {tokens:,} tokens, relevance at most {best}"
    if not shown:
        return _remark(said)
    note = f" (the {len(shown)} most relevant)" if len(shown) < len(run) else ""
    rows = "".join(_item(one, largest) for one in shown)
    return f"<details><summary>{said}{note}</summary>{rows}</details>"


def _item(one: Decision, largest: int) -> str:
    colour = FORM_COLOURS[one.form]
    faint = " cw-out" if one.form == "out" else ""
    width = 100 * one.tokens / largest
    return (
        f'<div class="cw-row{faint}" title="{_safe(one.id, 80)}">'
        f'<span class="cw-chip" style="border-color:{colour}">{one.form}</span>'
        f"<bdi>{_safe(title(one), 60)}</bdi>{_meter(100 * one.p, relevance(one.p), P_COLOUR)}"
        f'{_meter(width, sizes(one), colour)}<span class="cw-dim">{_safe(one.reason, 60)}</span>'
        f"<bdi>{_safe(one.preview)}</bdi></div>"
    )


def _stood(report: Report) -> str:
    """List what stands by kind, folded: each sentence with its source and the one who said it."""
    stood = sorted(report.standing, key=lambda one: (not one.shown, kind_order(one.kind)))
    if not stood:
        return ""
    rows = "".join(
        f'<div class="cw-row{"" if one.shown else " cw-out"}"><span class="cw-chip" style="border-color:'
        f'{PART_COLOURS["standing"]}">{_safe(one.kind, 20)}</span><bdi>{_safe(f"{one.source} {one.voice}", 60)}</bdi>'
        f'<bdi style="grid-column:3/-1">{_safe(one.text)}</bdi></div>'
        for one in stood[:STOOD]
    )
    more = _remark(f"… {len(stood) - STOOD:,} more, not drawn") if len(stood) > STOOD else ""
    return f"<details><summary>what stands: {len(stood):,} (faint: no room)</summary>{rows}{more}</details>"


def _meter(percent: float, word: str, colour: str) -> str:
    full = min(100.0, max(0.0, percent))
    return f'<span class="cw-num"><i><b style="width:{full:.1f}%;background:{colour}"></b></i>{_safe(word)}</span>'
