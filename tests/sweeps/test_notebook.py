"""Training by one call, from a notebook or a program."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from analysis import load_runs
from analysis.run_format import InputError, read_config
from sweeps import train

SMALL = {"num_envs": 2, "num_steps": 8, "iterations": 3}


def test_one_call_trains_and_returns_the_rows(tmp_path):
    frame = train("algo=ppo", "env=cartpole", directory=tmp_path / "run", num_seeds=4, **SMALL)
    assert len(frame) == 4 * 3
    assert frame.attrs["directory"] == str(tmp_path / "run")
    pd.testing.assert_frame_equal(frame, load_runs(tmp_path / "run"))
    again = train("algo=ppo", "env=cartpole", directory=tmp_path / "run", num_seeds=4, **SMALL)
    pd.testing.assert_frame_equal(frame, again)
    longer = train("algo=ppo", directory=tmp_path / "run", num_seeds=4, **{**SMALL, "iterations": 5})
    assert longer["iteration"].max() == 4


def test_a_temporary_directory_and_settings_in_pythons_words(tmp_path):
    own = tmp_path / "conf" / "network"
    own.mkdir(parents=True)
    (own / "tiny.yaml").write_text(
        "# @package _global_\ndefaults: [tanh64x64]\npolicy: {hidden: [3]}\nvalue: {hidden: [3]}\n"
    )
    frame = train(
        "network=tiny",
        config_dir=tmp_path / "conf",
        algo={"clip_coef": None, "stop_after_step": True},
        env={"id": "MountainCar-v0"},
        value={"hidden": [5, 4]},
        seed=7,
        num_seeds=2,
        **SMALL,
    )
    config = read_config(Path(frame.attrs["directory"]))
    assert (config["algo"]["clip_coef"], config["algo"]["stop_after_step"]) == (None, True)
    assert (config["policy"]["hidden"], config["value"]["hidden"]) == ([3], [5, 4])
    assert list(np.unique(frame["seed"])) == [7, 8]
    assert set(frame["env_id"]) == {"MountainCar-v0"}


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (("gamma=1.5",), "gamma=1.5: expected: less than or equal to 1"),
        (("algo=pppo",), "algo=pppo: no such option; did you mean ppo?"),
        (("nosuch=1",), "nosuch=1: unknown key"),
        (("gamma=0.9,0.8",), "gamma=0.9,0.8: several values"),
        (("hydra.run.dir=here",), "hydra.run.dir=here: a setting of the command line"),
    ],
)
def test_bad_input_raises_one_line(overrides, words, tmp_path):
    with pytest.raises(InputError) as raised:
        train(*overrides, directory=tmp_path / "run")
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "run").exists()


def test_a_task_that_raises_raises_here(tmp_path):
    from algos.streams import environment_seeds

    task = {"id": "tests.sweeps.faulty_tasks:seedbed-tests/Faulty-v0"}
    kwargs = ("+env.kwargs.fault=exception", f"+env.kwargs.seeds={environment_seeds([0], 2)}")
    with pytest.raises(RuntimeError, match="the robot fell over"):
        train(*kwargs, env=task, directory=tmp_path, **SMALL)


def test_a_notebook_shows_a_bar(tmp_path):
    shell = InteractiveShell.instance()
    shell.kernel = object()  # what a notebook's shell has
    try:
        with capture_output() as shown:
            train(directory=tmp_path, num_seeds=2, **SMALL)
    finally:
        InteractiveShell.clear_instance()
    bars = [output.data["text/html"] for output in shown.outputs]
    assert "ppo on CartPole-v1, 2 seeds" in bars[0]
    assert "<progress value=3 max=3" in bars[-1]
    assert "median return" in bars[-1]
