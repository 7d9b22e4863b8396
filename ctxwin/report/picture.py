"""Picture a packing: as a plain table for a terminal, or as an HTML picture of the window for a notebook.

Both draw the same `Report`. The texts of items are not trusted: control characters, overrides of writing direction
and lone surrogates are replaced, everything is escaped, and sizes are bounded.
"""

from __future__ import annotations

from .page import html
from .terminal import columns, listing, table
from .words import clean, costs, flagged, kind_order, left_out, limited, stands, title

__all__ = [
    "clean",
    "columns",
    "costs",
    "flagged",
    "html",
    "kind_order",
    "left_out",
    "limited",
    "listing",
    "stands",
    "table",
    "title",
]
