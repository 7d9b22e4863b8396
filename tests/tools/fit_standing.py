"""Fit the log odds of `ctxwin/standing/odds.toml`: which features of a sentence show that it stands.

Positive: `standing_sentences.jsonl`, some 800 sentences written for this purpose by several people, in English and
Chinese. Negative: the sentences of real talk of sets under MIT and Apache licences (an unknown few of which stand). The
fit is a logistic regression with a normal prior around weights set by hand (`PRIOR`), since 800 sentences say little
about 45 features; it prints the table, and writes it with `--write`.

    python tests/tools/fit_standing.py --data ../shared/data
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from ctxwin.items import Item
from ctxwin.standing import Voice
from ctxwin.standing.features import feature_names, features
from ctxwin.standing.notes import lines_of

HERE = Path(__file__).parent
SETS = ("longmemeval_mini", "memorybank_en", "memorybank_zh", "friendsqa", "vcsum_zh", "bfcl_memory")
EACH = 3_000
"""Negative sentences of each set and voice, at most."""
STRENGTH = 30.0
"""Weight of the prior; 5 and 60 keep two to four points less of what was planted at 5 %."""
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
        "pointing": -1.6, "program": -2.0,
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


def positives(voice: str, rng: random.Random) -> Iterator[str]:
    """Yield the sentences that stand, some of them twice."""
    for line in (HERE / "standing_sentences.jsonl").read_text(encoding="utf-8").splitlines():
        one = json.loads(line)
        text = one["text"]
        mine = one["role"] in ("user", "system") if voice == "user" else one["kind"] not in ("rule", "preference")
        if not mine:
            continue
        yield text
        if rng.random() < ASIDE_SHARE:
            chinese = any(character >= "㐀" for character in text)
            keeps = chinese or text[:2] == "I " or not text[0].isupper()
            rest = text if keeps else text[0].lower() + text[1:]
            yield rng.choice(ASIDES_CHINESE if chinese else ASIDES) + rest


def negatives(data: Path, voice: Voice, rng: random.Random) -> Iterator[str]:
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
        yield from said[:EACH]


def fitted(data: Path, voice: Voice) -> dict[str, float]:
    """Return the log odds of each feature, and of a sentence without any."""
    rng = random.Random(1)
    names = [*feature_names(), "base"]
    good, bad = list(positives(voice, rng)), list(negatives(data, voice, rng))
    x = np.array([[*features(text), 1] for text in (*good, *bad)], float)
    y = np.r_[np.ones(len(good)), np.zeros(len(bad))]
    weight = np.r_[np.full(len(good), SHARES[voice] * len(bad) / len(good)), np.ones(len(bad))]
    weight *= 3_000 / weight.sum()
    start = np.array([PRIOR[voice].get(name, 0.0) for name in feature_names()] + [-3.0])
    free = np.r_[np.ones(len(names) - 1), 0.0]  # the base has no prior

    def loss(b: np.ndarray) -> tuple[float, np.ndarray]:
        z, away = x @ b, (b - start) * free
        value = (weight * (np.logaddexp(0, z) - y * z)).sum() + STRENGTH / 2 * (away @ away)
        return value, x.T @ (weight * (1 / (1 + np.exp(-z)) - y)) + STRENGTH * away

    best = minimize(loss, start, jac=True, method="L-BFGS-B").x
    best[-1] -= LOWER[voice]
    return {name: round(float(one), 2) for name, one in zip(names, best, strict=True)}


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
    for voice in ("user", "assistant"):
        lines += ["", f"[{voice}]", *(f"{name} = {one}" for name, one in fitted(asked.data, voice).items())]
    text = "\n".join(lines) + "\n"
    print(text)
    if asked.write:
        place = Path(__file__).parents[2] / "ctxwin" / "standing" / "odds.toml"
        place.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
