"""Tuning on response surfaces whose best setting is known: ``python -m tests.analysis.tuning_simulation``.

Writes ``tuning_simulation.csv``: how often the bands of tuning curves hold, how often one of two equal variants is said
to beat the other, and whether the optimism gap is estimated right.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.tuning.answer import curves_of, leads
from analysis.tuning.curves import expected_best, expected_best_band, median_best_band, quantiles
from analysis.tuning.gap import gap

TABLE = Path(__file__).with_name("tuning_simulation.csv")
DIMENSIONS = 3
SEEDS, FRESH = 4, 20
BOUNDS = (0.0, 1.0)
"""No score is outside: what a seed adds is cut off there, as returns are."""


@dataclass(frozen=True)
class Surface:
    """The score of a setting at a point of the cube, and what a seed adds: ``noise(rng, shape)``, before the cut."""

    name: str
    score: Callable[[np.ndarray], np.ndarray]
    noise: Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]

    def seeds(self, points: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
        """[..., count], the scores of seeds at points [..., D]."""
        base = self.score(points)[..., None]
        return np.clip(base + self.noise(rng, (*base.shape[:-1], count)), *BOUNDS)


def normal(deviation: float) -> Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]:
    return lambda rng, shape: deviation * rng.standard_normal(shape)


def two_modes(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """A quarter of the seeds gets stuck far below."""
    return np.where(rng.random(shape) < 0.25, -0.3, 0.1) + 0.02 * rng.standard_normal(shape)


BEST = np.array([0.3, 0.6, 0.5])
SURFACES = [
    Surface("bowl", lambda x: 0.8 - 0.6 * ((x - BEST) ** 2).sum(axis=-1), normal(0.05)),
    Surface("noisy bowl", lambda x: 0.7 - 0.2 * ((x - BEST) ** 2).sum(axis=-1), normal(0.15)),
    Surface("cliff", lambda x: np.where(x[..., 0] < 0.4, 0.0, 0.9 - 0.5 * x[..., 1]), normal(0.05)),
    Surface("needle", lambda x: 0.1 + 0.8 * np.exp(-40 * ((x - BEST) ** 2).sum(axis=-1)), normal(0.03)),
    Surface("two modes", lambda x: 0.8 - 0.5 * ((x - BEST) ** 2).sum(axis=-1), two_modes),
]


def tuned(surface: Surface, trials: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """([n, D], [n]): settings drawn at random, and their scores over tuning seeds."""
    points = rng.random((trials, DIMENSIONS))
    return points, surface.seeds(points, SEEDS, rng).mean(axis=-1)


def rows_of(surface: Surface, trials: int, replicates: int) -> list[dict[str, object]]:
    """What is measured on one surface with one number of trials."""
    rng = np.random.default_rng([trials, *surface.name.encode()])
    population = tuned(surface, 400_000, rng)[1]
    numbers = np.arange(1, trials + 1)
    truth = expected_best(population, numbers)
    median = np.sort(population)[np.ceil(quantiles(numbers) * len(population)).astype(int) - 1]
    held = {"expected best": 0, "median best": 0}
    said, errors, inside, gaps = 0, [], 0, []
    for _ in range(replicates):
        points, scores = tuned(surface, trials, rng)
        for name, band, curve in (
            ("expected best", expected_best_band(scores, numbers, BOUNDS), truth),
            ("median best", median_best_band(scores, numbers), median),
        ):
            held[name] += bool(((band[0] <= curve + 1e-9) & (curve <= band[1] + 1e-9)).all())
        other = tuned(surface, trials, rng)[1]
        curves = curves_of({"a": scores, "b": other}, BOUNDS)
        said += bool(leads(curves["a"], curves["b"]).any())
        winner = int(scores.argmax())
        real = float(surface.seeds(points[winner], 100_000, rng).mean())
        found = gap(float(scores[winner]), surface.seeds(points[winner], FRESH, rng))
        errors.append(found["gap"] - (float(scores[winner]) - real))
        gaps.append(float(scores[winner]) - real)
        inside += bool(found["low"] <= float(scores[winner]) - real <= found["high"])
    facts = {"surface": surface.name, "trials": trials, "replicates": replicates}
    error = float(np.std(errors) / np.sqrt(replicates))
    return [
        *(facts | {"what": f"coverage of the band of the {name}", "value": n / replicates} for name, n in held.items()),
        facts | {"what": "equal variants told apart", "value": said / replicates},
        facts | {"what": "optimism gap", "value": float(np.mean(gaps))},
        facts | {"what": "bias of the estimated gap", "value": float(np.mean(errors))},
        facts | {"what": "standard error of that bias", "value": error},
        facts | {"what": "coverage of the gap's interval", "value": inside / replicates},
    ]


def table(trials: tuple[int, ...], replicates: int) -> pd.DataFrame:
    """Every surface with every number of trials."""
    rows = [row for surface in SURFACES for n in trials for row in rows_of(surface, n, replicates)]
    return pd.DataFrame(rows)


def main() -> None:
    """Write the table."""
    table((8, 32, 128), 1000).to_csv(TABLE, index=False, float_format="%.5g", lineterminator="\n")


if __name__ == "__main__":
    main()
