"""Count tokens: of texts, messages, tools, media, whole requests, and trees of files.

    texts ──tokenizers, estimates──▶ counts ──rules, tools, media──▶ items, requests ──trees──▶ totals

A count is exact if the vocabulary is known, and otherwise an estimate with a measured bound; a provider's reports
can correct it (`calibration`).
"""

from __future__ import annotations

from .calibration import CalibratedTokenizer, Calibration
from .counts import Count, Counted
from .overheads import REPLY_PRIMING, TEMPLATES, RequestRules, get_rules
from .requests import count_item, count_items, count_note, count_tokens, spell
from .tokenizers import DEFAULT_TOKENIZER, Tokenizer, encodings, get_tokenizer
from .tools import count_tools
from .trees import Node, count_conversation, count_tree

__all__ = [
    "DEFAULT_TOKENIZER",
    "REPLY_PRIMING",
    "TEMPLATES",
    "CalibratedTokenizer",
    "Calibration",
    "Count",
    "Counted",
    "Node",
    "RequestRules",
    "Tokenizer",
    "count_conversation",
    "count_item",
    "count_items",
    "count_note",
    "count_tokens",
    "count_tools",
    "count_tree",
    "encodings",
    "get_rules",
    "get_tokenizer",
    "spell",
]
