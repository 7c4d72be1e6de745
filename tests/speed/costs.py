"""Seedbed by itself: scaling in the number of seeds, start-up, and the distance to the machine's limits."""

import sys
import tempfile

import pandas as pd

from tests.speed.comparisons import PPO_ALL_STEPS, PPO_POST, Effort
from tests.speed.processes import alone, seedbed


def scaling(effort: Effort) -> pd.DataFrame:
    """Time per seed and peak memory of the post's PPO on the swing-up, for growing numbers of seeds."""
    rows = []
    for num_seeds in effort.scaling:
        run = seedbed(*PPO_ALL_STEPS, num_seeds=num_seeds, iterations=effort.iterations + 1)
        rows.append(
            {
                "seeds": num_seeds,
                "s per iteration": f"{run.steady_seconds:.3f}",
                "ms per seed and iteration": f"{run.seed_seconds * 1e3:.1f}",
                "peak memory, MiB": f"{run.peak_mib:.0f}",
            }
        )
    return pd.DataFrame(rows)


def startup() -> pd.DataFrame:
    """Launch to exit of a run of one short iteration, with an empty and then a filled cache of compiled kernels."""
    rows = []
    with tempfile.TemporaryDirectory() as cache:
        for state in ("cold", "warm"):
            environment = {"NUMBA_CACHE_DIR": cache}
            run = seedbed(*PPO_POST, "num_steps=128", num_seeds=36, iterations=1, environment=environment)
            rows.append({"cache": state, "launch to the end of a first, short iteration, s": f"{run.wall_seconds:.1f}"})
    return pd.DataFrame(rows)


def rollout_limit(effort: Effort) -> pd.DataFrame:
    """Env steps per second of a rollout (policy, sampling and bookkeeping included) beside bare environment steps."""
    run = seedbed(*PPO_POST, num_seeds=effort.num_seeds, iterations=effort.iterations + 1)
    env_steps = 8 * 4052 * effort.num_seeds
    rollout = env_steps / float(run.timing["rollout_seconds"][1:].median())
    sizes = ["--num-seeds", str(effort.num_seeds), "--num-steps", "1000"]
    limit = alone([sys.executable, "-m", "tests.speed.stepping", *sizes])["env_steps_per_second"]
    row = {"rollout, steps/s": rollout, "bare environments, steps/s": limit}
    return pd.DataFrame([{name: f"{speed:,.0f}" for name, speed in row.items()} | {"share": f"{rollout / limit:.2f}"}])
