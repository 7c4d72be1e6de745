"""What was published, and the runs of our presets that are compared with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis import statistics as st
from analysis.choices import MARGIN
from analysis.references import references_for
from analysis.statistics.published import AgainstPublished
from sweeps.batch import Run, composed

METRIC = "eval_return_deterministic"
FIRST_SEED = 10
"""The first reported seed: presets were chosen with the seeds below it."""


@dataclass(frozen=True)
class Published:
    """A published result: the mean return of a variant on a task after ``steps`` env steps.

    ``deviation`` is the standard deviation over ``num_runs`` runs; None for a single run.
    """

    name: str
    experiment: str
    env_id: str
    mean: float
    steps: int
    deviation: float | None = None
    num_runs: int = 1
    overrides: tuple[str, ...] = ()
    num_seeds: int = 10

    @cached_property
    def run(self) -> Run:
        """Our run: the preset, for as many whole iterations as fit into the published number of steps."""
        task = (f"env.id={self.env_id}", f"seed={FIRST_SEED}", *self.overrides)
        config = composed(Run(self.name, self.experiment, self.num_seeds, task))
        iterations = self.steps // (config["num_envs"] * config["num_steps"])
        return Run(self.name, self.experiment, self.num_seeds, (*task, f"iterations={iterations}"))

    @property
    def margin(self) -> float:
        """The largest difference that still counts as practically the same, in units of the return."""
        scale = references_for(METRIC)[self.env_id]
        return MARGIN * scale.width

    def compare(self, scores: np.ndarray) -> AgainstPublished:
        """Compare the returns of our seeds ``[S]`` with the published result."""
        return st.against_published(scores, self.mean, self.margin, self.deviation, self.num_runs)


ZOO = {
    ("cartpole", "CartPole-v1"): {"a2c": (500.0, 500_000), "ppo": (500.0, 100_000), "trpo": (500.0, 100_000)},
    ("acrobot", "Acrobot-v1"): {"a2c": (-83.353, 500_000), "ppo": (-73.506, 1_000_000), "trpo": (-83.114, 100_000)},
    ("pendulum", "Pendulum-v1"): {
        "a2c": (-162.965, 1_000_000), "ppo": (-172.225, 100_000), "trpo": (-174.631, 100_000),
    },
    ("mountain_car", "MountainCar-v0"): {
        "a2c": (-111.263, 1_000_000), "ppo": (-110.423, 1_000_000), "trpo": (-107.278, 100_000),
    },
    ("mountain_car_continuous", "MountainCarContinuous-v0"): {
        "a2c": (91.166, 100_000), "ppo": (88.343, 20_000), "trpo": (92.489, 50_000),
    },
}  # fmt: skip
"""rl-baselines3-zoo, benchmark.md: mean return of one trained agent, training steps."""

TIANSHOU = {
    "HalfCheetah": {"a2c": (1830, 1068), "ppo": (5784, 1244), "npg": (3485, 717), "trpo": (4471, 805)},
    "Hopper": {"a2c": (1253, 458), "ppo": (2609, 701), "npg": (1915, 551), "trpo": (2046, 1038)},
}
"""Tianshou's MuJoCo benchmark: best mean over 10 seeds of the evaluations during 1M steps, standard deviation then."""

ONLY_AT_THE_END = ("evaluation.interval=1000000", "evaluation.episodes=100")
ITERATIONS_PER_30K = {"a2c": 375, "ppo": 15, "npg": 29, "trpo": 29}  # 30,000 steps between two of Tianshou's

CLASSIC = [
    Published(f"{task}-{algo}", f"{task}/{algo}", env_id, mean, trained, overrides=ONLY_AT_THE_END)
    for (task, env_id), variants in ZOO.items()
    for algo, (mean, trained) in variants.items()
]
MUJOCO = [
    Published(
        f"{task.lower()}-{algo}", f"mujoco/{algo}", f"{task}-v5", mean, 1_000_000, deviation, num_runs=10,
        overrides=(f"evaluation.interval={ITERATIONS_PER_30K[algo]}", "evaluation.episodes=10"),
    )
    for task, variants in TIANSHOU.items()
    for algo, (mean, deviation) in variants.items()
]  # fmt: skip
LONGER = [
    Run(f"{published.name}-longer", published.experiment, 10, (f"seed={FIRST_SEED}", *ONLY_AT_THE_END))
    for published in CLASSIC
    if published.env_id == "MountainCarContinuous-v0"
]
"""Presets that are longer than the published runs, trained to their own end."""


STUDIES = ("classic", "mujoco", "longer")


def members(study: str) -> Sequence[Published | Run]:
    """The runs of one study."""
    return LONGER if study == "longer" else {"classic": CLASSIC, "mujoco": MUJOCO}[study]
