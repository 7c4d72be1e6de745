"""Numbers and lists as they stand in sentences and tables: a few digits, a few names."""

import math
from collections.abc import Sequence


def number(value: float) -> str:
    """The number with three significant digits; whole from 100 on."""
    if not math.isfinite(value):
        return "–" if math.isnan(value) else ("∞" if value > 0 else "−∞")
    if value == 0:
        return "0"
    places = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(places, 6)}f}".replace("-", "−")


def interval(low: float, high: float) -> str:
    return f"{number(low)} to {number(high)}"


def p_value(p: float) -> str:
    """The p value as text: "p = .012" or "p < .001"."""
    if p < 0.001:
        return "p < .001"
    if p > 0.999:
        return "p = 1"
    return "p = " + (f"{p:.3f}" if p < 0.1 else f"{p:.2f}").lstrip("0")


def steps(value: float) -> str:
    """Env steps as a short text: 1.2M."""
    value = float(f"{value:.3g}")
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{letter}"
    return number(value)


def listed(names: Sequence[str], most: int = 6) -> str:
    """The first `most` names, and how many more there are: "a, b and 3 more". "nothing" if there are no names."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "nothing") + more
