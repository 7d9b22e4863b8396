"""What `compact` keeps of the sessions of `compaction-conformance-kit`, beside the kit's own references.

    python tests/tools/measure_kit.py [--rounds 5] [--seeds 1 2 3 4] [--lost]

The kit (0.8.0, MIT) is asked for by `pip install compaction-conformance-kit`. Its own benchmark runs: sessions with
rules, limits, facts, tasks and preferences, some of them updated, compacted again and again to 10, 20 and 30 % of
their characters. `--lost` names what is gone after the last round, and why: how surely the sentence stood in the
session as it was said, whether a newer one replaced it, or that there was no room.
"""

from __future__ import annotations

import argparse
import importlib.util
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ctxwin import BudgetError, compact
from ctxwin.messages import read
from ctxwin.standing import STANDS, Standing
from ctxwin.tokens import get_tokenizer

if TYPE_CHECKING:
    from compaction_kit.compacted import CompactedContext
    from compaction_kit.session import Turn

BUDGETS = (0.1, 0.2, 0.3)
"""Parts of a session's characters."""
ASKED = {0.1: 0.4, 0.2: 0.85, 0.3: 1.0}
"""Part of what is planted that has to be there after the last round."""
RESOLVED = 0.5
"""Part of the updates in other words of which the new value alone has to be there."""
TOKENIZER = "o200k_base"
TRIES = 12
"""Compactions to find the largest budget in tokens whose print fits the budget in characters."""
NAME = "ctxwin"
_ROLE = re.compile(r"^\[(system|user|assistant|tool)\] ?", re.MULTILINE)


def messages_of(turns: Sequence[Turn]) -> list[dict[str, str]]:
    """Return the kit's turns as OpenAI messages; a turn that is the print of an earlier round is read back."""
    out: list[dict[str, str]] = []
    for turn in turns:
        marks = list(_ROLE.finditer(turn.text)) if turn.role == "system" else []
        if not marks or marks[0].start():
            out.append({"role": turn.role, "content": turn.text})
            continue
        ends = [mark.start() - 1 for mark in marks[1:]] + [len(turn.text)]
        out += [
            {"role": mark[1], "content": turn.text[mark.end() : end]} for mark, end in zip(marks, ends, strict=True)
        ]
    return out


def text_of(messages: Sequence[Mapping[str, Any]]) -> str:
    """Return messages as the kit prints turns."""
    return "\n".join(f"[{one['role']}] {one['content']}" for one in messages)


class Compacts:
    """`ctxwin.compact` as a compactor of the kit."""

    name = NAME

    def compact(self, turns: list[Turn], round_num: int = 1, budget_chars: int | None = None) -> CompactedContext:
        from compaction_kit.compacted import CompactedContext

        messages = messages_of(turns)
        text = text_of(messages)
        if budget_chars is not None and len(text) > budget_chars:
            text = fitted(messages, budget_chars)
        return CompactedContext(text=text, compactor_name=self.name, round_num=round_num)


def fitted(messages: Sequence[Mapping[str, Any]], characters: int) -> str:
    """Return the print of the compaction to as many tokens as give no more than so many characters."""
    least, most, best = 0, characters, ""
    budget = round(characters / len(text_of(messages)) * sum(get_tokenizer(TOKENIZER).count_many([text_of(messages)])))
    for _ in range(TRIES):
        try:
            text = text_of(compact(messages, budget, tokenizer=TOKENIZER).messages)
        except BudgetError:
            text = None
        if text is not None and len(text) > characters:
            most = budget
        else:
            least = budget
            best = text if text is not None and len(text) >= len(best) else best
        if most - least <= 1:
            break
        budget = (least + most) // 2
    return best


def benchmark(rounds: int, seeds: Sequence[int]) -> list[dict[str, Any]]:
    from compaction_kit import benchmark as kit
    from compaction_kit import compactors

    factories: dict[str, Callable[[], Any]] = {
        NAME: Compacts,
        "checklist (knows the marks)": compactors.ChecklistCompactor,
        "update-aware checklist (the same)": compactors.UpdateAwareChecklistCompactor,
        "pinned rules (the same)": compactors.PinnedRulesCompactor,
        "summary and tail": compactors.SummaryTailCompactor,
        "truncation": compactors.LossyTruncationCompactor,
    }
    entries: list[dict[str, Any]] = kit.run_budget_benchmark(factories, BUDGETS, seeds, rounds)["entries"]
    return entries


def table(entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for one in entries:
        said, new = one["randomized"], one["semantic"]
        again, other = said["supersession"], new["conflicts"]
        kinds = "  ".join(f"{kind} {share:.0%}" for kind, share in said["final_median_by_type"].items())
        yield (
            f"{one['budget_fraction']:.0%}  {one['compactor']:34} {said['overall_final_survival']:6.1%} there, "
            f"stale {again['stale']}/{again['n']}; other words: resolved {new['resolved_rate']:.1%}, "
            f"stale {other['stale']}/{other['n']}, both of a pair {new['distinct_pair_rate']:.1%}"
            f"{'' if one['budget_compliant'] else '  OVER BUDGET'}\n      {kinds}"
        )


def unmet(entries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for one in entries:
        if one["compactor"] != NAME:
            continue
        share, said, new = one["budget_fraction"], one["randomized"], one["semantic"]
        if not one["budget_compliant"]:
            yield f"{share:.0%}: over budget"
        if said["overall_final_survival"] < ASKED[share]:
            yield f"{share:.0%}: {said['overall_final_survival']:.1%} there, {ASKED[share]:.0%} asked"
        if said["supersession"]["stale"]:
            yield f"{share:.0%}: {said['supersession']['stale']} stale values there"
        if new["resolved_rate"] < RESOLVED:
            yield f"{share:.0%}: {new['resolved_rate']:.1%} of updates in other words resolved, {RESOLVED:.0%} asked"


def reason(session: Any, canary: Any) -> str:
    """Return why a sentence of a session may be gone."""
    standing = Standing()
    standing.extend(read(messages_of(session.transcript())).items)
    said = standing.said()
    own = [said[i] for i in range(len(said)) if said.entries[i].text in canary.content]
    if not own:
        return "replaced by a newer one, or not read"
    strong = max(own, key=lambda one: one.strength)
    why = "no room" if strong.strength >= STANDS else "does not stand"
    rank = int((said.strength > strong.strength).sum()) + 1
    return f"{why}: {strong.kind} {strong.strength:.2f}, {rank}. of {len(said)}"


def lost(rounds: int, seeds: Sequence[int]) -> Iterator[str]:
    from compaction_kit.corpus import build_random_session
    from compaction_kit.runner import run_conformance
    from compaction_kit.semantic_corpus import build_semantic_heldout_session, build_semantic_session

    for share in BUDGETS:
        for build in (build_random_session, build_semantic_session, build_semantic_heldout_session):
            gone: Counter[str] = Counter()
            by_round: Counter[int] = Counter()
            for seed in seeds:
                session, canaries = build(seed)[:2]
                run = run_conformance(session, Compacts(), rounds=rounds, canaries=canaries, budget_fraction=share)
                for one in run.rounds:
                    by_round[one.round_num] += sum(one.survived.values())
                text = run.rounds[-1].context.text.casefold()
                for canary in canaries:
                    if not run.rounds[-1].survived[canary.id]:
                        gone[f"lost  {canary.id}: {canary.content}  [{reason(session, canary)}]"] += 1
                    if any(value.casefold() in text for value in canary.superseded_tokens):
                        gone[f"stale {canary.id}: {', '.join(canary.superseded_tokens)}; new: {canary.content}"] += 1
            yield f"\n{share:.0%} {build.__name__}: there by round {dict(sorted(by_round.items()))}"
            yield from (f"  {line}" for line in sorted(gone))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--lost", action="store_true")
    given = parser.parse_args()
    if importlib.util.find_spec("compaction_kit") is None:
        print("compaction-conformance-kit is not installed: nothing measured; pip install compaction-conformance-kit")
        return 0
    entries = benchmark(given.rounds, given.seeds)
    print("\n".join(table(entries)))
    if given.lost:
        print("\n".join(lost(given.rounds, given.seeds)))
    wrong = list(unmet(entries))
    print("\n".join(f"NOT MET {line}" for line in wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
