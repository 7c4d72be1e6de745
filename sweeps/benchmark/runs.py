"""The runs of the benchmark: each variant on each task, with one preset per variant."""

from sweeps.batch import Run
from sweeps.published.presets import FIRST_SEED, MUJOCO

VARIANTS = ("ppo", "trpo", "npg")
REFERENCE = "ppo"
"""The variant that the others are compared with. It was chosen before any of these runs."""

NUM_SEEDS = 10

TASKS = {
    "ant": "Ant-v5",
    "halfcheetah": "HalfCheetah-v5",
    "hopper": "Hopper-v5",
    "walker2d": "Walker2d-v5",
    "swimmer": "Swimmer-v5",
    "reacher": "Reacher-v5",
    "inverted_pendulum": "InvertedPendulum-v5",
    "inverted_double_pendulum": "InvertedDoublePendulum-v5",
    "lunar_lander": "LunarLander-v3",
    "lunar_lander_continuous": "LunarLanderContinuous-v3",
    "bipedal_walker": "BipedalWalker-v3",
}


def names(task: str) -> list[str]:
    """The names of a task's runs."""
    return [f"{task}-{variant}" for variant in VARIANTS]


def run(name: str) -> Run:
    """The run of a name: 1M env steps (976 or 488 iterations) of ten fresh seeds.

    Tasks that have published results use the runs of ``seedbed published``, which Gymnasium's environments step.
    EnvPool's environments step the other tasks: they take 0.4 to 0.85 of the time.
    """
    for each in MUJOCO:
        if each.name == name:
            return each.run
    task, _, variant = name.rpartition("-")
    overrides = (f"env.id={TASKS[task]}", f"seed={FIRST_SEED}", "env.vectorization=envpool")
    return Run(name, f"mujoco/{variant}", NUM_SEEDS, overrides)
