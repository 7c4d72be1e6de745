"""Times the post's PPO on the swing-up, 36 seeds, on the CPU and on the GPU in turn: ``python -m tests.speed.gpu``."""

import argparse
import sys

import numpy as np
import pandas as pd
import torch

from tests.speed.comparisons import PPO_ALL_STEPS
from tests.speed.processes import seedbed
from tests.speed.report import machine, markdown

ROUNDS, ITERATIONS, NUM_SEEDS = 3, 4, 36
STAGES = ("rollout_seconds", "critic_seconds", "policy_seconds", "seconds")


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    if not torch.cuda.is_available():
        sys.exit("tests.speed.gpu: torch sees no GPU here")
    medians: dict[str, list[np.ndarray]] = {"cpu": [], "cuda": []}
    for _ in range(ROUNDS):
        for device, rounds in medians.items():
            run = seedbed(*PPO_ALL_STEPS, f"device={device}", num_seeds=NUM_SEEDS, iterations=ITERATIONS + 1)
            rounds.append(run.timing.loc[1:, list(STAGES)].median().to_numpy())
    seconds = {device: np.median(rounds, axis=0) for device, rounds in medians.items()}
    rows = [
        [stage.removesuffix("_seconds"), cpu, cuda, cpu / cuda]
        for stage, cpu, cuda in zip(STAGES, *seconds.values(), strict=True)
    ]
    table = pd.DataFrame(rows, columns=["stage", "CPU, s", "GPU, s", "times faster"])
    print(markdown(table.round(3)))
    print(f"\n{torch.cuda.get_device_name()}; {machine()}")


if __name__ == "__main__":
    main()
