"""Seedbed by itself: scaling in the number of seeds, and the distance to the machine's limits."""

import sys

import pandas as pd

from tests.speed.comparisons import PPO_ALL_STEPS, Effort
from tests.speed.processes import Run, alone, seedbed
from tests.speed.straightforward import NUM_ENVS, NUM_STEPS


def scaling_runs(effort: Effort) -> list[Run]:
    """The post's PPO on the swing-up for growing numbers of seeds."""
    return [seedbed(*PPO_ALL_STEPS, num_seeds=n, iterations=effort.iterations + 1) for n in effort.scaling]


def scaling(runs: list[Run]) -> pd.DataFrame:
    """Time per seed and peak memory of each run."""
    rows = [
        {
            "seeds": run.num_seeds,
            "s per iteration": f"{run.steady_seconds:.3f}",
            "ms per seed and iteration": f"{run.seed_seconds * 1e3:.1f}",
            "peak memory, MiB": f"{run.peak_mib:.0f}",
        }
        for run in runs
    ]
    return pd.DataFrame(rows)


def rollout_limit(run: Run) -> pd.DataFrame:
    """Env steps per second of a run's rollouts (policy, sampling, bookkeeping) beside as many bare environments."""
    rollout = NUM_ENVS * NUM_STEPS * run.num_seeds / float(run.timing["rollout_seconds"][1:].median())
    sizes = ["--num-envs", str(NUM_ENVS * run.num_seeds), "--num-steps", "1000"]
    limit = alone([sys.executable, "-m", "tests.speed.stepping", *sizes])["env_steps_per_second"]
    row = {"rollout, steps/s": rollout, "bare environments, steps/s": limit}
    return pd.DataFrame([{name: f"{speed:,.0f}" for name, speed in row.items()} | {"share": f"{rollout / limit:.2f}"}])
