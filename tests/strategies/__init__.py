"""Random valid logs in the three dialects: `openai_logs()`, `anthropic_logs()`, `responses_logs()`.

Each yields a list of messages or a request body that `ctxwin.check` has nothing against: parallel and
nested tool calls, images, huge and empty messages, CJK, emoji, NULs, lone surrogates, names, several
system messages, null content, calls at the end that wait for their results. A law over all of them takes `LOGS`,
`BUDGETS`, `EMBEDDERS`, `attempt` and the settings `law`.
"""

from .chat import openai_logs
from .claude import anthropic_logs
from .common import pngs, texts
from .items import responses_logs
from .laws import BUDGETS, EMBEDDERS, LOGS, attempt, law, tried, trigrams

__all__ = [
    "BUDGETS",
    "EMBEDDERS",
    "LOGS",
    "anthropic_logs",
    "attempt",
    "law",
    "openai_logs",
    "pngs",
    "responses_logs",
    "texts",
    "tried",
    "trigrams",
]
