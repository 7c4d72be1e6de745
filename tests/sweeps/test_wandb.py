"""``logger=wandb`` writes what ``progress.csv`` holds, here into the files that W&B keeps offline."""

import csv
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sweeps.errors import InputError
from sweeps.run_config import validate
from tests.composing import plain
from tests.sweeps.command import sizes, train

BLOCK = 2**15


def records(path: Path) -> Iterator[Any]:
    """The records of a file of W&B: in blocks, each part with a checksum, its length, and whether it is the last."""
    from wandb.proto import wandb_internal_pb2

    data, place, record = path.read_bytes(), 7, b""
    while place + 7 <= len(data):
        if BLOCK - place % BLOCK < 7:
            place += BLOCK - place % BLOCK
            continue
        _, length, part = struct.unpack_from("<IHB", data, place)
        record += data[place + 7 : place + 7 + length]
        place += 7 + length
        if part in (1, 4):  # whole, or the last part
            message = wandb_internal_pb2.Record()
            message.ParseFromString(record)
            record = b""
            yield message


def test_series_per_seed_and_median(tmp_path):
    directory = tmp_path / "run"
    settings = [*sizes("a2c"), "num_seeds=3", "iterations=4", f"hydra.run.dir={directory}"]
    ended = train(*settings, "logger=wandb", "logger.mode=offline")
    assert ended.status == 0, ended.err
    (path,) = directory.glob("wandb/offline-run-*/*.wandb")
    history = [
        {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
        for record in records(path)
        if record.WhichOneof("record_type") == "history"
    ]
    with (directory / "progress.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for seed in range(3):
        expected = [(int(r["env_steps"]), float(r["entropy"])) for r in rows if r["seed"] == str(seed)]
        found = [(point["env_steps"], point[f"entropy/seed{seed}"]) for point in history]
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    by_iteration = [[float(r["entropy"]) for r in rows if r["iteration"] == str(i)] for i in range(4)]
    medians = [point["entropy/median"] for point in history]
    np.testing.assert_allclose(medians, np.median(by_iteration, axis=1), rtol=1e-6)


def test_a_mode_that_there_is_not_is_refused():
    with pytest.raises(InputError, match=r"^logger\.mode='?later'?: expected"):
        validate(plain("logger=wandb", "logger.mode=later"))
