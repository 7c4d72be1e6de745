"""How often intervals hold the truth and tests cry wolf, by simulation on returns shaped like those of real variants.

`python -m tests.analysis.simulation` runs the full study (some minutes) and writes simulation.csv beside this file.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from analysis import statistics as st

Population = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def a2c_like(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """The three groups of the post's A2C figure: stuck near -30, most at 90-200, a few at 300-370."""
    group = rng.choice(3, size=shape, p=[0.2, 0.65, 0.15])
    levels = [rng.normal(-28, 2, shape), rng.uniform(90, 200, shape), rng.uniform(300, 370, shape)]
    return np.choose(group, levels)


def bimodal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Three seeds in ten are stuck, the others have solved the task."""
    return np.where(rng.random(shape) < 0.3, rng.normal(-28, 2, shape), rng.normal(350, 10, shape))


def skewed(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """A plateau with a long tail of worse seeds."""
    return 350 - rng.gamma(1.5, 40, shape)


POPULATIONS: dict[str, Population] = {"a2c-like": a2c_like, "bimodal": bimodal, "skewed": skewed}
AGGREGATES = {"mean": st.mean, "iqm": st.iqm, "median": st.median}


def covers(
    population: Population, statistic: st.Statistic, simulations: int, seeds: int, rng: np.random.Generator
) -> float:
    """Rate at which the 95% interval of `statistic` over `seeds` seeds holds its value in the population."""
    truth = float(statistic(population(rng, (4_000_000,))))
    low, high = st.bootstrap_interval([population(rng, (simulations, seeds))], statistic, rng)
    return float(((low <= truth) & (truth <= high)).mean())


def difference_covers(
    one: Population, two: Population, simulations: int, seeds: int, rng: np.random.Generator
) -> float:
    """Rate at which the 95% interval of a difference of means holds the difference in the populations."""
    truth = float(one(rng, (4_000_000,)).mean() - two(rng, (4_000_000,)).mean())
    samples = [one(rng, (simulations, seeds)), two(rng, (simulations, seeds))]
    low, high = st.bootstrap_interval(samples, st.difference, rng)
    return float(((low <= truth) & (truth <= high)).mean())


def stratified_covers(tasks: list[Population], simulations: int, seeds: int, rng: np.random.Generator) -> float:
    """Rate at which the stratified 95% interval of the IQM over tasks holds that of the equal mixture."""
    truth = float(st.iqm(np.concatenate([task(rng, (2_000_000,)) for task in tasks])))
    samples = [task(rng, (simulations, seeds)) for task in tasks]
    low, high = st.bootstrap_interval(samples, st.pooled(st.iqm), rng)
    return float(((low <= truth) & (truth <= high)).mean())


def false_positives(
    population: Population, variants: int, simulations: int, seeds: int, rng: np.random.Generator, test: str
) -> float:
    """Rate at which equal variants are told apart somewhere, at level 5% after Holm over all their pairs."""
    found = 0
    for _ in range(simulations):
        groups = population(rng, (variants, seeds))
        pairs = [(groups[i], groups[j]) for i in range(variants) for j in range(i)]
        if test == "welch":
            p = [st.welch_test(x, y) for x, y in pairs]
        else:
            p = [st.permutation_test([x], [y], rng, 999) for x, y in pairs]
        found += bool((st.holm(p) <= 0.05).any())
    return found / simulations


def study(simulations: int, rng: np.random.Generator) -> pd.DataFrame:
    """One row per quantity and population: what should be 95% (coverage) or at most 5% (false positives)."""
    rows: list[tuple[str, str, float]] = []
    for name, population in POPULATIONS.items():
        for aggregate, statistic in AGGREGATES.items():
            rows.append((f"coverage: {aggregate}", name, covers(population, statistic, simulations, 36, rng)))
        for other, second in POPULATIONS.items():
            rate = difference_covers(population, second, simulations, 36, rng)
            rows.append(("coverage: difference of means", f"{name} and {other}", rate))
    rate = stratified_covers(list(POPULATIONS.values()), simulations, 36, rng)
    rows.append(("coverage: iqm over tasks", "all three", rate))
    for name, population in POPULATIONS.items():
        for test in ("permutation", "welch"):
            rate = false_positives(population, 2, simulations, 36, rng, test)
            rows.append((f"false positives: {test}", name, rate))
        rate = false_positives(population, 4, simulations // 4, 36, rng, "permutation")
        rows.append(("family-wise false positives: permutation, Holm over 6 pairs", name, rate))
    return pd.DataFrame(rows, columns=["quantity", "population", "rate"]).assign(seeds=36, simulations=simulations)


if __name__ == "__main__":
    table = study(10_000, np.random.default_rng(95))
    table.to_csv(Path(__file__).with_suffix(".csv"), index=False)
    print(table.to_string())
