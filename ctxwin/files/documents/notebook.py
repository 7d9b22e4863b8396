"""Converts a notebook to text: cells in percent form, as editors and jupytext know it, with shortened outputs.

# %% [markdown]
## Heading

# %%
total = 1 + 2
total
#> 3
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...errors import InputError

__all__ = ["notebook_text"]

MAX_LINES = 20
"""Most lines of a cell's output that are kept: the first and the last lines."""
MAX_WIDTH = 300
"""Most characters in a line of output."""
MARK = "#> "
"""Prefix of a line of output."""

_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def notebook_text(data: bytes) -> str:
    r"""Return the cells of a Jupyter notebook (.ipynb) as text.

    Raises:
        InputError: the bytes are no notebook.

    Example:
        >>> cell = b'{"cell_type": "code", "source": "1 + 2", "outputs": [{"data": {"text/plain": ["3"]}}]}'
        >>> notebook_text(b'{"cells": [' + cell + b']}')
        '# %%\n1 + 2\n#> 3\n'
    """
    try:
        notebook = json.loads(data)
        sheets = notebook.get("worksheets") or [notebook]  # as it was before version 4
        cells = [cell for sheet in sheets for cell in sheet["cells"]]
        return "\n".join("".join(f"{line}\n" for line in _lines(cell)) for cell in cells)
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError) as error:
        raise InputError("no notebook, or a damaged one") from error


def _lines(cell: Mapping[str, Any]) -> Iterator[str]:
    kind = cell["cell_type"]
    yield "# %%" if kind == "code" else f"# %% [{kind}]"
    yield from _text(cell.get("source", cell.get("input", ""))).splitlines()
    for output in cell.get("outputs", ()):
        lines = [line for line in _COLOUR.sub("", _output(output)).splitlines() if line.strip()]
        if len(lines) > MAX_LINES:
            left_out = f"... {len(lines) - MAX_LINES:,} lines ..."
            lines = [*lines[: MAX_LINES // 2], left_out, *lines[-(MAX_LINES // 2) :]]
        yield from (f"{MARK}{line[:MAX_WIDTH]}" for line in lines)


def _output(output: Mapping[str, Any]) -> str:
    """Return an output as text; a picture gives a short note."""
    if "ename" in output:
        return "\n".join((*map(str, output.get("traceback", ())), f"{output['ename']}: {output.get('evalue', '')}"))
    data = output.get("data", {})
    for kind in ("text/markdown", "text/plain", "text/latex"):
        if kind in data:
            return _text(data[kind])
    return _text(output.get("text", "")) or ", ".join(f"[{kind}]" for kind in data)


def _text(written: Any) -> str:
    return written if isinstance(written, str) else "".join(map(str, written))
