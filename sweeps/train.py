"""Train all seeds of a variant on a task: ``python -m sweeps.train algo=ppo env=swingup num_seeds=36``."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from algos.build import make_trainer
from algos.config import Config
from algos.core.loop import Iteration, Trainer
from sweeps.checks import task_config, validate
from sweeps.display import shown
from sweeps.run_directory import TableWriter, describe, progress_rows, write_json


def timed(trainer: Trainer, steps_per_iteration: int, timing: TableWriter) -> Iterator[tuple[Iteration, float]]:
    """The iterations with their speed in env steps per second over all seeds, written to ``timing.csv`` too."""
    start = time.perf_counter()
    for iteration in trainer:
        now = time.perf_counter()
        seconds, start = now - start, now
        speed = steps_per_iteration * int(iteration.running.sum()) / seconds
        row = {"iteration": str(iteration.number), "seconds": f"{seconds:.6f}", "env_steps_per_second": f"{speed:.1f}"}
        timing.append([row | {name: f"{value:.6f}" for name, value in iteration.seconds.items()}])
        yield iteration, speed


def run(config: Config, directory: Path, description: dict) -> bool:
    """Train and write the run's files into ``directory``; False where a seed failed."""
    algo, env_id = config.algo.name, config.env.id
    write_json(directory / "run.json", description)
    trainer = make_trainer(config)
    progress = TableWriter(directory / "progress.csv")
    pairs = timed(trainer, config.num_envs * config.num_steps, TableWriter(directory / "timing.csv"))
    label = f"{algo} on {env_id}, {config.num_seeds} seed{'s' if config.num_seeds > 1 else ''}"
    for iteration in shown(pairs, label, trainer.next_iteration, config.iterations):
        progress.append(progress_rows(algo, env_id, config.seeds, iteration))
        for failure in iteration.failures:
            description["failed_seeds"].append(vars(failure))
    description["status"] = "failed" if description["failed_seeds"] else "complete"
    write_json(directory / "run.json", description)
    print(f"{label}: {description['status']}, results in {directory}", flush=True)
    return not description["failed_seeds"]


@hydra.main(version_base="1.3", config_path="pkg://conf", config_name="config")
def main(composed: DictConfig) -> None:
    content = task_config(composed)
    directory = Path(HydraConfig.get().runtime.output_dir)
    if not run(validate(content), directory, describe(content)):
        sys.exit(1)


if __name__ == "__main__":
    main()
