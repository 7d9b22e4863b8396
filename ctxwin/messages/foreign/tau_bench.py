"""Reads results of tau-bench and tau2-bench: the messages of agent, simulated user and tools in each task.

tau-bench keeps a list of `{"task_id", "reward", "info", "traj"}` with messages of OpenAI chat. tau2-bench keeps an
object of `simulations`, or a file for each; its calls have no `function`, and its user may call tools too.
[github.com/sierra-research/tau-bench and tau2-bench, data_model/message.py]
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .content_blocks import contents, field_of, pieces
from .form import ForeignForm, ForeignTalk
from .script import Script
from .speech import Said, SaidCall, SaidResult, rows_of, stamp, word

__all__ = ["FORM"]

Row = Mapping[str, Any]

ROLES = frozenset({"system", "user", "assistant", "tool"})


def _recognise(value: Any) -> bool:
    runs = _runs(value)
    known = bool(runs) and all(_is_run(run) for run in runs)
    return known and any(rows_of(run.get("traj", run.get("messages"))) for run in runs)


def _runs(value: Any) -> Sequence[Row]:
    if isinstance(value, Mapping) and "simulations" in value:
        return rows_of(value["simulations"])
    return rows_of(value)


def _is_run(run: Row) -> bool:
    if "task_id" not in run:
        return False
    if "traj" in run:
        return "reward" in run and all(word(row, "role") in ROLES for row in rows_of(run["traj"]))
    known = run.keys() & {"termination_reason", "reward_info", "trial", "seed"}
    return bool(known) and all(word(row, "role") in ROLES for row in rows_of(run.get("messages")))


def _read(value: Any) -> Iterator[ForeignTalk]:
    for run in _runs(value):
        script = Script()
        for row in rows_of(run.get("traj", run.get("messages"))):
            for one in rows_of(row.get("tool_messages")) or (row,):
                role = word(one, "role")
                said = list(_pieces(one, role))
                script.take("user" if role == "tool" else role, said, time=stamp(one.get("timestamp")))
        trial = run.get("trial")
        title = f"task {run['task_id']}" + (f", trial {trial}" if trial is not None else "")
        if items := script.items():  # a run that failed at once has none
            yield ForeignTalk(items=items, title=title, id=word(run, "id"))


def _pieces(row: Row, role: str) -> Iterator[Said]:
    if role == "tool":
        call_id = field_of(row, "tool_call_id", "id")
        yield SaidResult(id=call_id, name=row.get("name"), content=contents(row.get("content")))
        return
    yield from pieces(row.get("content"))
    for call in rows_of(row.get("tool_calls")):
        inner = call["function"] if isinstance(call.get("function"), Mapping) else call
        yield SaidCall(name=word(inner, "name"), arguments=inner.get("arguments"), id=call.get("id"))
    if isinstance(old := row.get("function_call"), Mapping):
        yield SaidCall(name=word(old, "name"), arguments=old.get("arguments"))


FORM = ForeignForm(name="tau-bench results", recognise=_recognise, read=_read)
