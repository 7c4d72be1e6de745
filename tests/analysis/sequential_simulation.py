"""How often studies that stop when they know are wrong, what they find, and how many seeds they take, by simulation.

`python -m tests.analysis.sequential_simulation` runs the full study (a quarter of an hour) and writes
sequential_simulation.csv beside this file. Scores have standard deviation 1; seeds come in 6 groups of 6. The first
variant is `shift` better than all others, which are equal; variants are practically the same within MARGIN. Up to three
variants are compared two by two, six with the first only where there are four tasks.

Rates are of whole studies: `any_false`, any false answer; `false_better` and `false_same`, any of that kind;
`missed_interval`, any final interval without the true difference. `decided` and `right` are fractions of questions,
`seeds` the mean number a variant and task took, `fixed_decided` what a design with 36 seeds decides, without looks.
"""

import itertools
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.statistics.sequential import Looks, Sequential
from tests.analysis.simulation import POPULATIONS, Population, truth

TABLE = Path(__file__).with_suffix(".csv")
GROUP, LOOKS, LEVEL, MARGIN = 6, 6, 0.05, 1.0
SHIFTS = {"all equal": 0.0, "within the margin": 0.25, "at the margin": 1.0, "one better": 1.5}
NAMES = ("normal", "skewed", "bimodal")
DEVIATIONS = {name: float(POPULATIONS[name](np.random.default_rng(2), (1_000_000,)).std()) for name in NAMES}
DESIGNS = {(2, 1): 3000, (3, 1): 1500, (6, 1): 450, (2, 4): 900, (3, 4): 450, (6, 4): 400}
"""(variants, tasks): simulated studies."""
AT_ONCE = 150


def pairs_of(variants: int, tasks: int) -> list[tuple[int, int]]:
    every = list(itertools.combinations(range(variants), 2))
    return [pair for pair in every if pair[0] == 0] if variants > 3 and tasks > 1 else every


def standardised(population: Population, mean: float, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    drawn = population(rng, shape)
    return (drawn - mean) / DEVIATIONS[population.__name__]


def simulate(name: str, variants: int, tasks: int, shift: float, number: int, seed: int = 0) -> dict[str, float]:
    """A row of the table without its keys."""
    rng = np.random.default_rng([seed, variants, tasks, round(100 * shift), NAMES.index(name)])
    scores = standardised(POPULATIONS[name], truth(name, "mean"), (number, tasks, variants, GROUP * LOOKS), rng)
    scores[:, :, 0] += shift
    pairs = pairs_of(variants, tasks)
    questions = [(task, a, b) for task in range(tasks) for a, b in pairs]
    level = LEVEL / len(questions)
    resamples = 999 if level > 0.02 else 1999 if level > 0.01 else 2499
    looks, at_once = Looks(GROUP, LOOKS, resamples, 1 + seed), Looks(GROUP * LOOKS, 1, resamples, 1 + seed)
    better = np.empty((number, len(questions)), dtype=int)
    same, missed, fixed = better.copy(), better.copy(), better.copy()
    gaps = np.array([shift if a == 0 else 0.0 for _, a, _ in questions])
    wrong_way = np.zeros(better.shape, dtype=bool)
    for q, (task, a, b) in enumerate(questions):
        test = Sequential(looks, scores[:, task, a], scores[:, task, b])
        better[:, q] = test.differs(level).look
        same[:, q] = test.is_within(level, MARGIN)
        missed[:, q] = test.differs(level, gaps[q]).look
        at = np.maximum(better[:, q], 1) * GROUP
        lead = np.cumsum(test.x - test.y, axis=1)[np.arange(number), at - 1]
        wrong_way[:, q] = lead < 0
        whole = Sequential(at_once, test.x, test.y)
        fixed[:, q] = (whole.differs(level).look > 0) | (whole.is_within(level, MARGIN) > 0)
    first = np.where(better == 0, LOOKS + 1, better)
    alike = np.where(same == 0, LOOKS + 1, same)
    stop = np.minimum(np.minimum(first, alike), LOOKS)
    says_same = (same > 0) & (alike <= first)
    says_better = (better > 0) & ~says_same
    false_better = says_better & ((gaps == 0) | wrong_way)
    false_same = says_same & (gaps >= MARGIN)
    outside = (missed > 0) & (missed <= stop)
    right = (says_better & (gaps > 0) & ~wrong_way) | (says_same & (gaps < MARGIN))
    seeds = np.zeros((number, tasks, variants))
    for q, (task, a, b) in enumerate(questions):
        for variant in (a, b):
            seeds[:, task, variant] = np.maximum(seeds[:, task, variant], GROUP * stop[:, q])
    led = gaps > 0 if (gaps > 0).any() else np.ones(len(gaps), dtype=bool)
    return {
        "questions": len(questions),
        "any_false": float((false_better | false_same).any(axis=1).mean()),
        "false_better": float(false_better.any(axis=1).mean()),
        "false_same": float(false_same.any(axis=1).mean()),
        "missed_interval": float(outside.any(axis=1).mean()),
        "decided": float((says_better | says_same).mean()),
        "right": float(right.mean()),
        "right_of_the_first": float(right[:, led].mean()),
        "seeds": float(seeds.mean()),
        "fixed_seeds": float(GROUP * LOOKS),
        "fixed_decided": float(fixed.mean()),
        "studies": number,
    }


def study() -> pd.DataFrame:
    """The whole table."""
    rows = []
    for (variants, tasks), number in DESIGNS.items():
        for case, shift in SHIFTS.items():
            for name in NAMES:
                keys = {"population": name, "variants": variants, "tasks": tasks, "case": case}
                parts = [
                    simulate(name, variants, tasks, shift, min(AT_ONCE, number - start), start)
                    for start in range(0, number, AT_ONCE)
                ]
                sizes = [part["studies"] for part in parts]
                row = {key: float(np.average([part[key] for part in parts], weights=sizes)) for key in parts[0]}
                rows.append(keys | row | {"studies": number, "questions": int(row["questions"])})
                print(rows[-1], flush=True)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    study().to_csv(TABLE, index=False, float_format="%.4g", lineterminator="\n")
