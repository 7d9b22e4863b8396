"""Define the tokens that each family of models writes around messages and tools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..messages import Dialect
from ..models import Model, get_model
from .media import MEDIA_RULES, MediaRule

__all__ = ["REPLY_PRIMING", "TEMPLATES", "RequestRules", "get_rules"]

REPLY_PRIMING = 3
"""Tokens that start every reply [OpenAI cookbook, "How to count tokens with tiktoken"]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRules:
    """Tokens of a request besides its words, for one family of models.

    No message costs less than four tokens, so that no request is larger under OpenAI's rule than counted here.
    """

    message: int
    """Around each message, including its role."""
    name: int = 1
    """For a `name` besides its words."""
    part: int = 1
    """For each further part of one message: joining two parts can add a token."""
    call: int = 12
    """For a tool call besides the function's name and its arguments."""
    result: int = 8
    """For a tool's result besides its text."""
    tools: int = 0
    """Once for a request with tools: the instructions on how to use them."""
    json_tools: bool = True
    """Whether tools are shown as JSON; if not, in OpenAI's form, for which the formula is known."""
    exact: bool = False
    """Whether a plain message is known to cost exactly these tokens."""
    media: MediaRule = MEDIA_RULES["unknown"]


TEMPLATES: Mapping[str, RequestRules] = {
    # The cookbook's 3 and 1 for the role, checked there against the API on six models. Calls by the Harmony
    # format: <|start|>assistant<|channel|>commentary to=functions.NAME <|constrain|>json<|message|>.
    "openai": RequestRules(message=4, call=9, result=8, json_tools=False, exact=True),
    # One message measures 7 tokens more than its words up to Opus 4.6, 6 from 4.8 on, 11 on Opus 4.7 alone
    # [ctok 1.3.0]: 4 and the reply's start. Tools bring 346 tokens of instructions [Anthropic, Tool use,
    # Claude 4]; calls and results are estimates.
    "claude": RequestRules(message=4, call=24, result=16, tools=346),
    # <|im_start|>role\n ... <|im_end|>\n, <tool_call>, <tool_response>, the text about tools [Qwen template].
    "qwen": RequestRules(message=5, call=14, result=8, tools=130),
    # The same form, in whose vocabulary "assistant" is two tokens, before an answer too [counted with it].
    "smollm": RequestRules(message=6, tools=130),
    # <|start_header_id|>role<|end_header_id|>\n\n ... <|eot_id|> [Llama 3 template].
    "llama": RequestRules(message=5, tools=60),
    # <start_of_turn>role\n ... <end_of_turn>\n [Gemma 3 template].
    "gemini": RequestRules(message=5, tools=60),
    # Unknown or unlike from version to version: the most of the above.
    "plain": RequestRules(message=5, tools=130),
}
"""The rules by name, as in the column `template` of the catalogue."""

_DIALECTS: Mapping[Dialect, RequestRules] = {
    "openai": replace(TEMPLATES["openai"], media=MEDIA_RULES["gpt-5.4"]),
    "responses": replace(TEMPLATES["openai"], media=MEDIA_RULES["gpt-5.4"]),
    "anthropic": replace(TEMPLATES["claude"], media=MEDIA_RULES["claude-high"]),
}


def get_rules(dialect: Dialect = "openai", model: Model | str | None = None) -> RequestRules:
    """Return the counting rules of a model; without a model, the rules of the dialect's provider.

    Example:
        >>> get_rules("openai").message + REPLY_PRIMING
        7
    """
    if model is None:
        return _DIALECTS[dialect]
    row = get_model(model)
    return replace(TEMPLATES[row.template], media=MEDIA_RULES[row.media])
