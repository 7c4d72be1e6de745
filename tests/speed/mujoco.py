"""MuJoCo throughput of PPO beside Stable-Baselines3's: `python -m tests.speed.mujoco` writes MUJOCO.md.

HalfCheetah-v5 with the settings of `experiment=mujoco/ppo`. Needs the extra `mujoco`.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from tests.speed import report
from tests.speed.processes import one_per_core, seedbed

ROUNDS = 3
NUM_SEEDS, NUM_ENVS, NUM_STEPS = 5, 8, 256
OVERRIDES = ("experiment=mujoco/ppo", "algo.recompute_advantages=false")
PAGE = Path(__file__).parent / "MUJOCO.md"

NOTES = f"""# PPO on HalfCheetah-v5

{NUM_ENVS} environments × {NUM_STEPS} steps, 10 epochs × 32 minibatches, 64×64 tanh, observations and rewards
normalised. seedbed trains {NUM_SEEDS} seeds in one process and steps their environments in one worker process per core;
Stable-Baselines3 trains one seed per core in processes of one thread. Bare environments: random actions, one process
per core. Medians of {ROUNDS} rounds in turn. Share of the environment: the time that bare environments take for as many
steps. Written by `python -m tests.speed.mujoco`.
"""


def ours() -> tuple[float, str]:
    """Env steps per second of whole iterations, and where the time went."""
    timing = seedbed(*OVERRIDES, num_seeds=NUM_SEEDS, iterations=11).timing[1:]
    stages = [f"{timing[f'{stage}_seconds'].sum() / timing['seconds'].sum():.0%} {stage}" for stage in STAGES]
    return NUM_SEEDS * NUM_ENVS * NUM_STEPS / float(timing["seconds"].median()), ", ".join(stages)


STAGES = ("rollout", "critic", "policy")


def sb3() -> tuple[float, str]:
    """The same of Stable-Baselines3, summed over its processes."""
    results = one_per_core("tests.speed.sb3_peer", "--algo", "halfcheetah", "--iterations", "6")
    speed = sum(r["steps_per_iteration"] / np.median(r["iteration_seconds"][1:]) for r in results)
    rollout = np.mean([np.sum(r["rollout_seconds"]) / np.sum(r["iteration_seconds"]) for r in results])
    return float(speed), f"{rollout:.0%} rollout, {1 - rollout:.0%} learning"


def bare() -> float:
    """Env steps per second of nothing but environments, summed over the cores."""
    sizes = ("--env-id", "HalfCheetah-v5", "--num-envs", str(NUM_ENVS), "--num-steps", "2000")
    return sum(r["env_steps_per_second"] for r in one_per_core("tests.speed.stepping", *sizes))


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter).parse_args()
    rounds = [(ours(), sb3(), bare()) for _ in range(ROUNDS)]
    limit = float(np.median([speed for _, _, speed in rounds]))
    rows = [{"side": "bare environments", "env steps/s": f"{limit:,.0f}"}]
    for side, name in enumerate(("seedbed", "SB3 PPO")):
        speed = float(np.median([sides[side][0] for sides in rounds]))
        share = f"{speed / limit:.0%}"
        rows.append({"side": name, "env steps/s": f"{speed:,.0f}", "environment": share, "stages": rounds[-1][side][1]})
    ratios = [us / them for (us, _), (them, _), _ in rounds]
    faster = f"seedbed is **{np.median(ratios):.1f}** times faster ({min(ratios):.1f}–{max(ratios):.1f})."
    table = report.markdown(pd.DataFrame(rows).fillna(""))
    PAGE.write_text(f"{NOTES}\n{table}\n\n{faster}\n\n{report.machine()}\n")
    print(PAGE.read_text())


if __name__ == "__main__":
    main()
