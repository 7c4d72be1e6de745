"""Reliability of the intervals: where their coverage falls short, and the warning to print beside them."""

LOWEST: dict[str, dict[int, tuple[float, str]]] = {
    "mean": {
        3: (0.63, "two groups of scores"),
        5: (0.83, "two groups of scores"),
        10: (0.93, "a long tail"),
        20: (0.94, "a long tail"),
        36: (0.95, "three groups of scores"),
    },
    "iqm": {
        3: (0.73, "two groups of scores"),
        5: (0.83, "two groups of scores"),
        10: (0.96, "two groups of scores"),
        20: (0.95, "two groups of scores"),
        36: (0.96, "normal scores"),
    },
    "median": {
        3: (0.90, "scores that pile up at a limit"),
        5: (0.95, "normal scores"),
        10: (0.94, "three groups of scores"),
        20: (0.94, "scores that pile up at a limit"),
        36: (0.95, "three groups of scores"),
    },
    "lower_tail": {
        10: (0.96, "three groups of scores"),
        20: (0.98, "a long tail"),
        36: (0.96, "a long tail"),
    },
    "difference of means": {
        3: (0.79, "a long tail against two groups of scores"),
        5: (0.82, "a long tail against two groups of scores"),
        6: (0.88, "a long tail against two groups of scores"),
        10: (0.93, "long tails of different width"),
        20: (0.94, "long tails of different width"),
        36: (0.94, "normal scores"),
    },
    "P(X > Y)": {
        3: (0.97, "a long tail against two groups of scores"),
        5: (0.87, "a long tail against two groups of scores"),
        6: (0.87, "a long tail against two groups of scores"),
        10: (0.96, "a long tail against two groups of scores"),
        20: (0.94, "a long tail against three groups of scores"),
        36: (0.95, "long tails"),
    },
}
"""Lowest simulated coverage of a 95% interval, and the scores for which it is that low.

By quantity and the smaller number of seeds. From tests/analysis/simulation.csv, which has every cell.
"""

HOLDS = 0.925


def coverage_warning(quantity: str, n: int) -> str | None:
    """The warning to print beside a 95% interval of `quantity` from n seeds. None if it held in every simulation.

    `quantity` is a key of LOWEST. A number of seeds that was not simulated has the warning of the next smaller one.
    """
    known = LOWEST[quantity]
    rate, shape = known[max((size for size in known if size <= n), default=min(known))]
    if rate >= HOLDS:
        return None
    name = quantity.replace("_", " ")
    said = f"With {n} seeds, a 95% interval of the {name} can hold the truth as rarely as"
    return f"{said} {rate:.0%} of the time ({shape})."
