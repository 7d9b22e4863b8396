"""Random requests with foreign keys, sealed content, attachments and tools of the provider, packed and counted anew.

    python tests/tools/fuzz_requests.py --count 20000 --seed 1

prints what became of them. The count is this file's own: it knows nothing of ctxwin's rules but which short fields
are no text, and counts every other string of a packed request. `tests/test_nothing_is_free.py` runs a sample.
"""

from __future__ import annotations

import argparse
import base64
import copy
import json
import os
import random
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import toktok
from strategies.samples import BODIES, CHAT, ITEMS, MESSAGES, SOUND, TOOLS, encoded, png

import ctxwin
from ctxwin import CtxwinError, check, pack

WORDS = (
    *("harbour", "lantern", "ferry", "tide", "seventeen", "olive", "rudder", "does", "not", "leave", "before", "18:40"),
    *("on", "3", "May", "src/app.py", "潮汐", "今天", "渡轮", "六点", "出发", "¿dónde", "está?", "naïve", "4417"),
)
SHORT = {"type", "id", "role", "name", "call_id", "tool_use_id", "tool_call_id", "media_type", "status", "detail"}
SHORT |= {"format", "caller", "tool_id", "caller_id", "phase", "namespace", "execution", "ttl", "file_id", "index"}
SHORT |= {"server_label", "container_id", "fingerprint", "approval_request_id", "object", "version"}
"""Keys whose strings of up to 200 characters this count leaves out."""
SEALED = {"encrypted_content", "signature", "data"}
STRATEGIES = ("auto", "relevance", "recency")


def text(rng: random.Random, most: int = 400) -> str:
    """Return a random text."""
    return " ".join(rng.choices(WORDS, k=rng.choice((1, 8, 40, most))))


def sealed(rng: random.Random) -> str:
    """Return base64 that nobody can read."""
    return base64.b64encode(rng.randbytes(rng.choice((30, 800, 5_000)))).decode()


def strange(rng: random.Random, value: Any, chance: float) -> Any:
    """Put random strings into a message: in place of its texts, and under keys that nobody has heard of."""
    if isinstance(value, dict):
        made = {}
        for key, inner in value.items():
            if key in ("encrypted_content", "signature") or (
                key == "data" and value.get("type") == "redacted_thinking"
            ):
                made[key] = sealed(rng)
            elif key in (
                "text",
                "thinking",
                "stdout",
                "logs",
                "transcript",
                "context",
                "revised_prompt",
                "output",
            ) and (isinstance(inner, str) and inner):
                made[key] = text(rng)
            elif key == "file_data":
                made[key] = f"data:text/plain;base64,{encoded(text(rng))}"
            elif key == "data" and value.get("media_type") == "text/plain":
                made[key] = text(rng)
            else:
                made[key] = strange(rng, inner, chance)
        if rng.random() < chance:
            made[rng.choice(("note", "x", "metadata", "extra", "备注"))] = rng.choice(
                (text(rng, 60), [text(rng, 20)], {"deep": {"er": text(rng, 30)}})
            )
        return made
    if isinstance(value, list):
        return [strange(rng, inner, chance) for inner in value]
    return value


def plain(rng: random.Random, role: str) -> dict[str, Any]:
    """Return a plain message."""
    return {"role": role, "content": text(rng)}


def request(rng: random.Random) -> tuple[str, Any]:
    """Return a dialect and a random request body in it."""
    dialect = rng.choice(tuple(BODIES))
    chance = rng.choice((0.0, 0.0, 0.05, 0.3))
    turns: list[Any] = []
    for _ in range(rng.randint(0, 8)):
        turns += [plain(rng, "user"), plain(rng, "assistant")]
    rich = {"openai": CHAT[2:-1], "anthropic": MESSAGES, "responses": ITEMS[:-1]}[dialect]
    if rng.random() < 0.8:
        if turns and dialect == "anthropic":
            turns += [plain(rng, "user"), plain(rng, "assistant")]
        turns += strange(rng, copy.deepcopy(rich), chance)
        if dialect == "anthropic":
            turns.append(plain(rng, "assistant"))
    for _ in range(rng.randint(0, 4)):
        turns += [plain(rng, "user"), plain(rng, "assistant")]
    turns.append({"role": "user", "content": "When does the ferry leave?"})
    body = {**BODIES[dialect], ("input" if dialect == "responses" else "messages"): turns}
    if rng.random() < 0.5:
        body.pop("tools")
    else:
        body["tools"] = strange(rng, copy.deepcopy(TOOLS[dialect]), chance / 2)
    if "system" in body:
        body["system"] = strange(rng, copy.deepcopy(body["system"]), chance / 2)
    return dialect, body


def strings(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield every string with the key it stands under; of other keys than the known, the key too."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            if len(name) > 40:
                yield "", name
            yield from strings(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner, key)


def least(body: Any) -> int:
    """Count every string of a request, by what it says; a lower bound of what the provider counts."""
    counted = []
    total = 0
    for key, said in strings(body):
        if key in SHORT and len(said) <= 200:
            continue
        if said in (png(), SOUND) or said.endswith((png(), SOUND)) or said.startswith("https://example.org/"):
            continue
        if key in SEALED and (decoded := decodes(said)) is not None:
            total += max(0, len(decoded) - 650) // 8
        elif said.startswith("data:text/plain;base64,"):
            counted.append(base64.b64decode(said.partition(",")[2]).decode("utf-8", "replace"))
        else:
            counted.append(said)
    return total + sum(toktok.batch_count(counted, "o200k_base"))


def decodes(said: str) -> bytes | None:
    """Return the bytes of base64, or None."""
    try:
        return base64.b64decode(said, validate=True)
    except ValueError:
        return None


def held(body: Any, dialect: str) -> Any:
    """Return what is counted of a body: messages, system prompt, tools that are not deferred."""
    names = ("messages", "input", "system", "instructions")
    return {name: body[name] for name in names if name in body}


def run(seed: int) -> tuple[str, str]:
    """Pack one random request; return what became of it, and what is wrong."""
    rng = random.Random(seed)
    dialect, body = request(rng)
    budget = rng.choice((100, 300, 1_000, 2_000, 4_000, 8_000, 20_000, 60_000, 300_000))
    try:
        valid = check(body) == []
        packed = pack(body, budget=budget, strategy=rng.choice(STRATEGIES), embedder="none", tokenizer="o200k_base")
    except CtxwinError as error:
        return type(error).__name__, ""
    except Exception:  # noqa: BLE001 - any other error is what is looked for
        return "crash", traceback.format_exc()
    found = least(held(packed.messages, dialect))
    if not found <= packed.tokens <= budget:
        return "overrun", f"budget {budget}, said {packed.tokens}, at least {found}"
    if valid and (problems := check(packed.messages)):
        return "invalid", str(problems[0])
    again = pack(packed.messages, budget=budget, embedder="none", tokenizer="o200k_base")
    if again.messages != packed.messages:
        return "not idempotent", f"budget {budget}"
    json.dumps(packed.messages)
    return "packed whole" if packed.messages == body else "packed", ""


def main() -> None:
    """Run what the command line says and print the account."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    account: Counter[str] = Counter()
    for seed in range(asked.seed, asked.seed + asked.count):
        kind, wrong = run(seed)
        account[kind] += 1
        if wrong:
            print(f"seed {seed}: {kind}: {wrong}")
    print(f"ctxwin {ctxwin.__version__}:", dict(account))


if __name__ == "__main__":
    main()
