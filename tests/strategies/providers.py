"""A provider that counts by a tokenizer of its own, chats in several languages, and the loop between the two."""

from __future__ import annotations

import bisect
import calendar
import colorsys
import fileinput
import heapq
import inspect
import json
import optparse
import random
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctxwin
from ctxwin import Budget
from ctxwin.tokens import CalibratedTokenizer, Tokenizer, get_tokenizer, spell

PACKAGE = Path(ctxwin.__file__).parent
CODE = (bisect, calendar, colorsys, fileinput, heapq, optparse, textwrap)
ROUNDS = 4
"""Times that a request is packed again, at most, because it may be too large by the provider's count."""

CHINESE = (
    "我们昨天把合同看了一遍，第三条里的押金写的是两个月。",
    "房东说可以商量，但是要在星期五以前给他答复。",
    "你帮我查一下从北站到新校区坐几路车，大概多长时间。",
    "会议记录已经整理好了，一共十二项，其中四项还没有负责人。",
    "这个版本的程序在内存不足的时候会直接退出，没有任何提示。",
    "如果下雨的话，我们就改到室内，场地费大概多出三百块。",
    "医生建议她每天走六千步，晚饭以后不要再喝咖啡。",
    "数据表里有两列的单位不一致，一列是千克，一列是斤。",
    "他上次提到的那本书，我在图书馆找到了，编号是TP391。",
    "请把修改过的部分用红色标出来，下午三点之前发给我。",
)
JAPANESE = (
    "きのうの会議で決まったことを、もう一度まとめて送ってもらえますか。",
    "駅から歩いて十分ぐらいですが、雨の日はバスのほうが便利です。",
    "このファイルを開くとエラーが出るので、先に設定を確認してください。",
    "カタカナの名前は全部で四十二件あり、そのうち三件が重複しています。",
)
KOREAN = (
    "어제 보낸 파일에서 두 번째 표의 단위가 서로 다릅니다.",
    "비가 오면 실내로 옮기기로 했으니 다시 예약해 주세요.",
    "서버를 다시 시작한 뒤에도 같은 오류가 세 번 더 나왔습니다.",
)
RUSSIAN = (
    "Договор мы подписали вчера, но залог пока не перевели.",
    "Если поезд опоздает, встретимся у второго выхода в половине седьмого.",
    "Программа завершает работу без сообщения, когда заканчивается память.",
)
GERMAN = (
    "Die Kaution beträgt zwei Monatsmieten und wird beim Einzug überwiesen.",
    "Wenn es regnet, verlegen wir das Treffen in den großen Sitzungssaal.",
    "Das Programm beendet sich ohne Meldung, sobald der Arbeitsspeicher erschöpft ist.",
)


def english() -> list[str]:
    """Return what is said in the package's own sample, one message after the other."""
    talk = json.loads((PACKAGE / "sample" / "conversation.json").read_text(encoding="utf-8"))
    return [one["content"] for one in talk if isinstance(one.get("content"), str) and len(one["content"]) > 60]


def code() -> list[str]:
    """Return pieces of old modules of the standard library, which hardly change any more."""
    texts = [inspect.getsource(module) for module in CODE]
    return [text[at : at + 1_200] for text in texts for at in range(0, len(text) - 1_200, 1_800)]


def chat(kinds: str, seed: int = 0, turns: int = 40) -> list[tuple[str, str]]:
    """Return so many questions with their answers, the n-th of the n-th kind, over and over.

    Args:
        kinds: letters: e(nglish), z (Chinese), c(ode), j(apanese), k(orean), r(ussian), g(erman).
        seed: another chat of the same kinds.
        turns: how many.
    """
    choose = random.Random(f"{kinds}{seed}")
    written = {"e": english(), "c": code()}
    sentences = {"z": CHINESE, "j": JAPANESE, "k": KOREAN, "r": RUSSIAN, "g": GERMAN}

    def say(kind: str, least: int, most: int) -> str:
        count = choose.randint(least, most)
        if kind in sentences:
            return "".join(choose.choice(sentences[kind]) for _ in range(2 * count))
        return "\n".join(choose.choice(written[kind]) for _ in range(max(1, count // 3)))

    return [(say(kinds[turn % len(kinds)], 1, 5), say(kinds[turn % len(kinds)], 3, 12)) for turn in range(turns)]


@dataclass(frozen=True, kw_only=True)
class Provider:
    """Counts requests as a model's provider would: in its own tokens, with its own overhead."""

    tokenizer: str
    factor: float = 1.0
    message: int = 5
    request: int = 12

    def count(self, messages: Sequence[Mapping[str, Any]]) -> int:
        counts = get_tokenizer(self.tokenizer).count_many([one["content"] for one in messages])
        return round(self.factor * sum(counts)) + self.message * len(messages) + self.request


@dataclass(frozen=True, kw_only=True)
class Sent:
    """One call of a chat."""

    counted: int
    """Tokens as the tokenizer counts."""
    expected: int
    """Tokens as the provider is expected to count."""
    reported: int
    """Tokens as the provider counted."""
    margin: int
    """Tokens kept free for error."""
    error: float
    """Of the tokenizer, when it was sent."""
    room: int
    cut: bool
    """Whether anything was left out."""
    packs: int


def talk(
    turns: Sequence[tuple[str, str]], tokenizer: Tokenizer, provider: Provider, room: int, *, learn: bool = True
) -> Iterator[Sent]:
    """Hold a chat, packed for every turn, learning from what the provider reports or not."""
    counter = CalibratedTokenizer(tokenizer)
    messages = [{"role": "system", "content": "You help with plans, contracts and programs. Be brief."}]
    for asked, answered in turns:
        messages.append({"role": "user", "content": asked})
        new = counter.count_many([one["content"] for one in messages[-2:]])
        margin = counter.margin(room, sum(new)) if learn else None
        packs = 0
        while packs < ROUNDS:
            packed = ctxwin.pack(
                messages, budget=Budget(total=room, margin=margin), tokenizer=counter, strategy="recency"
            )
            packs += 1
            pieces = spell(packed.messages)
            expected = counter.count_request(pieces)
            if margin is None or expected.high <= room:
                break
            margin += expected.high - room
        reported = provider.count(packed.messages)
        yield Sent(
            counted=packed.tokens,
            expected=expected.tokens,
            reported=reported,
            margin=expected.high - expected.tokens if learn else packed.report.budget.margin or 0,
            error=counter.error,
            room=room,
            cut=bool(packed.report.dropped or packed.report.shortened),
            packs=packs,
        )
        if learn:
            counter = counter.observe(pieces, reported)
        messages.append({"role": "assistant", "content": answered})
