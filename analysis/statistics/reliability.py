"""Where no interval holds what it says: what to print beside it. Figures are from tests/analysis/simulation.csv."""

WORST: dict[str, dict[int, tuple[float, str]]] = {}
