"""PPO on tasks with a simulator, beside Stable-Baselines3.

Needs the extras of the tasks: `mujoco`, `box2d`, and `envpool` for EnvPool's environments.
"""

import argparse
import sys
from typing import NamedTuple

import numpy as np
import pandas as pd

from tests.speed import report
from tests.speed.processes import Run, alone, one_per_core, seedbed, with_avx2_code

STAGES = ("rollout", "critic", "policy")


class Setting(NamedTuple):
    """The same training on both sides."""

    overrides: tuple[str, ...]
    env_id: str
    num_envs: int
    num_steps: int
    num_seeds: int
    words: str


SETTINGS = {
    "halfcheetah": Setting(
        ("experiment=mujoco/ppo", "algo.recompute_advantages=false"), "HalfCheetah-v5", 8, 256, 5,
        "8 environments × 256 steps, 10 epochs × 32 minibatches, observations and rewards normalised",
    ),
    "lunar_lander": Setting(
        ("experiment=lunar_lander/ppo",), "LunarLander-v3", 16, 1024, 5,
        "16 environments × 1024 steps, 4 epochs × 256 minibatches",
    ),
    "halfcheetah_defaults": Setting(
        (
            *("algo=ppo_sb3", "critic=joint", "env=mujoco", "algo.optimiser.max_grad_norm=0.5"),
            *("num_envs=1", "num_steps=2048", "algo.update_epochs=10", "algo.num_minibatches=32"),
        ),
        "HalfCheetah-v5", 1, 2048, 1,
        "Stable-Baselines3's defaults and one seed: 1 environment × 2048 steps, 10 epochs × 32 minibatches",
    ),
}  # fmt: skip

NOTES = """\
seedbed trains the seeds in one process, with default settings of threads; `async` are Gymnasium's environments in one
worker process a core, `sync` in the same process, `envpool` EnvPool's. Stable-Baselines3 trains one seed a core in
processes of one thread, or one seed alone where seedbed does. Bare environments: Gymnasium's, random actions, one
process a core. Env steps a second, medians of rounds in turn; ratios are of the runs of one round, with their range.
"""


def ours(setting: Setting, vectorization: str, iterations: int) -> Run:
    """A run through the public command."""
    overrides = (*setting.overrides, f"env.id={setting.env_id}", f"env.vectorization={vectorization}")
    return seedbed(*overrides, num_seeds=setting.num_seeds, iterations=iterations)


def speed(setting: Setting, run: Run) -> float:
    """Env steps per second of whole iterations."""
    return setting.num_seeds * setting.num_envs * setting.num_steps / run.steady_seconds


def stages(run: Run) -> str:
    """Where the time went."""
    steady = run.timing[1:]
    return ", ".join(f"{steady[f'{name}_seconds'].sum() / steady['seconds'].sum():.0%} {name}" for name in STAGES)


def sb3(name: str, setting: Setting, iterations: int) -> tuple[float, str]:
    """Env steps per second of Stable-Baselines3, summed over its processes, and where the time went."""
    arguments = ("--algo", name, "--iterations", str(iterations))
    if setting.num_seeds == 1:
        results = [alone([sys.executable, "-m", "tests.speed.sb3_peer", *arguments, "--seed", "0"])]
    else:
        results = one_per_core("tests.speed.sb3_peer", *arguments)
    total = sum(r["steps_per_iteration"] / np.median(r["iteration_seconds"][1:]) for r in results)
    rollout = np.mean([np.sum(r["rollout_seconds"]) / np.sum(r["iteration_seconds"]) for r in results])
    return float(total), f"{rollout:.0%} rollout, {1 - rollout:.0%} learning"


def bare(setting: Setting) -> float:
    """Env steps per second of nothing but environments, summed over the cores."""
    sizes = ("--env-id", setting.env_id, "--num-envs", str(setting.num_envs), "--num-steps", "2000")
    return sum(r["env_steps_per_second"] for r in one_per_core("tests.speed.stepping", *sizes))


def section(name: str, vectorizations: list[str], rounds: int, iterations: int) -> str:
    """The runs of one setting: what it is, and a table."""
    setting = SETTINGS[name]
    runs: dict[str, list[Run]] = {kind: [] for kind in vectorizations}
    peers, limits = [], []
    for _ in range(rounds):
        for kind in vectorizations:
            runs[kind].append(ours(setting, kind, iterations))
        peers.append(sb3(name, setting, max(iterations // 2, 3)))
        limits.append(bare(setting))
    rows = [{"side": "bare environments", "env steps/s": f"{np.median(limits):,.0f}"}]
    for kind in vectorizations:
        speeds = [speed(setting, run) for run in runs[kind]]
        ratios = [one / peer for one, (peer, _) in zip(speeds, peers, strict=True)]
        times = f"{np.median(ratios):.1f} ({min(ratios):.1f}–{max(ratios):.1f})"
        row = {"side": f"seedbed, {kind}", "env steps/s": f"{np.median(speeds):,.0f}", "times SB3": times}
        rows.append(row | {"stages": stages(runs[kind][-1])})
    slowest = {"side": "SB3 PPO", "env steps/s": f"{np.median([one for one, _ in peers]):,.0f}", "times SB3": "1"}
    rows.append(slowest | {"stages": peers[-1][1]})
    table = report.markdown(pd.DataFrame(rows).fillna(""))
    seeds = f"{setting.num_seeds} seed{'s' if setting.num_seeds > 1 else ''}"
    return f"{setting.env_id}, {seeds}; {setting.words}.\n\n{table}\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--setting", nargs="+", choices=SETTINGS, default=list(SETTINGS), help="all of them if left out"
    )
    kinds = ["async", "sync", "envpool"]
    parser.add_argument("--vectorization", nargs="+", choices=kinds, default=kinds, help="all of them if left out")
    parser.add_argument("--rounds", type=int, default=3, help="of all sides in turn (%(default)s)")
    parser.add_argument("--iterations", type=int, default=11, help="of seedbed, in each round (%(default)s)")
    with_avx2_code(parser)
    parsed = parser.parse_args()
    print(NOTES)
    for name in parsed.setting:
        print(section(name, parsed.vectorization, parsed.rounds, parsed.iterations), flush=True)
    print(report.machine())


if __name__ == "__main__":
    main()
