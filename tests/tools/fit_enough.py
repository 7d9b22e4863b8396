"""Fit the curve of the expected share of the evidence: `python tests/tools/fit_enough.py DATA --wheels WHEELS --write`.

Permissively licensed sets count alike, whatever their size. The table tells for every set how far the expected mean
share is from the true one, over the budgets, where the set had no part in the fit.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from enough_rows import PERMISSIVE, Row, arguments, gathered
from scipy.optimize import minimize

from ctxwin.retrieve import curve as curve_module
from ctxwin.retrieve.curve import EDGE, Curve, Signs

RIDGE = 0.003
"""Weight of the squared weights beside the mean loss of a row, the signs scaled to a deviation of 1."""
NAMES = ("start", "sure", "part", "length", "second", "apart", "unlike", "spread")
PLACE = Path(curve_module.__file__).with_name("curve.toml")


def columns(rows: list[Row]) -> np.ndarray:
    """Return the signs of rows as they enter the logit, (n, 7)."""
    told = [Signs(**row.signs) for row in rows]
    shares = np.clip([[one.sure, one.part] for one in told], EDGE, 1 - EDGE)
    sizes = np.log([[max(1.0, one.length), max(EDGE, one.second)] for one in told])
    rest = [[one.apart, one.unlike, float(one.spread)] for one in told]
    return np.hstack([np.log(shares / (1 - shares)), sizes, np.array(rest)])


def fit(rows: list[Row]) -> Curve:
    x, y = columns(rows), np.array([row.recall for row in rows])
    sizes = {name: sum(row.set == name for row in rows) for name in {row.set for row in rows}}
    weight = np.array([1 / sizes[row.set] for row in rows])
    weight /= weight.sum()
    middle, scale = x.mean(axis=0), x.std(axis=0) + 1e-9
    z = np.hstack([np.ones((len(x), 1)), (x - middle) / scale])

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        total = z @ w
        slope = z.T @ (weight * (1 / (1 + np.exp(-total)) - y)) + RIDGE * np.r_[0, w[1:]]
        return float(weight @ (np.logaddexp(0, total) - y * total) + RIDGE / 2 * (w[1:] ** 2).sum()), slope

    w = minimize(loss, np.zeros(z.shape[1]), jac=True).x
    slopes = w[1:] / scale
    start = float(w[0] - slopes @ middle)
    return Curve(**dict(zip(NAMES, (start, *slopes.tolist()), strict=True)), error=0.0)


def usable(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row.answered and row.signs is not None and row.budget]


def means(curve: Curve, rows: list[Row]) -> list[tuple[int, float, float]]:
    """Return budget, expected and true mean share, for budgets that at least eight questions do not fit in."""
    found = []
    for budget in sorted({row.budget for row in rows}):
        some = [row for row in rows if row.budget == budget]
        if len(some) >= 8:
            told = np.mean([float(curve.share(Signs(**row.signs))) for row in some])
            found.append((budget, float(told), float(np.mean([row.recall for row in some]))))
    return found


def left_out(rows: list[Row]) -> dict[str, list[tuple[int, float, float]]]:
    """Return the means of each set under a curve that the set had no part in."""
    found = {}
    for name in dict.fromkeys(row.set for row in rows):
        others = [row for row in rows if row.set in PERMISSIVE and row.set != name]
        found[name] = means(fit(others), [row for row in rows if row.set == name])
    return {name: one for name, one in found.items() if one}


def draw(found: dict[str, list[tuple[int, float, float]]], errors: dict[str, float], place: Path) -> None:
    """Draw the expected and the true share of each set over tokens, the set left out of the fit."""
    import matplotlib.pyplot as plt  # only to draw

    rows = -(-len(found) // 5)
    figure, axes = plt.subplots(rows, 5, figsize=(15, 2.6 * rows), sharey=True, squeeze=False)
    for name, axis in zip([*found, *[""] * (rows * 5 - len(found))], axes.flat, strict=True):
        if not name:
            axis.axis("off")
            continue
        budgets, told, true = zip(*found[name], strict=True)
        axis.plot(budgets, true, "o-", color="black", label="true")
        axis.plot(budgets, told, "s--", color="tab:orange", label="expected")
        axis.set(xscale="log", ylim=(0, 1.02), title=f"{name}  {errors[name]:.3f}")
    axes.flat[0].legend(loc="lower right")
    figure.supxlabel("tokens")
    figure.supylabel("share of the evidence")
    figure.tight_layout()
    figure.savefig(place, dpi=120)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--plot", type=Path, metavar="FILE.png", help="draw the curves of all sets")
    parser.add_argument("--write", action="store_true", help=f"write the curve to {PLACE.name}")
    given = parser.parse_args()
    rows = usable(gathered(given))
    found = left_out(rows)
    errors = {name: float(np.mean([abs(told - true) for _, told, true in one])) for name, one in found.items()}
    for name, one in found.items():
        line = "  ".join(f"{budget}: {told:.2f}/{true:.2f}" for budget, told, true in one)
        print(f"{name:18} error {errors[name]:.3f}  expected/true  {line}")
    print(f"mean error per set, left out of the fit: {np.mean(list(errors.values())):.3f}")
    if given.plot is not None:
        draw(found, errors, given.plot)
    off = [abs(told - true) for one in found.values() for _, told, true in one]
    fitted = [row for row in rows if row.set in PERMISSIVE]
    curve = fit(fitted)
    figures = {name: round(float(getattr(curve, name)), 3) for name in NAMES}
    figures["error"] = round(float(np.quantile(off, 0.8)), 3)
    print(figures)
    if given.write:
        head, _, _ = PLACE.read_text(encoding="utf-8").partition("data = ")
        names = ", ".join(f'"{name}"' for name in dict.fromkeys(row.set for row in fitted))
        lines = "\n".join(f"{name} = {figure}" for name, figure in figures.items())
        PLACE.write_text(f"{head}data = [{names}]\n\n[curve]\n{lines}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
