"""Writes run directories with invented curves of the shapes that real variants show, in the format of a real run."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

HEADER = (
    "algo,env_id,seed,iteration,env_steps,episodes,episodic_return,episodic_length,status,"
    "policy_loss,value_loss,entropy,approx_kl,clip_fraction,explained_variance,policy_steps,post_return"
)


def a2c_curves(rng: np.random.Generator, num_seeds: int, iterations: int) -> np.ndarray:
    """[S, T], several modes as in the post's A2C figure: stuck near -30, most at 100-200, a few near 350."""
    time = np.arange(iterations) / iterations
    mode = rng.choice(3, size=num_seeds, p=[0.2, 0.65, 0.15])
    level = np.choose(
        mode, [np.full(num_seeds, -28.0), rng.uniform(90, 200, num_seeds), rng.uniform(300, 370, num_seeds)]
    )
    start = rng.uniform(-450, -150, num_seeds)
    rise = 1 - np.exp(-time[None] / rng.uniform(0.05, 0.3, num_seeds)[:, None])
    noise = np.where(mode == 0, 1.0, 25.0)[:, None] * rng.standard_normal((num_seeds, iterations))
    return start[:, None] + (level - start)[:, None] * rise + noise * rise


def ppo_curves(rng: np.random.Generator, num_seeds: int, iterations: int, level: float = 350.0) -> np.ndarray:
    """[S, T], one plateau with rare deep dips, as in the post's PPO figure."""
    time = np.arange(iterations) / iterations
    start = rng.uniform(-350, -300, num_seeds)[:, None]
    rise = 1 - np.exp(-time[None] / rng.uniform(0.03, 0.05, num_seeds)[:, None])
    dips = rng.exponential(120, (num_seeds, iterations)) * (rng.random((num_seeds, iterations)) < 0.01)
    plateau = level + rng.normal(0, 8, num_seeds)[:, None]
    return start + (plateau - start) * rise + rng.normal(0, 12, (num_seeds, iterations)) - dips


def write_run(
    path: Path,
    algo: str,
    env_id: str,
    seeds: Sequence[int],
    returns: np.ndarray,
    *,
    steps_per_iteration: int = 4096,
    iterations: int | None = None,
    config: Mapping[str, Any] | None = None,
    status: str = "complete",
    failed: Mapping[int, int] | None = None,
    commit: str = "0123abc",
) -> Path:
    """Writes the run directory `path` for returns [S, T]; NaN is written as an empty cell.

    `failed` maps a seed to the iteration at which it failed, its last row. `iterations` is what the run was asked
    for, T where not given.
    """
    (path / ".hydra").mkdir(parents=True)
    failed = failed or {}
    length = returns.shape[1]
    composed: dict[str, Any] = {
        "seed": int(seeds[0]),
        "num_seeds": len(seeds),
        "iterations": iterations or length,
        "num_envs": 8,
        "num_steps": steps_per_iteration // 8,
        "gamma": 0.99,
        "gae_lambda": 0.95,
        "algo": {"name": algo, "learning_rate": 0.01},
        "env": {"id": env_id},
        "critic": {"learning_rate": 0.1, "steps": 80},
    }
    for key, value in (config or {}).items():
        node = composed
        *parents, leaf = key.split(".")
        for parent in parents:
            node = node[parent]
        node[leaf] = value
    (path / ".hydra" / "config.yaml").write_text(yaml.safe_dump(composed, sort_keys=False))
    overrides = [f"algo={algo}", f"env={env_id}", *(f"{key}={value}" for key, value in (config or {}).items())]
    (path / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump(overrides))
    info = {
        "status": status,
        "algo": algo,
        "env_id": env_id,
        "seeds": [int(seed) for seed in seeds],
        "iterations": iterations or length,
        "versions": {"seedbed": "0.1.0", "torch": "2.13.0", "numpy": "2.4.6"},
        "commit": commit,
        "command": f"python -m sweeps.train {' '.join(overrides)} num_seeds={len(seeds)} seed={seeds[0]}",
        "config_hash": "5eedbed",
        "host": {"cpu": "invented", "cores": 2},
        "failed_seeds": [
            {"seed": seed, "iteration": iteration, "quantity": "policy_loss"} for seed, iteration in failed.items()
        ],
    }
    (path / "run.json").write_text(json.dumps(info, indent=2))
    rows = [HEADER]
    for iteration in range(length):
        for row, seed in enumerate(seeds):
            last = failed.get(seed, length)
            if iteration > last:
                continue
            value = returns[row, iteration]
            cell = "" if np.isnan(value) else f"{value:.9g}"
            post = "" if np.isnan(value) else f"{value + 1:.9g}"
            state = "failed:policy_loss" if iteration == last else "ok"
            rows.append(
                f"{algo},{env_id},{seed},{iteration},{(iteration + 1) * steps_per_iteration},8,{cell},500,{state},"
                f"-0.012345678,12.3456789,1.41893853,0.00987654321,0.123456789,0.876543211,80,{post}"
            )
    (path / "progress.csv").write_text("\n".join(rows) + "\n")
    timing = ["iteration,seconds,env_steps_per_second"]
    timing += [f"{iteration},0.5,{steps_per_iteration * len(seeds) / 0.5:.6g}" for iteration in range(length)]
    (path / "timing.csv").write_text("\n".join(timing) + "\n")
    return path


def write_comparison(
    root: Path, num_seeds: int = 36, iterations: int = 256, env_id: str = "CartPoleSwingUp-v0"
) -> Path:
    """A2C, PPO and TRPO on one task, as one multirun directory."""
    rng = np.random.default_rng(36)
    curves = {
        "a2c": a2c_curves(rng, num_seeds, iterations),
        "ppo": ppo_curves(rng, num_seeds, iterations),
        "trpo": ppo_curves(rng, num_seeds, iterations, level=362.0),
    }
    for number, (algo, returns) in enumerate(curves.items()):
        write_run(root / str(number), algo, env_id, range(num_seeds), returns, steps_per_iteration=32416)
    return root
