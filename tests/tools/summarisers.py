"""Other packages that compact a conversation, run for real, each with the same frame and the same small model.

The frame: system messages stay, the newest messages that fit in a third of the budget stay, and what is older becomes a
summary that fits in the rest. Each package decides by itself where the older messages end and what it sends to the
model. The model is SmolLM2-135M (`ctxwin.clients.local`), as a careful user would run it: its chat template,
temperature .3, a frequency penalty against loops, a fixed seed, the answer no longer than the room that is left, and a
short prompt that asks for exact copies: `SummarizationMiddleware`'s own, a page long, such a model only repeats.

    langchain   `SummarizationMiddleware` of langchain 1.5
    langmem     `summarize_messages` of langmem 0.0.30 with its running summary (`pip install langmem`)
    headroom    `TextCrusher` of headroom-ai 0.42, its path for text: whole sentences, without a model
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Protocol

from langchain.agents.middleware import SummarizationMiddleware
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, RemoveMessage, convert_to_messages, convert_to_openai_messages
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.prompts import ChatPromptTemplate
from measure_transcripts import groups_of, is_system

from ctxwin.clients.local import LocalModel
from ctxwin.evaluate.score import request_text, request_tokens, text_tokens

__all__ = ["SUMMARISERS", "Kept", "Summariser"]

READ = 4_000
"""Tokens that a package may send to the model at once: the default of `SummarizationMiddleware`; the model's window is
8,192 of its own, smaller tokens."""
MOST = 256
"""Tokens of a summary; a model this small loses itself in longer ones, and the newest messages get the room."""
EXACTLY = "Copy every number, date, name, identifier, path, command, rule and decision exactly."
SUMMARISE = f"Write a short summary of this conversation. {EXACTLY}\n\n{{messages}}"
SLACK = 24
"""Tokens for what a package writes around a summary, such as "Here is a summary of the conversation to date"."""
LEAST = 32
"""Tokens of a summary where messages that have to stay leave less."""
RECENT = 3
"""The newest messages may fill 1 / RECENT of the budget."""

Message = dict[str, Any]
Kept = Sequence[Mapping[str, Any]]


class Summariser(Protocol):
    """Compacts one conversation that grows."""

    def __call__(self, system: Kept, new: Kept, budget: int) -> Kept:
        """Take the newest messages, and return what is left of all; the budget is that of what is not system."""


class SmallModel(BaseChatModel):
    """SmolLM2-135M as a chat model of LangChain; what it reads and writes is counted."""

    most: int = MOST

    @property
    def _llm_type(self) -> str:
        return "smollm2-135m"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **options: Any,
    ) -> ChatResult:
        body = {
            "messages": [as_text(one) for one in convert_to_openai_messages(messages)],
            "max_tokens": self.most,
            "temperature": 0.3,
            "frequency_penalty": 0.6,
        }
        text = local().send(body)["choices"][0]["message"]["content"]
        return ChatResult(generations=[ChatGeneration(message=convert_to_messages([("assistant", text)])[0])])


@cache
def local() -> LocalModel:
    return LocalModel()


def as_text(message: Mapping[str, Any]) -> dict[str, str]:
    """Return a message as the model's template takes it, which knows no tools."""
    text = request_text([message])
    if message["role"] == "tool":
        return {"role": "user", "content": f"Tool result: {text}"}
    return {"role": "system" if is_system(message) else message["role"], "content": text}


def openai_of(messages: Sequence[BaseMessage]) -> list[Message]:
    return list(convert_to_openai_messages(messages))


def counted(messages: Any) -> int:
    """Count messages of LangChain; an exact counter is better than the approximate one that the packages begin with."""
    return request_tokens(openai_of(convert_to_messages(list(messages))))


def langchain_of(messages: Kept) -> list[BaseMessage]:
    return list(convert_to_messages([{**one, "content": one.get("content") or ""} for one in messages]))


class LangChain:
    """The agent's state, which the middleware rewrites; the system prompt is not part of the state."""

    def __init__(self) -> None:
        self._state: list[BaseMessage] = []

    def __call__(self, system: Kept, new: Kept, budget: int) -> Kept:
        self._state += langchain_of(new)
        middleware = SummarizationMiddleware(
            SmallModel(most=room_of(budget)),
            trigger=("tokens", budget),
            keep=("tokens", recent_of(budget)),
            token_counter=counted,
            trim_tokens_to_summarize=READ,
            summary_prompt=SUMMARISE,
        )
        update = middleware.before_model({"messages": self._state}, None)  # type: ignore[arg-type]
        if update:
            self._state = [one for one in update["messages"] if not isinstance(one, RemoveMessage)]
        return [*system, *openai_of(self._state)]


class LangMem:
    """All messages and the running summary; what was summarised is not read again."""

    def __init__(self) -> None:
        self._package = importlib.import_module("langmem.short_term")
        self._messages: list[BaseMessage] = []
        self._summary: Any = None
        self._kept: list[BaseMessage] = []

    def __call__(self, system: Kept, new: Kept, budget: int) -> Kept:
        added = langchain_of(new)
        for number, one in enumerate(added, len(self._messages)):
            one.id = str(number)
        self._messages += added
        self._kept += added
        if counted(self._kept) > budget:
            past = int(self._summary.last_summarized_message_id) + 1 if self._summary else 0
            done = self._package.summarize_messages(
                self._messages,
                running_summary=self._summary,
                model=SmallModel(most=room_of(budget)),
                max_tokens=READ,
                max_tokens_before_summary=counted(self._messages[past:]) - recent_of(budget),
                max_summary_tokens=room_of(budget),
                token_counter=counted,
                initial_summary_prompt=asked(f"Write a short summary of the conversation above. {EXACTLY}"),
                existing_summary_prompt=asked(
                    "This is the summary of the conversation so far: {existing_summary}\n\n"
                    f"Extend it by the new messages above. {EXACTLY}"
                ),
            )
            self._summary, self._kept = done.running_summary, list(done.messages)
        return [*system, *openai_of(self._kept)]


class Headroom:
    """Everything older as one text, crushed again and again."""

    def __init__(self) -> None:
        self._crusher = importlib.import_module("headroom.transforms.text_crusher").TextCrusher()
        self._kept: list[Mapping[str, Any]] = []
        self._crushed = ""

    def __call__(self, system: Kept, new: Kept, budget: int) -> Kept:
        self._kept += new
        if request_tokens([*self._printed(), *self._kept]) > budget:
            older, self._kept = newest(self._kept, budget // RECENT)
            lines = [f"{one['role']}: {request_text([one])}" for one in older]
            left = budget - request_tokens(self._kept) - SLACK
            self._crushed = self._fitted("\n".join([self._crushed, *lines]).strip(), max(LEAST, left))
        return [*system, *self._printed(), *self._kept]

    def _printed(self) -> list[Message]:
        return [{"role": "user", "content": self._crushed}] if self._crushed else []

    def _fitted(self, text: str, room: int) -> str:
        ratio = room / max(1, text_tokens(text))
        out = text
        while text_tokens(out) > room and ratio > 0.001:
            out = self._crusher.compress(text, "", ratio).compressed
            ratio *= 0.85
        while text_tokens(out) > room:  # too few sentences to choose from
            out = out[len(out) // 8 + 1 :]
        return out


def asked(prompt: str) -> ChatPromptTemplate:
    """Return a prompt of LangMem: the messages, then what is asked."""
    return ChatPromptTemplate.from_messages([("placeholder", "{messages}"), ("user", prompt)])


def recent_of(budget: int) -> int:
    """Tokens for the newest messages: a third, and what the longest summary does not take."""
    return max(budget // RECENT, budget - MOST - SLACK)


def room_of(budget: int) -> int:
    """Tokens of a summary."""
    return max(LEAST, budget - recent_of(budget) - SLACK)


def newest(messages: Kept, budget: int) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """Cut messages where the newest groups fit the budget."""
    groups = groups_of(messages)
    cut = len(groups)
    while cut and (budget := budget - request_tokens(groups[cut - 1])) >= 0:
        cut -= 1
    return [one for group in groups[:cut] for one in group], [one for group in groups[cut:] for one in group]


SUMMARISERS: Mapping[str, Callable[[], Summariser]] = {
    "langchain": LangChain,
    "langmem": LangMem,
    "headroom": Headroom,
}
