"""The provider's own count of a request, and its prompt cache."""

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import toktok

MEDIA = 85
"""Tokens of any image or file: OpenAI's price of an image at low detail."""
PRIMING = 3
MESSAGE = {"openai": 4, "responses": 4, "anthropic": 4}
CALL = {"openai": 9, "responses": 9, "anthropic": 20}
RESULT = {"openai": 8, "responses": 8, "anthropic": 12}
TOOLS = {"openai": 0, "responses": 0, "anthropic": 346}

CACHE_FROM, CACHE_STEP = 1024, 128
"""Tokens from which a prefix is cached; OpenAI reports multiples of the step."""
LOOK_BACK = 20
"""Blocks before a marker at which Anthropic looks for what was written earlier."""
MARKERS = 4


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the request that is cached whole or not at all."""

    text: str
    tokens: int
    keep: float | None = None
    """Seconds for which a marker behind it asks to keep it; None: no marker; 0: the usual time."""


def o200k(text: str) -> int:
    """Count a text with o200k_base."""
    return toktok.batch_count([text], "o200k_base")[0]


class Counter:
    """Counts segments of a request."""

    def __init__(self, count: Callable[[str], int], factor: float) -> None:
        self._count = count
        self._factor = factor

    def words(self, text: str) -> int:
        return math.ceil(self._count(text) * self._factor) if text else 0

    def segments(self, body: Mapping[str, Any], dialect: str, history: Sequence[Any] = ()) -> list[Segment]:
        found = [self._tool(tool, dialect) for tool in body.get("tools") or ()]
        if found:
            found.append(Segment("tools", TOOLS[dialect]))
        for name in ("response_format", "text", "output_config"):  # the schema that an answer must follow
            if "schema" in _compact(body.get(name) or ""):
                shown = _compact(body[name])
                found.append(
                    Segment(shown, self.words(shown if dialect == "anthropic" else " ".join(_shown(body[name]))))
                )
        if dialect == "anthropic":
            found += self._system(body.get("system"))
            for message in (*history, *body["messages"]):
                found += self._blocks(message)
            if (marked := body.get("cache_control")) and found:
                found[-1] = Segment(found[-1].text, found[-1].tokens, _keep(marked))
            return found
        if body.get("instructions"):
            found.append(self._message({"role": "system", "content": body["instructions"]}, dialect))
        given = body.get("messages", body.get("input", ()))
        items = [{"role": "user", "content": given}] if isinstance(given, str) else given
        return found + [self._message(item, dialect) for item in (*history, *items)]

    def _tool(self, tool: Mapping[str, Any], dialect: str) -> Segment:
        inner = tool.get("function", tool)
        plain = {key: value for key, value in inner.items() if key != "cache_control"}
        shown = _compact(plain)
        # OpenAI's models are shown a type with comments: names, types and descriptions.
        tokens = self.words(shown) if dialect == "anthropic" else 12 + self.words(" ".join(_shown(plain)))
        return Segment(shown, tokens, _keep(tool.get("cache_control")))

    def _system(self, system: Any) -> list[Segment]:
        if not system:
            return []
        blocks = [{"type": "text", "text": system}] if isinstance(system, str) else system
        found = [
            Segment("system" + block["text"], self.words(block["text"]), _keep(block.get("cache_control")))
            for block in blocks
        ]
        return [Segment("<system>", MESSAGE["anthropic"]), *found]

    def _blocks(self, message: Mapping[str, Any]) -> list[Segment]:
        content = message["content"]
        blocks = [{"type": "text", "text": content}] if isinstance(content, str) else content
        found = [Segment(f"<{message['role']}>", MESSAGE["anthropic"])]
        for block in blocks:
            plain = {key: value for key, value in block.items() if key != "cache_control"}
            tokens = self._spent(plain, "anthropic")
            found.append(Segment(_compact(plain), tokens, _keep(block.get("cache_control"))))
        return found

    def _message(self, message: Mapping[str, Any], dialect: str) -> Segment:
        return Segment(_compact(message), MESSAGE[dialect] + self._spent(message, dialect))

    def _spent(self, value: Any, dialect: str) -> int:
        """Count the words of a message or block, what a call or result costs beside them, and media."""
        if isinstance(value, str):
            return self.words(value)
        if isinstance(value, Sequence):
            return sum(self._spent(one, dialect) for one in value)
        if not isinstance(value, Mapping):
            return 0
        kind = value.get("type", "")
        tokens = 0
        if "tool_call_id" in value or kind in ("tool_result", "function_call_output"):
            tokens += RESULT[dialect]
        if kind in ("tool_use", "function_call") or "function" in value:
            tokens += CALL[dialect]
        if kind in ("image", "image_url", "input_image", "document", "file", "input_file", "input_audio"):
            return tokens + MEDIA
        for key, inner in value.items():
            if key == "input" and isinstance(inner, Mapping):
                tokens += self.words(_compact(inner))
            elif key in SPOKEN:
                tokens += self._spent(inner, dialect)
        return tokens


SPOKEN = frozenset(
    {"content", "text", "thinking", "arguments", "input", "output", "refusal", "reasoning_content", "name",
     "tool_calls", "function", "summary"}
)  # fmt: skip
"""Keys whose words the model reads."""


def _shown(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        for key, value in schema.items():
            if key in ("name", "description", "type") and isinstance(value, str):
                yield value
            elif key == "properties" and isinstance(value, Mapping):
                for name, inner in value.items():
                    yield name
                    yield from _shown(inner)
            elif key == "enum":
                yield from map(str, value)
            else:
                yield from _shown(value)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _shown(inner)


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _keep(control: Mapping[str, Any] | None) -> float | None:
    if control is None:
        return None
    return 3600.0 if control.get("ttl") == "1h" else 0.0


class PromptCache:
    """Prefixes that were seen, by the hash of their segments, with the time until which they are kept."""

    def __init__(self, ttl: float, clock: Callable[[], float]) -> None:
        self._ttl = ttl
        self._clock = clock
        self._until: dict[str, float] = {}

    def take(self, model: str, segments: Sequence[Segment], dialect: str) -> tuple[int, int]:
        """Return the tokens that this request reads from the cache, and those that it writes."""
        digest, prefixes, total = hashlib.blake2b(f"{dialect} {model}".encode(), digest_size=16), [], 0
        for segment in segments:
            digest.update(segment.text.encode("utf-8", "surrogatepass") + b"\0")
            total += segment.tokens
            prefixes.append((digest.hexdigest(), total))
        if dialect == "anthropic":
            return self._marked(segments, prefixes)
        return self._automatic(prefixes)

    def _alive(self, key: str) -> bool:
        return self._until.get(key, -math.inf) >= self._clock()

    def _automatic(self, prefixes: Sequence[tuple[str, int]]) -> tuple[int, int]:
        found = max((tokens for key, tokens in prefixes if self._alive(key)), default=0)
        for key, _ in prefixes:
            self._until[key] = self._clock() + self._ttl
        cached, whole = (_stepped(found), _stepped(prefixes[-1][1])) if prefixes else (0, 0)
        return cached, whole - cached

    def _marked(self, segments: Sequence[Segment], prefixes: Sequence[tuple[str, int]]) -> tuple[int, int]:
        marks = [place for place, segment in enumerate(segments) if segment.keep is not None]
        read = 0
        for mark in marks:
            for key, tokens in prefixes[max(0, mark - LOOK_BACK) : mark + 1]:
                if tokens > read and self._alive(key):
                    read = tokens
                    self._until[key] = self._clock() + self._ttl
        written = read
        for mark in marks:
            key, tokens = prefixes[mark]
            if tokens >= CACHE_FROM:
                self._until[key] = self._clock() + (segments[mark].keep or self._ttl)
                written = max(written, tokens)
        return read, written - read


def _stepped(tokens: int) -> int:
    return tokens // CACHE_STEP * CACHE_STEP if tokens >= CACHE_FROM else 0
