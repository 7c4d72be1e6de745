"""Scores: the number per seed on which variants are compared.

A score is a function of values [S, G], one curve per seed with NaN where a seed has no value, and env_steps [G]. It
returns one number per seed [S]. `final`, `auc` and `best` are built in. A function of the user's is named by
MODULE:FUNCTION.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis import statistics as st
from analysis.alignment import Task
from analysis.extensions import from_outside, one_line
from analysis.numbers import steps
from analysis.references import Reference
from analysis.run_format import InputError

LAST = 0.1
"""Share of training, at its end, that a final score is the mean of."""

THRESHOLD_SHARE = 0.9

ScoreFunction = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Score:
    """One number per seed.

    Attributes:
        function: computes the score.
        text: description for captions, with {last} and {start} in env steps.
        verb: verb of the verdicts: "ppo ends 12 higher than trpo".
    """

    name: str
    function: ScoreFunction
    text: str
    verb: str

    def describe(self, task: Task, last: float) -> str:
        """What the score is on this task."""
        first = int(in_last(task.grid, last).argmax())
        covered = task.horizon - (task.grid[first - 1] if first else 0.0)
        points = f"{steps(covered)} env steps ({len(task.grid) - first} of {len(task.grid)} grid points)"
        return self.text.format(last=points, start=steps(task.grid[task.start]))

    def of(self, values: np.ndarray, env_steps: np.ndarray) -> np.ndarray:
        """The scores [S].

        Raises:
            InputError: The function raises, or does not return one finite number per seed.
        """
        try:
            scores = np.asarray(self.function(values, env_steps), dtype=float)
        except Exception as error:
            raise InputError(f"score {self.name}: {one_line(error)}") from error
        if scores.shape != (len(values),):
            raise InputError(
                f"score {self.name} gave shape {scores.shape} for {len(values)} seeds; expected: ({len(values)},)"
            )
        if not np.isfinite(scores).all():
            raise InputError(f"score {self.name} gave a number that is not finite; expected: one number per seed")
        return scores


def built_in(last: float = LAST, lower_is_better: bool = False) -> dict[str, Score]:
    """The scores that come with seedbed. `last` is the share of training that a final score is the mean of."""

    def final(values: np.ndarray, env_steps: np.ndarray) -> np.ndarray:
        return np.nanmean(values[:, in_last(env_steps, last)], axis=1)

    def best(values: np.ndarray, env_steps: np.ndarray) -> np.ndarray:
        return (np.nanmin if lower_is_better else np.nanmax)(values, axis=1)

    extreme = "lowest" if lower_is_better else "highest"
    return {
        "final": Score("final", final, "mean over the last {last}", "ends"),
        "auc": Score("auc", mean_over_training, "mean over training, from {start} env steps on", "averages"),
        "best": Score("best", best, f"{extreme} point of the curve", "peaks"),
    }


def in_last(env_steps: np.ndarray, share: float) -> np.ndarray:
    """Which grid points [G] are in the last `share` of training."""
    return env_steps > (1 - share) * env_steps[-1] * (1 + 1e-9)


def mean_over_training(values: np.ndarray, env_steps: np.ndarray) -> np.ndarray:
    """Area under each curve per env step [S], from the point on where every seed has a value."""
    known = np.isfinite(values).all(axis=0)
    return st.area_under_curve(values[:, known], env_steps[known])


def find_score(name: str, last: float = LAST, lower_is_better: bool = False) -> Score:
    """A built-in score by its name, or the user's by MODULE:FUNCTION.

    Raises:
        InputError: There is no such score.
    """
    known = built_in(last, lower_is_better)
    if name in known:
        return known[name]
    if ":" not in name:
        raise InputError(f"score {name!r} is unknown; expected: {', '.join(known)} or MODULE:FUNCTION")
    function = from_outside(name, "score")
    label = str(getattr(function, "label", None) or function.__name__.replace("_", " "))
    if label in known:
        raise InputError(f"score {name!r} is called {label}, as one of seedbed's; expected: a name of its own")
    text = (function.__doc__ or label).strip().splitlines()[0].rstrip(".")
    return Score(label, function, text.replace("{", "{{").replace("}", "}}"), "scores")


def seed_scores(
    task: Task,
    last: float = LAST,
    threshold: float | None = None,
    lower_is_better: bool = False,
    extra: Iterable[Score] = (),
) -> pd.DataFrame:
    """One row per scored seed: env_id, variant, seed, failed, final, auc, best, time, reached, threshold.

    `time` is the env steps to the threshold; it is censored where `reached` is False. The final score of a failed seed
    is its task's low reference (alignment.RULES).

    Args:
        task: the aligned runs of one task.
        last: share of training that a final score is the mean of.
        threshold: the return to reach. None: see default_threshold.
        lower_is_better: whether lower values are better.
        extra: further scores, which add columns of their names.

    Raises:
        InputError: An extra score does not work.
    """
    scored = [*built_in(last, lower_is_better).values(), *extra]
    frames = []
    for variant, aligned in task.variants.items():
        rows = aligned.scored
        frame = pd.DataFrame({"env_id": task.env_id, "variant": variant, "seed": aligned.seeds[rows]})
        frame["failed"] = aligned.failed[rows]
        values = aligned.values[rows]
        for score in scored:
            known = values[:, task.start :] if score.name == "auc" else values
            grid = task.grid[task.start :] if score.name == "auc" else task.grid
            frame[score.name] = score.of(known, grid) if len(values) else np.empty(0)
        frame["final"] = np.where(frame["failed"], aligned.floor[rows], frame["final"])
        frames.append(frame)
    scores = pd.concat(frames, ignore_index=True)
    threshold = default_threshold(task, scores, lower_is_better) if threshold is None else threshold
    times = [
        time_to(aligned.values[aligned.scored], task.grid, threshold, lower_is_better)
        for aligned in task.variants.values()
    ]
    return scores.assign(
        time=np.concatenate([time for time, _ in times]),
        reached=np.concatenate([reached for _, reached in times]),
        threshold=threshold,
    )


def time_to(
    values: np.ndarray, grid: np.ndarray, threshold: float, lower_is_better: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """([S], [S]): when each curve first reaches the threshold, and whether it ever does."""
    sign = -1.0 if lower_is_better else 1.0
    return st.time_to_threshold(sign * values, grid, sign * threshold)


def default_threshold(task: Task, scores: pd.DataFrame, lower_is_better: bool = False) -> float:
    """The default threshold: nine tenths of the way from the untrained return to the best variant's median final score.

    Where the untrained return is not known, that median.
    """
    medians = scores.groupby("variant")["final"].median()
    top = float(medians.min() if lower_is_better else medians.max())
    return top if np.isnan(task.untrained) else task.untrained + THRESHOLD_SHARE * (top - task.untrained)


@dataclass(frozen=True)
class Scale:
    """The scale of a task: `low` is 0 and `high` is 1.

    Attributes:
        fixed: whether the ends are a reference. Otherwise they were observed: the mean untrained return and the best
            variant's mean. Observed ends are uncertain.
        source: where the ends come from.
    """

    low: float
    high: float
    fixed: bool
    source: str

    @classmethod
    def of(cls, reference: Reference) -> "Scale":
        """The scale between the fixed ends of a reference."""
        return cls(reference.low, reference.high, True, reference.source)

    @property
    def width(self) -> float:
        return abs(self.high - self.low)

    def normalised(self, values: Any) -> Any:
        return (values - self.low) / (self.high - self.low)


def scale_of(task: Task, scores: pd.DataFrame, score: str, lower_is_better: bool = False) -> Scale | None:
    """The scale of the task of these `scores`. None without a reference if no variant beat the untrained."""
    if task.reference is not None:
        return Scale.of(task.reference)
    means = scores.groupby("variant")[score].mean()
    top = float(means.min() if lower_is_better else means.max())
    better = top < task.untrained if lower_is_better else top > task.untrained
    return Scale(task.untrained, top, False, "observed") if better else None


def scales_of(
    tasks: Mapping[str, Task], scores: pd.DataFrame, score: str, lower_is_better: bool = False
) -> dict[str, Scale]:
    """The scale of each task that has one."""
    found = {
        env_id: scale_of(task, scores[scores["env_id"] == env_id], score, lower_is_better)
        for env_id, task in tasks.items()
    }
    return {env_id: scale for env_id, scale in found.items() if scale is not None}


def normalised(scores: pd.DataFrame, scales: Mapping[str, Scale], score: str) -> pd.Series:
    """The `score` on its task's scale. NaN on a task without a scale."""
    result = pd.Series(np.nan, index=scores.index)
    for env_id, scale in scales.items():
        here = scores["env_id"] == env_id
        result[here] = scale.normalised(scores.loc[here, score])
    return result
