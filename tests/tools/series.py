"""Sets of questions over time, which no permissive set has: `python tests/tools/series.py DATA OUT`.

DATA is the folder of the evaluation sets. OUT gets two sets for `ctxwin eval`, made of two of them:

- `meetings`: every four of QMSum's meetings on the remote control as one conversation in four sessions, asked about a
  topic that QMSum asks about in at least two of them; all that answers there is evidence.
- `rules`: MemoryCode's conversations, asked about rules of one kind; all those from two or more sessions are evidence.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from pathlib import Path

TOPICS = {
    "the LCD screen": "LCD|LSD|screen",
    "the buttons": "button",
    "speech recognition": "speech|voice",
    "cost and profit": "cost|price|financ|profit|budget",
    "the appearance and colour": "colou?r|appearance|look|shape",
    "market trends": "market trend|trend|young|fashion",
    "the user interface": "interface",
    "the functions of the remote control": "function",
    "materials and components": "material|component|battery|energy|titanium|rubber",
    "evaluation": "evaluat",
    "the prototype": "prototype",
}
"""Topics, and what tells that one of QMSum's questions is about one."""
TOO_MUCH = 150
"""Turns of evidence of one of QMSum's questions from which it is about half a meeting, not a topic."""
MEETINGS = (
    "Summarize how the discussion about {} developed over our meetings.",
    "In what order did different points about {} come up throughout our meetings?",
    "Give me a summary of what was said about {} across our meetings.",
)

KINDS = {
    "naming variables": ["variable"],
    "naming functions": ["function"],
    "naming methods": ["method"],
    "naming attributes": ["attribute"],
    "naming function arguments": ["function argument"],
    "decorators": ["function decorator", "method decorator", "class decorator"],
    "modules to import": ["import"],
    "docstrings and comments": ["function docstring", "method docstring", "class docstring", "comment"],
    "assert and try statements": ["function assert", "method assert", "function try", "method try"],
    "annotations": ["function annotation", "method annotation"],
}
"""Kinds of rules, and MemoryCode's categories of each."""
A_PASSAGE = 3
"""Turns of evidence up to which it is the rule itself, not the talk around it."""
RULES = (
    "Can you list the order in which the rules about {} came up throughout our conversations, in order?",
    "How have the rules about {} developed over time?",
    "Give me a summary of what was said about {} across our sessions.",
)


def read(folder):
    with gzip.open(folder / "units.jsonl.gz", "rt", encoding="utf-8") as lines:
        units = [json.loads(line) for line in lines]
    return units, [json.loads(line) for line in (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()]


def write(folder, units, queries):
    folder.mkdir(parents=True, exist_ok=True)
    with gzip.open(folder / "units.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(unit) + "\n" for unit in units)
    (folder / "queries.jsonl").write_text("".join(json.dumps(query) + "\n" for query in queries), encoding="utf-8")
    print(f"{folder}: {len(units):,} units, {len(queries)} questions")


def named(rows):
    """Return the sources of some rows, in their order."""
    return list(dict.fromkeys(row["source"] for row in rows))


def meetings(units, queries):
    """Yield each four meetings as units of one source, and the questions on them."""
    design = named(unit for unit in units if unit.get("speaker") == "Project Manager")
    for number in range(len(design) // 4):
        four, source = design[4 * number : 4 * number + 4], f"series-{number}"
        told = [
            {**unit, "source": source, "uid": f"{four.index(unit['source'])}:{unit['uid']}",
             "session": str(four.index(unit["source"]) + 1)}
            for unit in units if unit["source"] in four
        ]  # fmt: skip
        place = {unit["uid"]: row for row, unit in enumerate(told)}
        asked = []
        for row, (topic, pattern) in enumerate(TOPICS.items()):
            about = [
                query
                for query in queries
                if query["source"] in four
                and re.search(pattern, query["query"], re.I)
                and 0 < len(query["gold"]) < TOO_MUCH
            ]
            if len(named(about)) >= 2:
                gold = {f"{four.index(query['source'])}:{uid}" for query in about for uid in query["gold"]}
                text = MEETINGS[(row + number) % len(MEETINGS)].format(topic)
                asked.append({"qid": f"{source}-{row}", "source": source, "query": text, "category": topic,
                              "gold": sorted(gold, key=place.__getitem__)})  # fmt: skip
        yield told, asked


def rules(units, queries):
    """Yield questions on rules that one conversation gave in several sessions."""
    session = {(unit["source"], unit["uid"]): (row, unit.get("session")) for row, unit in enumerate(units)}
    for source in named(queries):
        for row, (kind, categories) in enumerate(KINDS.items()):
            about = [
                query
                for query in queries
                if query["source"] == source and query["category"] in categories and len(query["gold"]) <= A_PASSAGE
            ]
            gold = {uid for query in about for uid in query["gold"]}
            if len({session[source, uid][1] for uid in gold}) >= 2:
                yield {"qid": f"{source}-{row}", "source": source, "query": RULES[row % len(RULES)].format(kind),
                       "category": kind, "gold": sorted(gold, key=lambda uid: session[source, uid])}  # fmt: skip


if __name__ == "__main__":
    data, out = map(Path, sys.argv[1:3])
    series = list(meetings(*read(data / "qmsum")))
    write(
        out / "meetings", [unit for told, _ in series for unit in told], [one for _, asked in series for one in asked]
    )
    units, queries = read(data / "memorycode")
    write(out / "rules", units, list(rules(units, queries)))
