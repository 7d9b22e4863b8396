"""Add, multiply and print quantities that are known only between bounds, without false precision."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, floor, hypot, log, log10

__all__ = ["ZERO", "Range", "compared"]


@dataclass(frozen=True, slots=True)
class Range:
    """A positive quantity that is known only between bounds.

    The terms of a sum vary together (the same machine does all the work), so their ends add.

    Example:
        >>> Range(1.0, 2.0, 4.0) + Range(1.0, 1.0, 1.0)
        Range(low=2.0, mid=3.0, high=5.0)
        >>> (Range(1.0, 2.0, 4.0) * Range(1.0, 4.0, 16.0)).ends()
        '1.7-38'
    """

    low: float
    mid: float
    """The best guess."""
    high: float

    def __add__(self, other: Range) -> Range:
        return Range(self.low + other.low, self.mid + other.mid, self.high + other.high)

    def __sub__(self, other: Range) -> Range:
        return Range(self.low - other.low, self.mid - other.mid, self.high - other.high)

    def __mul__(self, other: Range | float) -> Range:
        if not isinstance(other, Range):
            return Range(self.low * other, self.mid * other, self.high * other)
        mid = self.mid * other.mid
        if mid == 0:
            return Range(0.0, 0.0, 0.0)
        down = hypot(log(self.mid / self.low), log(other.mid / other.low))
        up = hypot(log(self.high / self.mid), log(other.high / other.mid))
        return Range(mid * exp(-down), mid, mid * exp(up))

    def ends(self, scale: float = 1.0) -> str:
        """Print both ends to two digits, in multiples of `scale`."""
        return f"{_digits(self.low / scale)}-{_digits(self.high / scale)}"

    def to_dict(self) -> dict[str, float]:
        """Return the range as plain values of two digits."""
        return {"low": _round(self.low), "mid": _round(self.mid), "high": _round(self.high)}


ZERO = Range(0.0, 0.0, 0.0)


def compared(packed: Range, whole: Range, unit: str) -> str:
    """Print the ends of two ranges in the same multiple of a unit.

    Example:
        >>> compared(Range(40.0, 100.0, 300.0), Range(900.0, 2_000.0, 6_000.0), "Wh")
        '0.040-0.30 instead of 0.90-6.0 kWh'
    """
    scale, unit = _scaled(whole.high, unit)
    return f"{packed.ends(scale)} instead of {whole.ends(scale)} {unit}"


def _round(figure: float) -> float:
    """Round to two digits."""
    return round(figure, 1 - floor(log10(abs(figure)))) if figure else 0.0


def _digits(figure: float) -> str:
    """Print two digits.

    Example:
        >>> [_digits(figure) for figure in (0.0996, 1, 12.4, 1_234)]
        ['0.10', '1.0', '12', '1,200']
    """
    rounded = _round(figure)
    return f"{rounded:,.{max(0, 1 - floor(log10(abs(rounded))))}f}" if rounded else "0"


def _scaled(figure: float, unit: str) -> tuple[float, str]:
    """Return the best multiple of the unit to print a figure in, and the multiple's name."""
    for scale, least, prefix in ((1e6, 1e7, "M"), (1e3, 1e3, "k")):
        if abs(figure) >= least:
            return scale, ("t" if unit == "g" and prefix == "M" else prefix + unit)
    return (1.0, unit) if abs(figure) >= 1e-2 or not figure else (1e-3, "m" + unit)
