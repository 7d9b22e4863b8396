"""Fit the log odds of `odds.toml` and `phrases.toml` in `ctxwin/standing`: how a sentence shows that it stands.

Positive: `standing_sentences.jsonl`, some 1,100 sentences written for this purpose by several people, in English and
Chinese. Negative: the sentences of real talk of sets under MIT and Apache licences (an unknown few of which stand). The
fit is a logistic regression with a normal prior around weights set by hand (`PRIOR`), since so few sentences say little
about 45 features; in a user's sentences the words and pairs of neighbouring words that are common in all of them count
too, around zero. It prints the table of features, and writes both with `--write`.

    python tests/tools/fit_standing.py --data ../shared/data
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_matrix

from ctxwin.items import Item
from ctxwin.standing import Voice
from ctxwin.standing.features import feature_names, features
from ctxwin.standing.notes import lines_of
from ctxwin.standing.phrases import phrases

HERE = Path(__file__).parent
SETS = ("longmemeval_mini", "memorybank_en", "memorybank_zh", "friendsqa", "vcsum_zh", "bfcl_memory")
EACH = 3_000
"""Negative sentences of each set and voice, at most."""
STRENGTH = 30.0
"""Weight of the prior; 5 and 60 keep two to four points less of what was planted at 5 %."""
COMMON = 30
"""Sentences that a word or pair of words must be in to have log odds of its own."""
WORDS_STRENGTH = 10.0
"""Weight of the prior of a word."""
SMALL = 0.1
"""Log odds below which a word is left out."""
SHARES = {"user": 0.12, "assistant": 0.01}
"""Share of the sentences that are taken to stand."""
LOWER = {"user": 0.0, "assistant": 0.7}
"""Log odds taken off the base after the fit, so that an assistant's many sentences do not crowd out a user's: .7 keeps
two to three points more than 0."""
PRIOR = {
    "user": {
        "money": 1.0, "date": 1.0, "time": 0.4, "quantity": 0.5, "address": 1.3, "path": 1.3, "command": 1.2,
        "code": 1.2, "name": 0.9, "prohibition": 2.0, "prohibition_hint": 0.1, "obligation": 1.5,
        "obligation_hint": 0.0, "permission": 0.6, "bound": 1.5, "bound_hint": 0.4, "deadline": 0.5, "decision": 1.6,
        "decision_hint": 0.4,
        "task": 1.6, "task_hint": 0.3, "preference": 1.6, "preference_hint": 0.4, "aside": 0.6, "correction": 0.2,
        "identity": 0.6, "second": -0.5, "request": -1.5, "advice": -1.0, "hypothetical": -1.0, "chatter": -1.5,
        "past": -0.5, "question": -3.0, "asks": -0.5, "short": -0.5, "long": -0.7, "very_long": -0.7, "heading": -1.5,
        "listed": -0.3, "imperative": 0.6, "open_end": -1.0,
        "addressed": 1.2, "own": 0.8, "idiom": -1.5, "feeling": -1.2, "two_values": 1.2, "opens_no": -1.5,
        "pointing": -1.6, "program": -2.0, "ordered": 2.0,
    },
}  # fmt: skip
PRIOR["assistant"] = PRIOR["user"] | {
    "address": 2.5, "path": 2.5, "code": 2.5, "command": 2.0, "identity": 1.0, "prohibition": 0.3, "obligation": 0.2,
    "permission": 0.5, "bound": 0.6, "preference": 0.2, "advice": -1.5, "second": -1.5, "imperative": -0.5,
    "aside": 1.0,
}  # fmt: skip
ASIDES = ("By the way, ", "Oh, and ", "Also, ", "Just so you know, ", "One more thing: ", "FYI, ", "Btw ")
ASIDES_CHINESE = ("对了，", "另外，", "顺便说一下，", "还有，")
ASIDE_SHARE = 0.35
"""Share of the positive sentences that are read a second time, said in passing."""


@dataclass(frozen=True)
class Example:
    """A sentence that stands or not."""

    text: str
    words: str
    """The sentence without a beginning that was put before it here: that would be learned as its wording."""
    origin: str


def positives(voice: str, rng: random.Random) -> Iterator[Example]:
    """Yield the sentences that stand, some of them twice."""
    for line in (HERE / "standing_sentences.jsonl").read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        text = one["text"]
        mine = one["role"] in ("user", "system") if voice == "user" else one["kind"] not in ("rule", "preference")
        if not mine:
            continue
        yield Example(text, text, "written")
        if rng.random() < ASIDE_SHARE:
            chinese = any(character >= "㐀" for character in text)
            keeps = chinese or text[:2] == "I " or not text[0].isupper()
            rest = text if keeps else text[0].lower() + text[1:]
            yield Example(rng.choice(ASIDES_CHINESE if chinese else ASIDES) + rest, text, "written")


def negatives(data: Path, voice: Voice, rng: random.Random) -> Iterator[Example]:
    """Yield sentences of real talk."""
    for name in SETS:
        said = []
        with gzip.open(data / name / "units.jsonl.gz", "rt", encoding="utf-8") as file:
            for line in file:
                unit = json.loads(line)
                role = unit.get("role") or ("user" if unit.get("speaker") else None)
                if role == voice:
                    said += [one.text for one in lines_of(Item(text=unit["text"], role=role), voice)]
        rng.shuffle(said)
        yield from (Example(text, text, name) for text in said[:EACH])


def fitted(data: Path, voice: Voice) -> tuple[dict[str, float], dict[str, float]]:
    """Return the log odds of each feature and of a sentence without any, and those of common words."""
    rng = random.Random(1)
    names = [*feature_names(), "base"]
    good, bad = list(positives(voice, rng)), list(negatives(data, voice, rng))
    every = [*good, *bad]
    x = np.array([[*features(one.text), 1] for one in every], float)
    common, words = word_matrix(every) if voice == "user" else ([], csr_matrix((len(every), 0)))
    y = np.r_[np.ones(len(good)), np.zeros(len(bad))]
    weight = np.r_[np.full(len(good), SHARES[voice] * len(bad) / len(good)), np.ones(len(bad))]
    weight *= 3_000 / weight.sum()
    start = np.array([PRIOR[voice].get(name, 0.0) for name in feature_names()] + [-3.0] + [0.0] * len(common))
    # The base has no prior.
    prior = np.r_[np.full(len(names) - 1, STRENGTH), 0.0, np.full(len(common), WORDS_STRENGTH)]

    def loss(b: np.ndarray) -> tuple[float, np.ndarray]:
        z, away = x @ b[: len(names)] + words @ b[len(names) :], b - start
        value = (weight * (np.logaddexp(0, z) - y * z)).sum() + (prior * away) @ away / 2
        missed = weight * (1 / (1 + np.exp(-z)) - y)
        return value, np.r_[x.T @ missed, words.T @ missed] + prior * away

    best = minimize(loss, start, jac=True, method="L-BFGS-B").x
    best[len(names) - 1] -= LOWER[voice]
    rounded = [round(float(one), 2) for one in best]
    return dict(zip(names, rounded, strict=False)), dict(zip(common, rounded[len(names) :], strict=True))


def word_matrix(every: list[Example]) -> tuple[list[str], csr_matrix]:
    """Return the common words and pairs of words, and for each sentence which of them it has.

    What only one or two sets have is their topic, and numbers are values: neither is how people talk.
    """
    has = [phrases(one.words) for one in every]
    counts = Counter(phrase for one in has for phrase in one)
    sets = Counter(
        phrase for phrase, _ in {(phrase, one.origin) for one, many in zip(every, has, strict=True) for phrase in many}
    )
    common = sorted(
        one for one, count in counts.items() if count >= COMMON and sets[one] > 2 and not re.search(r"\d", one)
    )
    number = {one: i for i, one in enumerate(common)}
    at = [(i, number[phrase]) for i, many in enumerate(has) for phrase in many if phrase in number]
    rows, columns = np.array(at).T
    return common, csr_matrix((np.ones(len(at)), (rows, columns)), shape=(len(every), len(common)))


def words_table(words: dict[str, float]) -> str:
    """Return the table of words, grouped by their log odds in tenths."""
    groups: dict[int, list[str]] = {}
    for one, odds in words.items():
        if abs(odds) >= SMALL:
            groups.setdefault(round(10 * odds), []).append(one)
    lines = [
        "# Log odds that words and pairs of neighbouring words add to a user's sentence, fitted by",
        "# tests/tools/fit_standing.py; `^` before a word: only where the sentence begins.",
        "",
    ]
    for tenths in sorted(groups):
        lines.append(f'"{tenths / 10}" = """')
        lines += textwrap.wrap(", ".join(groups[tenths]), 118, break_long_words=False, break_on_hyphens=False)
        lines.append('"""')
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--write", action="store_true", help="write the table into the package")
    asked = parser.parse_args()
    if missing := [name for name in SETS if not (asked.data / name).is_dir()]:
        sys.exit(f"no {', '.join(missing)} in {asked.data}; give the folder of the evaluation data with --data")
    lines = [
        "# Log odds that each feature adds to a sentence's, fitted by tests/tools/fit_standing.py; `base` is a",
        "# sentence without any. An assistant's sentence stands for its values, hardly for its wording.",
    ]
    words: dict[str, float] = {}
    for voice in ("user", "assistant"):
        table, more = fitted(asked.data, voice)
        words |= more
        lines += ["", f"[{voice}]", *(f"{name} = {one}" for name, one in table.items())]
    text = "\n".join(lines) + "\n"
    print(text)
    if asked.write:
        folder = Path(__file__).parents[2] / "ctxwin" / "standing"
        (folder / "odds.toml").write_text(text, encoding="utf-8")
        (folder / "phrases.toml").write_text(words_table(words), encoding="utf-8")


if __name__ == "__main__":
    main()
