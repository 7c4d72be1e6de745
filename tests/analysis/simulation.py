"""How often intervals hold the truth, and how often tests find what is and what is not there, by simulation.

`python -m tests.analysis.simulation` runs the full study (some minutes) and writes simulation.csv beside this file: one
row per quantity, case and numbers of seeds, with the number of simulations that the row had. With names of parts
(STUDIES) it runs only those, and keeps the other rows.
"""

import functools
import itertools
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import scipy.stats

from analysis import statistics as st
from analysis.statistics.effects import of_difference
from analysis.statistics.power import permutation_p
from analysis.statistics.tests import count

Population = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
TABLE = Path(__file__).with_suffix(".csv")


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return rng.normal(200, 50, shape)


def skewed(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """A plateau with a long tail of worse seeds."""
    return 350 - rng.gamma(1.5, 40, shape)


def bimodal(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Three seeds in ten are stuck, the others have solved the task."""
    return np.where(rng.random(shape) < 0.3, rng.normal(-28, 2, shape), rng.normal(350, 10, shape))


def a2c_like(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """The three groups of the post's A2C figure: stuck near -30, most at 90-200, a few at 300-370."""
    group = rng.choice(3, size=shape, p=[0.2, 0.65, 0.15])
    levels = [rng.normal(-28, 2, shape), rng.uniform(90, 200, shape), rng.uniform(300, 370, shape)]
    return np.choose(group, levels)


def ties(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Three seeds in ten have the highest score that the task allows."""
    return np.minimum(500, rng.normal(480, 40, shape))


POPULATIONS: dict[str, Population] = {
    "normal": normal, "skewed": skewed, "bimodal": bimodal, "a2c-like": a2c_like, "ties": ties,
}  # fmt: skip
SIZES = (3, 5, 10, 20, 36)
TWO_SIZES = [(n, n) for n in SIZES] + [(10, 5), (5, 10), (36, 6)]
TWO_POPULATIONS = [
    ("normal", "normal", 1), ("normal", "normal", 5), ("skewed", "skewed", 1), ("skewed", "skewed", 5),
    ("bimodal", "bimodal", 1), ("bimodal", "bimodal", 3), ("a2c-like", "a2c-like", 1), ("ties", "ties", 1),
    ("skewed", "bimodal", 1), ("normal", "bimodal", 1), ("ties", "a2c-like", 1),
]  # fmt: skip
"""Two populations, brought to the same mean, and how many times as far the second is then spread."""

Row = dict[str, object]


@functools.cache
def truth(population: str, statistic: str) -> float:
    drawn = POPULATIONS[population](np.random.default_rng(1), (2_000_000,))
    return float(st.AGGREGATES[statistic][0](drawn))


def centred(population: str, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    return POPULATIONS[population](rng, shape) - truth(population, "mean")


def held(limits: tuple[np.ndarray, np.ndarray], value: float) -> float:
    low, high = limits
    return float(((low <= value + 1e-9) & (value - 1e-9 <= high)).mean())


def row(quantity: str, case: str, n: int, m: int | None, aim: str, rate: float, simulations: int) -> Row:
    return {"quantity": quantity, "case": case, "n": n, "m": m, "aim": aim, "rate": rate, "simulations": simulations}


def covers(population: str, statistic: str, n: int, simulations: int, rng: np.random.Generator) -> float:
    """Rate at which the 95% interval of `statistic` over `n` seeds holds its value in the population."""
    sample = POPULATIONS[population](rng, (simulations, n))
    return held(st.AGGREGATES[statistic][1]([sample]), truth(population, statistic))


def intervals_of_one(simulations: int, rng: np.random.Generator) -> Iterator[Row]:
    for statistic, population, n in itertools.product(st.AGGREGATES, POPULATIONS, SIZES):
        if statistic == "lower_tail" and n < 10:  # has no interval with fewer than eight seeds
            continue
        rate = covers(population, statistic, n, simulations, rng)
        yield row(f"coverage: {statistic}", population, n, None, "0.95", rate, simulations)
    for n in SIZES:
        samples = [POPULATIONS[name](rng, (simulations, n)) for name in ("normal", "skewed", "a2c-like")]
        for statistic in ("mean", "iqm", "median"):
            value = float(np.mean([truth(name, statistic) for name in ("normal", "skewed", "a2c-like")]))
            rate = held(st.AGGREGATES[statistic][1](samples), value)
            yield row(f"coverage: {statistic} over 3 tasks", "one each", n, None, "0.95", rate, simulations)
    for n, share in itertools.product(SIZES, (0.5, 0.8, 0.95)):
        rate = held(st.fraction_interval(rng.binomial(n, share, simulations), n), share)
        yield row("coverage: fraction of runs", f"{share:.0%}", n, None, "0.95", rate, simulations)


def band_covers(statistic: str, n: int, simulations: int, rng: np.random.Generator) -> float:
    """Rate at which a simultaneous band holds all of the true curve: `n` seeds that rise and wander, 40 points."""
    rise = 100 * (1 - np.exp(-np.arange(40) / 10))
    found = 0
    for _ in range(simulations):
        curves = rise + rng.normal(0, 10, (n, 1)) + rng.normal(0, 3, (n, 40)).cumsum(axis=1)
        low, high = st.simultaneous_band(curves, rng, statistic, n_resamples=200)
        found += bool(((low <= rise) & (rise <= high)).all())
    return found / simulations


def bands(simulations: int, rng: np.random.Generator) -> Iterator[Row]:
    for statistic, n in itertools.product(("mean", "iqm"), SIZES):
        rate = band_covers(statistic, n, simulations, rng)
        yield row(f"coverage: simultaneous band of the {statistic}", "random walks", n, None, "0.95", rate, simulations)


@functools.cache
def relabellings(n: int, m: int) -> np.ndarray:
    """[B, n + m] at random: for permutation tests of many samples at once, where there are too many to enumerate."""
    labels = np.zeros((1500, n + m))
    labels[1:, :n] = 1.0
    labels = np.random.default_rng(2).permuted(labels, axis=1)
    labels[0, :n], labels[0, n:] = 1.0, 0.0
    return labels


@functools.cache
def signs(n: int) -> np.ndarray:
    drawn = np.random.default_rng(3).integers(0, 2, (1500, n)) * 2.0 - 1.0
    drawn[0] = 1.0
    return drawn


def permutation(x: np.ndarray, y: np.ndarray, paired: bool = False) -> np.ndarray:
    """[S], permutation p of each row of x [S, n] and y [S, m]: exact, or by the same random relabellings for all."""
    n, m = x.shape[1], y.shape[1]
    labels = None if count(n, m, paired) <= 4000 else signs(n) if paired else relabellings(n, m)
    return np.concatenate([
        permutation_p(x[start : start + 250], y[start : start + 250], paired, labels) for start in range(0, len(x), 250)
    ])  # fmt: skip


def combined(x: np.ndarray, y: np.ndarray, paired: bool = False) -> np.ndarray:
    """[S], what difference_test gives."""
    return np.maximum(of_difference([x], [y], paired).p_differs(), permutation(x, y, paired))


def rejected(p: np.ndarray, level: float = 0.05) -> float:
    return float((p <= level * (1 + 1e-9)).mean())


def differences(simulations: int, rng: np.random.Generator) -> Iterator[Row]:
    """Intervals of, and tests on, differences of means that are 0."""
    for (one, two, scale), (n, m) in itertools.product(TWO_POPULATIONS, TWO_SIZES):
        x, y = centred(one, (simulations, n), rng), scale * centred(two, (simulations, m), rng)
        case = f"{one} and {two}" + (f" {scale} times as wide" if scale > 1 else "")
        yield row("coverage: difference of means", case, n, m, "0.95", held(st.difference_interval([x], [y]), 0.0),
                  simulations)  # fmt: skip
        by_t, by_permutation = of_difference([x], [y]).p_differs(), permutation(x, y)
        welch = scipy.stats.ttest_ind(x, y, axis=1, equal_var=False).pvalue
        for test, p in (
            ("difference_test", np.maximum(by_t, by_permutation)), ("t alone", by_t),
            ("permutation alone", by_permutation), ("Welch", welch),
        ):  # fmt: skip
            yield row(f"type I error: {test}", case, n, m, "<= 0.05", rejected(p), simulations)


PROBABILITIES: dict[str, tuple[Population, Population]] = {
    "normal, P = .5": (lambda r, s: r.normal(0, 1, s), lambda r, s: r.normal(0, 1, s)),
    "normal, 5 times as wide, P = .5": (lambda r, s: r.normal(0, 5, s), lambda r, s: r.normal(0, 1, s)),
    "normal, P = .8": (lambda r, s: r.normal(1.19, 1, s), lambda r, s: r.normal(0, 1, s)),
    "normal, P = .95": (lambda r, s: r.normal(2.326, 1, s), lambda r, s: r.normal(0, 1, s)),
    "skewed, one 60 higher": (lambda r, s: skewed(r, s) + 60, skewed),
    "skewed and bimodal": (skewed, bimodal),
    "skewed and a2c-like": (skewed, a2c_like),
    "ties": (lambda r, s: np.minimum(500, r.normal(520, 40, s)), ties),
}


def probabilities(simulations: int, rng: np.random.Generator) -> Iterator[Row]:
    for (case, (one, two)), (n, m) in itertools.product(PROBABILITIES.items(), TWO_SIZES):
        ordered, drawn = np.sort(two(rng, (300_000,))), np.sort(one(rng, (300_000,)))
        value = float(sum(np.searchsorted(ordered, drawn, side).mean() for side in ("left", "right")) / 6e5)
        x, y = one(rng, (simulations, n)), two(rng, (simulations, m))
        rate = held(st.probability_interval([x], [y]), value)
        yield row("coverage: P(X > Y)", case, n, m, "0.95", rate, simulations)
        if case.endswith("P = .5"):
            yield row("type I error: probability_test", case, n, m, "<= 0.05", rejected(st.probability_test([x], [y])),
                      simulations)  # fmt: skip


def effect_sizes(simulations: int, rng: np.random.Generator) -> Iterator[Row]:
    for n, shift in itertools.product(SIZES, (0.0, 1.0, 2.0)):
        limits = [
            st.hedges_g_interval(rng.normal(shift, 1, n), rng.normal(0, 1, n)) for _ in range(simulations)
        ]  # fmt: skip
        low, high = np.array(limits).T
        yield row("coverage: Hedges' g", f"normal, g = {shift:g}", n, n, "0.95", held((low, high), shift), simulations)


def powers(simulations: int, rng: np.random.Generator) -> Iterator[Row]:
    """How often a difference is found that is said to be found with probability .8."""
    for (n, m), level, scale in itertools.product(
        [(4, 4), (5, 5), (6, 6), (7, 7), (10, 10), (20, 20), (36, 36), (36, 6), (6, 36), (5, 10)],
        (0.05, 0.05 / 6),
        (1, 5),
    ):
        standard = [scipy.stats.norm.ppf((np.arange(size) + 0.5) / size) for size in (n, m)]
        x, y = (each / each.std(ddof=1) * sd for each, sd in zip(standard, (1, scale), strict=True))
        gap = st.detectable_difference([x], [y], level)
        if np.isfinite(gap):
            p = combined(rng.normal(gap, 1, (simulations, n)), rng.normal(0, scale, (simulations, m)))
            case = f"normal, {'equally' if scale == 1 else '5 times as'} wide, level {level:.3g}"
            yield row("power: at the difference said to be found", case, n, m, "0.80", rejected(p, level), simulations)


def correlated(n: int, rho: float, simulations: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two samples [simulations, n] whose seeds correlate."""
    shared, own = rng.normal(size=(simulations, n)), rng.normal(size=(simulations, n))
    return shared, rho * shared + math.sqrt(1 - rho**2) * own


def pairing(simulations: int, rng: np.random.Generator) -> Iterator[Row]:
    """Seeds that correlate, compared one by one or not: errors, and power at what unpaired tests find in 80%."""
    for n, rho in itertools.product((6, 8, 10, 12, 20, 36), (-0.4, 0.0, 0.2, 0.4, 0.8)):
        x, y = correlated(n, rho, simulations, rng)
        case = f"normal, correlation {rho:g}"
        for test, paired in (("seed by seed", True), ("unpaired", False)):
            false = rejected(combined(x, y, paired))
            yield row(f"type I error: {test}", case, n, n, "<= 0.05", false, simulations)
            found = rejected(combined(x + st.detectable_effect(n, n), y, paired))
            yield row(f"power: {test}", case, n, n, "", found, simulations)


def equivalence(simulations: int, rng: np.random.Generator) -> Iterator[Row]:
    """How often variants are called practically the same: variants a margin apart, and equal ones."""
    for population, n in itertools.product(("normal", "skewed", "bimodal"), (5, 10, 20)):
        sd = POPULATIONS[population](np.random.default_rng(4), (100_000,)).std()
        margin = 1.5 * sd
        for apart in (True, False):
            p = np.array([
                st.equivalence_test(
                    [centred(population, (n,), rng) + margin * apart], [centred(population, (n,), rng)], margin, rng
                )
                for _ in range(simulations)
            ])  # fmt: skip
            quantity, aim = ("type I error: equivalence_test", "<= 0.05") if apart else ("power: equivalence_test", "")
            yield row(quantity, f"{population}, margin 1.5 deviations", n, n, aim, rejected(p), simulations)


def families(simulations: int, rng: np.random.Generator) -> Iterator[Row]:
    """Three variants on two tasks: how often anything false is found anywhere, at 5% for all of it together.

    By t tests, as it is the procedure that is judged. Either all are equal, or the third is better on the first task.
    """
    pairs = list(itertools.combinations(range(3), 2))
    tests = [(pair, tasks) for tasks in ([0, 1], [0], [1]) for pair in pairs]
    weights, transitions = st.all_tasks_first(
        [pairs.index(pair) for pair, _ in tests], [len(tasks) > 1 for _, tasks in tests]
    )
    for n, gap in itertools.product((5, 10, 36), (0.0, 1.0, 3.0)):
        scores = rng.normal(size=(3, 2, simulations, n))
        scores[2, 0] += gap
        p = np.array([
            of_difference([scores[a, task] for task in tasks], [scores[b, task] for task in tasks]).p_differs()
            for (a, b), tasks in tests
        ])  # fmt: skip
        false = [gap == 0 or b != 2 or tasks == [1] for (_, b), tasks in tests]
        found = [bool((st.adjusted(p[:, s], weights, transitions)[0][false] <= 0.05).any()) for s in range(simulations)]
        case = "all equal" if gap == 0 else f"one variant {gap:g} deviations better on one task"
        yield row("family-wise error: 3 variants, 2 tasks", case, n, n, "<= 0.05", float(np.mean(found)), simulations)


STUDIES: dict[str, tuple[Callable[[int, np.random.Generator], Iterator[Row]], int]] = {
    "intervals": (intervals_of_one, 4_000), "families": (families, 2_000), "probabilities": (probabilities, 2_000),
    "differences": (differences, 1_500), "powers": (powers, 1_500), "pairing": (pairing, 1_000), "bands": (bands, 200),
    "equivalence": (equivalence, 200), "effects": (effect_sizes, 400),
}  # fmt: skip
"""Each part of the study, and how many simulations a row of it has."""


def study(names: Sequence[str] = tuple(STUDIES)) -> Iterator[pd.DataFrame]:
    """The rows of each part; says on stderr how far it has come."""
    for name in names:
        part, simulations = STUDIES[name]
        rows: list[Row] = []
        for each in part(simulations, np.random.default_rng([95, list(STUDIES).index(name)])):
            rows.append({"study": name} | each)
            print(f"\r{name}: {len(rows)} rows", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        yield pd.DataFrame(rows).astype({"m": "Int64"})


def main(names: Sequence[str]) -> None:
    """Runs the parts of these names, or all, and writes their rows into the table."""
    table = pd.read_csv(TABLE).astype({"m": "Int64"}) if names and TABLE.exists() else pd.DataFrame()
    for part in study(names or tuple(STUDIES)):
        kept = [table[table["study"] != part["study"].iloc[0]]] if len(table) else []
        table = pd.concat([*kept, part], ignore_index=True)
        table.to_csv(TABLE, index=False, float_format="%.4g", lineterminator="\n")
    print(TABLE)


if __name__ == "__main__":
    main(sys.argv[1:])
