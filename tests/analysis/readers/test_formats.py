"""Logs of the real libraries: every number is the one that the library gave."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from stable_baselines3.common.monitor import load_results
from torch.utils.tensorboard import SummaryWriter

from analysis import InputError, compare, load_runs
from analysis.readers import Reading, find, read_logs
from analysis.readers.logs import Log
from analysis.readers.patterns import Pattern
from tests.analysis.readers.conftest import SEEDS, Source

PATTERN = "{variant}/{task}_{seed}"


def read(path: object, *wanted: str, pattern: str | None = None) -> list[Log]:
    reading = Reading([Pattern(pattern)] if pattern else [])
    return read_logs(find([str(path)]), wanted, reading)[0]


def points(log: Log, name: str) -> list[tuple[int, float]]:
    return list(zip(log.series[name].env_steps.tolist(), log.series[name].values.tolist(), strict=True))


def test_every_episode_of_sb3s_monitor_files_is_at_the_env_step_of_its_end(sb3: Source):
    for seed, log in zip(SEEDS, read(sb3.root, "episodic_return", pattern=PATTERN), strict=True):
        assert dict(log.facts) == {"variant": "ppo", "task": "CartPole-v1", "seed": seed}
        assert sorted(points(log, "episodic_return")) == sorted(sb3.episodes[seed])
        assert len(sb3.episodes[seed]) == len(load_results(str(sb3.run(seed)))) > 10


def test_evaluations_of_sb3_are_means_of_their_episodes(sb3: Source):
    for seed, log in zip(SEEDS, read(sb3.root, "eval_return", pattern=PATTERN), strict=True):
        assert points(log, "eval_return") == [(step, np.mean(values)) for step, values in sb3.evaluations[seed]]


def test_the_columns_of_sb3s_progress_csv_are_read_by_their_names(sb3: Source):
    log, _ = read(sb3.root, "rollout/ep_rew_mean", "train/loss", pattern=PATTERN)
    table = pd.read_csv(sb3.run(SEEDS[0]) / "progress.csv")
    for name in ("rollout/ep_rew_mean", "train/loss"):
        rows = table[table[name].notna()]
        expected = list(zip(rows["time/total_timesteps"].astype(int), rows[name], strict=True))
        assert points(log, name) == expected


def test_the_same_numbers_are_in_sb3s_event_files(sb3: Source):
    name = "rollout/ep_rew_mean"
    files = read(sb3.root, name, pattern=PATTERN)
    events = read(f"tensorboard:{sb3.root}", name, pattern=PATTERN)
    for file, event in zip(files, events, strict=True):
        assert (file.format, event.format) == ("sb3", "tensorboard")
        assert file.series[name].env_steps.tolist() == event.series[name].env_steps.tolist()
        np.testing.assert_array_equal(np.float32(file.series[name].values), event.series[name].values)


def test_a_mean_over_a_window_is_marked_and_used_only_where_there_is_nothing_else(sb3: Source, tmp_path):
    for seed in SEEDS:
        (tmp_path / "ppo" / f"CartPole-v1_{seed}").mkdir(parents=True)
        shutil.copy(sb3.run(seed) / "progress.csv", tmp_path / "ppo" / f"CartPole-v1_{seed}")
    averaged = compare(tmp_path, pattern=PATTERN)
    assert any("rollout/ep_rew_mean is a mean over the last 100 episodes" in each for each in averaged.warnings)
    assert not any("is a mean over" in each for each in compare(sb3.root, pattern=PATTERN).warnings)


def test_every_event_of_a_cleanrl_script_is_read_and_its_settings_say_what_it_was(cleanrl: Source):
    for seed, log in zip(SEEDS, read(cleanrl.root, "episodic_return"), strict=True):
        assert dict(log.facts) == {"variant": "ppo", "task": "CartPole-v1", "seed": seed}
        assert log.settings == {"learning_rate": "0.00025"}
        assert points(log, "episodic_return") == cleanrl.episodes[seed]
        assert len(cleanrl.episodes[seed]) > len({step for step, _ in cleanrl.episodes[seed]})
        assert "charts/SPS" in log.names  # of the newer form


def test_the_path_of_a_cleanrl_run_can_say_it_too(cleanrl: Source):
    pattern = "{task}__{variant}__{seed}__*"
    assert [log.facts["seed"] for log in read(cleanrl.root, "episodic_return", pattern=pattern)] == list(SEEDS)


def test_a_run_that_was_started_again_writes_anew_from_there(tmp_path):
    run = tmp_path / "mine" / "Pole_1"
    for offset, steps in ((0.0, range(0, 100, 10)), (1000.0, range(50, 150, 10))):
        writer = SummaryWriter(str(run), purge_step=steps[0], filename_suffix=str(steps[0]))
        for step in steps:
            writer.add_scalar("charts/episodic_return", offset + step, step)
        writer.close()
    (log,) = read(tmp_path, "episodic_return", pattern=PATTERN)
    assert points(log, "episodic_return") == [
        *((step, float(step)) for step in range(0, 50, 10)),
        *((step, 1000.0 + step) for step in range(50, 150, 10)),
    ]
    assert "5 events that it wrote again" in log.notes[0]


def test_marl_evals_own_logger(marl_eval: Source):
    logs = read(marl_eval.root, "eval_return", "absolute_metrics/mean_episode_return")
    assert {(log.facts["variant"], log.facts["task"], log.facts["seed"]) for log in logs} == {
        (variant, "3s5z", seed) for variant in ("mappo", "ippo") for seed in range(4)
    }
    for log in logs:
        assert points(log, "absolute_metrics/mean_episode_return") == [(5000, 7.0)]
        if log.facts["variant"] == "ippo":
            expected = [(step, values[0]) for step, values in marl_eval.evaluations[log.facts["seed"]]]
            assert points(log, "eval_return") == expected


def test_where_there_are_only_evaluations_they_are_compared(marl_eval: Source):
    comparison = compare(marl_eval.root)
    assert comparison.choices.metric == "eval_return"
    assert comparison.verdicts[0].startswith("ippo ends")


def test_the_zoos_training_command_needs_no_pattern_and_tells_its_settings(zoo: Path):
    logs = read(zoo, "episodic_return", "eval_return")
    assert [dict(log.facts) for log in logs] == [
        {"variant": "a2c", "task": "CartPole-v1", "seed": seed} for seed in SEEDS
    ]
    for log, folder in zip(logs, sorted((zoo / "a2c").iterdir()), strict=True):
        assert log.settings["normalize_advantage"] is True
        assert log.settings["policy"] == "MlpPolicy"
        assert len(log.series["episodic_return"].values) == len(load_results(str(folder)))
        with np.load(folder / "evaluations.npz") as arrays:
            assert log.series["eval_return"].env_steps.tolist() == arrays["timesteps"].tolist()
            assert log.series["eval_return"].values.tolist() == arrays["results"].mean(axis=1).tolist()


def test_an_export_of_wandb_as_openrlbenchmark_makes_it(tmp_path):
    for seed in SEEDS:
        run = tmp_path / "entity" / "project" / f"id{seed}"
        run.mkdir(parents=True)
        history = pd.DataFrame(
            {
                "_step": range(6),
                "global_step": [10, 20, 20, 30, 40, 50],
                "charts/episodic_return": [1, 2.5, 3, None, 4, 5],
            }
        )
        history.to_csv(run / "run_df.csv")
        config = {"env_id": "Breakout-v5", "exp_name": "ppo_atari", "seed": seed, "gamma": 0.99}
        (run / "run.json").write_text(json.dumps({"id": f"id{seed}", "state": "finished", "config": config}))
    logs = read(tmp_path, "episodic_return")
    assert [dict(log.facts) for log in logs] == [
        {"variant": "ppo_atari", "task": "Breakout-v5", "seed": seed} for seed in SEEDS
    ]
    assert points(logs[0], "episodic_return") == [(10, 1.0), (20, 2.5), (20, 3.0), (40, 4.0), (50, 5.0)]
    assert logs[0].settings == {"gamma": 0.99}


def test_a_data_frame_with_other_names_of_columns():
    rng = np.random.default_rng(5)
    rows = [("ppo", "Pole", seed, 10 * step, rng.normal()) for seed in range(5) for step in range(1, 5)]
    frame = pd.DataFrame(rows, columns=["algo", "env", "seed", "global_step", "return"])
    names = {"variant": "algo", "task": "env", "env_steps": "global_step", "value": "return"}
    found = load_runs(frame, ["episodic_return"], column=names)
    assert found["env_id"].unique().tolist() == ["Pole"]
    assert found["episodic_return"].tolist() == frame["return"].tolist()


@pytest.mark.parametrize("kind", [".csv", ".csv.gz", ".parquet"])
def test_a_table_in_a_file(tmp_path, kind):
    rng = np.random.default_rng(6)
    frame = pd.DataFrame(
        [
            (variant, "Pole", seed, 10 * step, rng.normal())
            for variant in "ab"
            for seed in range(5)
            for step in range(3)
        ],
        columns=["variant", "task", "seed", "env_steps", "value"],
    )
    path = tmp_path / f"runs{kind}"
    frame.to_parquet(path) if kind == ".parquet" else frame.to_csv(path, index=False)
    found = load_runs(path, ["episodic_return"])
    np.testing.assert_array_equal(found["episodic_return"], frame["value"])


class RecordedRun:
    """A run as W&B's API gives it: what it answered for a run of CleanRL, kept here."""

    entity, project, state = "openrlbenchmark", "cleanrl", "finished"

    def __init__(self, seed: int) -> None:
        self.id = f"run{seed}"
        self.config = {"env_id": "Pole-v1", "exp_name": "ppo", "seed": seed, "gamma": 0.99, "track": True}
        self.summary = {"global_step": 30, "charts/episodic_return": 9.0, "charts/SPS": 100, "_step": 3}
        self.asked: list[list[str] | None] = []

    def scan_history(self, keys: list[str] | None = None) -> list[dict[str, float]]:
        self.asked.append(keys)
        rows = [
            {"_step": 0, "global_step": 10, "charts/episodic_return": 1.0},
            {"_step": 1, "global_step": 20, "charts/episodic_return": 4.0},
            {"_step": 3, "global_step": 30, "charts/episodic_return": 9.0},
        ]
        return [{key: row[key] for key in keys or row if key in row} for row in rows]


def test_the_api_of_wandb_is_asked_for_the_whole_history(monkeypatch):
    runs = [RecordedRun(seed) for seed in SEEDS]

    class Api:
        def runs(self, path: str) -> list[RecordedRun]:
            assert path == "openrlbenchmark/cleanrl"
            return runs

    monkeypatch.setattr("wandb.Api", Api)
    logs = read("wandb:openrlbenchmark/cleanrl", "episodic_return")
    assert [dict(log.facts) for log in logs] == [{"variant": "ppo", "task": "Pole-v1", "seed": seed} for seed in SEEDS]
    assert points(logs[0], "episodic_return") == [(10, 1.0), (20, 4.0), (30, 9.0)]
    assert runs[0].asked == [["charts/episodic_return", "global_step"]]
    assert logs[0].settings == {"gamma": 0.99}


@pytest.mark.parametrize("answer", ["could not find project", "HTTP 401\nlog in first"])
def test_what_wandb_refuses_is_said_in_one_line(monkeypatch, answer):
    class Api:
        def runs(self, path: str) -> list[RecordedRun]:
            raise ValueError(answer)

    monkeypatch.setattr("wandb.Api", Api)
    with pytest.raises(InputError, match=r"^wandb:a/b: [^\n]*; expected: runs that W&B can give$"):
        read("wandb:a/b", "episodic_return")
    with pytest.raises(InputError, match="expected: wandb:ENTITY/PROJECT"):
        read("wandb:a", "episodic_return")
