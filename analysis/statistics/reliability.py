"""Where an interval holds the truth more rarely than it says, and the sentence to print beside it."""

SHAPES = {
    "bimodal": "scores that fall into two groups",
    "skewed": "scores with a long tail",
    "ties": "scores that pile up at a limit",
    "normal": "normal scores",
    "a2c-like": "scores that fall into three groups",
}

LOWEST: dict[str, dict[int, tuple[float, str]]] = {}
"""By quantity and the smaller number of seeds: the lowest simulated coverage of a 95% interval, and of what scores.

From tests/analysis/simulation.csv, which has every cell.
"""

HOLDS = 0.93


def coverage_warning(quantity: str, n: int) -> str | None:
    """What to say beside a 95% interval of `quantity` from n seeds; None if it held in every simulation.

    `quantity`: a key of LOWEST. Between simulated numbers of seeds the next smaller one speaks.
    """
    known = LOWEST[quantity]
    rate, shape = known[max((size for size in known if size <= n), default=min(known))]
    if rate >= HOLDS:
        return None
    return f"With {n} seeds, a 95% interval of the {quantity} can hold as rarely as {rate:.0%} of the time ({shape})."
