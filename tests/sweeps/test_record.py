"""``sweeps.record``, and policies that come back from a run's directory."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageSequence

from analysis.run_format import CHECKPOINT
from sweeps.record import main
from sweeps.recording import find_encoder
from sweeps.trained import load_agents
from tests.composing import trainer
from tests.sweeps import command

SIZES = (*command.sizes("ppo"), "num_seeds=3", "iterations=2")


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, Path]:
    """A run of each kind of actions."""
    directory = tmp_path_factory.mktemp("runs")
    for env in ("cartpole_v0", "swingup"):
        assert command.train(*SIZES, f"env={env}", f"hydra.run.dir={directory / env}").status == 0
    return {"discrete": directory / "cartpole_v0", "continuous": directory / "swingup"}


def record(*arguments: object) -> int:
    """The exit status of ``python -m sweeps.record ARGUMENTS``, in this process."""
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


@pytest.mark.parametrize(("kind", "every"), [("discrete", 2), ("continuous", 4)])
def test_a_gif_at_the_speed_of_the_task(runs, tmp_path, kind, every):
    path = tmp_path / "play.gif"
    assert record(runs[kind], "--seed", 1, "--steps", 41, "--out", path) == 0
    with Image.open(path) as image:
        assert image.info["loop"] == 0
        assert image.size == (300, 200)
        images = [(frame.info["duration"], np.asarray(frame.convert("RGB"))) for frame in ImageSequence.Iterator(image)]
    assert sum(milliseconds for milliseconds, _ in images) == 40 * -(-41 // every)  # what does not move is one image
    assert (images[0][1] != images[-1][1]).any()


def test_without_steps_and_a_file_one_episode_goes_beside_the_run(runs, capsys):
    assert record(runs["discrete"], "--seed", 1) == 0
    path = runs["discrete"] / "seed-1.gif"
    assert str(path) in capsys.readouterr().out
    with Image.open(path) as image:
        assert image.n_frames > 3
    assert record(runs["discrete"], "--seed", 9) == 2
    assert "seed=9: not in" in capsys.readouterr().err


def test_the_same_seed_plays_the_same_and_another_does_not(runs, tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 2)):
        assert record(runs["continuous"], "--seed", seed, "--steps", 30, "--out", tmp_path / f"{name}.gif") == 0
    a, b, c = ((tmp_path / f"{name}.gif").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_policies_are_those_that_were_trained(runs):
    trained = trainer(*SIZES, "env=swingup")
    for _ in trained:
        pass
    config, policy, critic = load_agents(runs["continuous"], range(1, 3))
    assert list(config.seeds) == [1, 2]
    assert torch.equal(policy.params, trained.policy.params[1:])
    assert torch.equal(critic.params, trained.critic.params[1:])
    obs = np.random.default_rng(0).standard_normal((2, 4, 5)).astype(np.float32)
    whole = trained.policy.act(np.concatenate([obs[:1], obs]), None)
    np.testing.assert_array_equal(policy.act(obs, None), whole[1:])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"--seed": 9}, "expected: 0 to 2"),
        ({"--steps": 0}, "expected: 1 or more"),
        ({"--out": "play.webm"}, "expected: a name in .gif or .mp4"),
    ],
)
def test_bad_input_is_told_in_one_line(runs, tmp_path, capsys, change, told):
    arguments = {"--seed": 0, "--steps": 5, "--out": "play.gif"} | change
    arguments["--out"] = tmp_path / arguments["--out"]
    assert record(runs["discrete"], *(part for pair in arguments.items() for part in pair)) == 2
    line = capsys.readouterr().err
    assert line.startswith("error: ")
    assert told in line
    assert line.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_run_without_a_whole_checkpoint_is_refused(runs, tmp_path, capsys):
    run = shutil.copytree(runs["discrete"], tmp_path / "run")
    for damage in (lambda path: path.write_bytes(path.read_bytes()[:-10]), Path.unlink):
        damage(run / CHECKPOINT)
        assert record(run, "--seed", 0, "--steps", 5, "--out", tmp_path / "play.gif") == 2
        assert "state.safetensors: cannot be read" in capsys.readouterr().err


def test_mp4_where_there_is_an_encoder_else_a_hint(runs, tmp_path, capsys):
    path = tmp_path / "play.mp4"
    status = record(runs["discrete"], "--seed", 0, "--steps", 10, "--out", path)
    try:
        find_encoder()
    except ValueError:
        assert status == 2
        assert "pip install imageio-ffmpeg" in capsys.readouterr().err
    else:
        assert status == 0
        assert path.read_bytes()[4:8] == b"ftyp"
