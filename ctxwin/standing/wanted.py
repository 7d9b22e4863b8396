"""Read from a caller's compaction prompt which kinds of things it wants kept, such as "keep all file paths"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from .entry import Entry
from .odds import Kind

__all__ = ["Propose", "Wanted", "wanted"]

Propose = Callable[[Sequence[str]], Iterable[str]]
"""Takes the texts of a conversation's messages and returns sentences of them that should stand, as a model might."""

_KINDS: Mapping[Kind, str] = {
    "rule": r"rules?|constraints?|instructions?|guidelines?|requirements?|polic(?:y|ies)|conventions?"
    r"|规则|约束|指令|要求|规范",
    "limit": r"limits?|budgets?|deadlines?|caps?|quotas?|限制|预算|期限|上限",
    "fact": r"facts?|事实",
    "decision": r"decisions?|choices?|决定|决策",
    "task": r"tasks?|to-?dos?|next steps?|open (?:questions?|issues?|items?)|progress|state|pending|goals?"
    r"|任务|待办|下一步|进度|目标",
    "preference": r"preferences?|style|tone|偏好|喜好|风格",
}
_VALUES: Mapping[str, str] = {
    "money": r"amounts?|money|prices?|costs?|金额|价格",
    "date": r"dates?|deadlines?|日期|时间",
    "time": r"times?|时间",
    "quantity": r"numbers?|figures?|quantit(?:y|ies)|measurements?|数字|数量",
    "address": r"urls?|links?|addresses|e-?mails?|endpoints?|链接|地址|邮箱",
    "path": r"(?:file ?)?paths?|files?|file ?names?|director(?:y|ies)|文件|路径|目录",
    "command": r"commands?|命令",
    "code": r"ids?|identifiers?|codes?|keys?|hash(?:es)?|commits?|versions?|variables?|functions?|标识|编号|代码|版本",
    "name": r"names?|people|人名|名字|姓名",
}
_KEEPS = re.compile(
    r"\b(?:keep|preserve|retain|include|remember|record|note|list|maintain|carry|capture|don['’]?t (?:lose|drop|forget)"
    r"|never (?:lose|drop))\b|保留|记住|包括|列出|不要丢|别丢",
    re.IGNORECASE,
)
_CLAUSE = re.compile(r"[.;!?\n。；！？]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The kinds of sentences and the forms of values that a prompt asks to keep."""

    kinds: frozenset[Kind] = frozenset()
    values: frozenset[str] = frozenset()
    sentences: frozenset[str] = frozenset()
    """Sentences that were proposed, as `_plain` writes them; only what a message has word for word can stand."""

    def has(self, entry: Entry) -> bool:
        """Tell whether the prompt asks for a sentence."""
        named = entry.kind in self.kinds or not self.values.isdisjoint(entry.values)
        return named or (bool(self.sentences) and _plain(entry.text) in self.sentences)

    def proposed(self, sentences: Iterable[str]) -> Wanted:
        """Return what is wanted, with some sentences more.

        Example:
            >>> wanted(None).proposed(["- Never call me before nine."]).sentences
            frozenset({'Never call me before nine'})
        """
        return replace(self, sentences=frozenset(filter(None, map(_plain, sentences))))


def wanted(prompt: str | None) -> Wanted:
    """Read which kinds of things a compaction prompt asks to keep; other wishes of it are not understood.

    Example:
        >>> sorted(wanted("Summarise briefly. Keep all file paths and the decisions.").values)
        ['path']
        >>> wanted("Summarise briefly.").kinds
        frozenset()
    """
    clauses = " ".join(clause for clause in _CLAUSE.split(prompt or "") if _KEEPS.search(clause))
    return Wanted(
        kinds=frozenset(kind for kind, words in _KINDS.items() if _names(words, clauses)),
        values=frozenset(form for form, words in _VALUES.items() if _names(words, clauses)),
    )


def _plain(sentence: str) -> str:
    """Return a sentence without the marks of lists and quotes that a model puts around it."""
    return " ".join(sentence.split()).strip(" -*•\"'“”‘’.。!！")


def _names(words: str, text: str) -> bool:
    return bool(re.search(rf"(?<![A-Za-z])(?:{words})(?![A-Za-z])", text, re.IGNORECASE))
