"""Estimate money, energy and CO2 of calls, packed and unpacked, as ranges; each figure has its source.

Providers publish hardly any figures, so energy is estimated from facts about models and machines:

    energy = active parameters * (INPUT * (fresh + CACHED * cached) + ATTENTION * fresh * context + OUTPUT * answer)

Every factor is a `Range`; independent factors multiply, so that the squares of their logarithms' widths add (two
factors are seldom both at their ends). The results for 100 billion active parameters are near published figures:
an answer of 500 tokens 0.35 Wh (0.20 to 2.8), against 0.3 [Epoch AI, "How much energy does ChatGPT use?", 2025-02],
0.31 with half of all between 0.16 and 0.60 [Oviedo et al., arXiv 2509.20241v2], 0.24 [Google, median Gemini text
prompt, 2025-08]; a prompt of 10,000 tokens 2.1 Wh (0.57 to 7.2), against 2.2 [Epoch AI]. Training, networks, the
building of machines and water are left out.
"""

from __future__ import annotations

from .energy import GRIDS, Footprint, active_parameters, footprint, grid_factor
from .ranges import Range
from .spending import Billed, Spending, Used, spending

__all__ = [
    "GRIDS",
    "Billed",
    "Footprint",
    "Range",
    "Spending",
    "Used",
    "active_parameters",
    "footprint",
    "grid_factor",
    "spending",
]
