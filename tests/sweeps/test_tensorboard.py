"""``logger=tensorboard`` writes what ``progress.csv`` holds, and a resumed run goes on with it."""

import csv

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.sweeps.command import Command, sizes


def test_series_per_seed_and_median(tmp_path):
    directory = tmp_path / "run"
    settings = [*sizes("a2c"), "num_seeds=3", "iterations=4", f"hydra.run.dir={directory}"]
    assert Command("sweeps.train", *settings, "logger=tensorboard").wait().status == 0
    events = EventAccumulator(str(directory / "tensorboard")).Reload()
    with (directory / "progress.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for seed in range(3):
        expected = [(int(r["env_steps"]), float(r["entropy"])) for r in rows if r["seed"] == str(seed)]
        found = [(event.step, event.value) for event in events.Scalars(f"entropy/seed{seed}")]
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    medians = [event.value for event in events.Scalars("entropy/median")]
    by_iteration = [[float(r["entropy"]) for r in rows if r["iteration"] == str(i)] for i in range(4)]
    np.testing.assert_allclose(medians, np.median(by_iteration, axis=1), rtol=1e-6)
