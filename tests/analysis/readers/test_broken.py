"""Broken and misleading logs: one line that says what is wrong, or a warning in the report. No pickle is loaded."""

import io
import json
import pickle
import re
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from torch.utils.tensorboard import SummaryWriter

from analysis import InputError, compare
from analysis.command import main
from analysis.log_options import column
from analysis.readers import Reading
from analysis.readers.patterns import Pattern
from analysis.runs.dataset import load
from tests.analysis.synthetic import write_run

PATTERN = "{variant}/{task}_{seed}"
MONITOR = '#{"t_start": 0.0, "env_id": "CartPole-v1"}\nr,l,t\n'
EPISODES = "10.0,10,0.1\n20.0,20,0.2\n30.0,30,0.3\n"


def monitor(root: Path, seed: int = 0, text: str = MONITOR + EPISODES, name: str = "0.monitor.csv") -> Path:
    run = root / "ppo" / f"CartPole-v1_{seed}"
    run.mkdir(parents=True, exist_ok=True)
    (run / name).write_text(text)
    return run


def evaluations(root: Path, **arrays: object) -> Path:
    run = root / "ppo" / "CartPole-v1_0"
    run.mkdir(parents=True)
    np.savez(run / "evaluations.npz", **arrays)  # type: ignore[arg-type]
    return run / "evaluations.npz"


def events(root: Path, steps: object = range(10), tag: str = "charts/episodic_return") -> Path:
    run = root / "ppo" / "CartPole-v1_0"
    writer = SummaryWriter(str(run))
    for step in steps:  # type: ignore[attr-defined]
        writer.add_scalar(tag, float(step), step)
    writer.close()
    return next(run.iterdir())


def table(root: Path, text: str) -> None:
    (root / "runs.csv").write_text(text)


class Fuse:
    """Its pickle runs code when it is loaded."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (pytest.fail, ("a pickled object was loaded",))


CASES: list[tuple[Callable[[Path], object], str]] = []


def case(words: str) -> Callable[[Callable[[Path], object]], Callable[[Path], object]]:
    def add(make: Callable[[Path], object]) -> Callable[[Path], object]:
        CASES.append((make, words))
        return make

    return add


@case(r"evaluations.npz: cannot be read \(.*\); expected: an npz file")
def torn_npz(root: Path) -> None:
    path = evaluations(root, timesteps=np.arange(50), results=np.ones((50, 2)))
    path.write_bytes(path.read_bytes()[:200])


@case(r"evaluations.npz: .*pickled objects, which are not loaded")
def pickled_npz(root: Path) -> None:
    evaluations(root, timesteps=np.arange(2), results=np.array([[Fuse()], [Fuse()]], dtype=object))


@case(r"evaluations.npz: cannot be read")
def pickle_called_npz(root: Path) -> None:
    path = evaluations(root, timesteps=np.arange(2))
    path.write_bytes(pickle.dumps(Fuse()))


@case(r"evaluations.npz: has no results; expected: timesteps, results")
def npz_of_something_else(root: Path) -> None:
    evaluations(root, timesteps=np.arange(2))


@case(r"timesteps \[3\] and results \[2, 5\] do not fit")
def npz_of_other_lengths(root: Path) -> None:
    evaluations(root, timesteps=np.arange(3), results=np.ones((2, 5)))


@case(r"expected: numbers")
def npz_of_words(root: Path) -> None:
    evaluations(root, timesteps=np.arange(2), results=np.array([["a"], ["b"]]))


@case(r"evaluations.npz: env_steps=-5; expected: whole numbers")
def negative_timesteps(root: Path) -> None:
    evaluations(root, timesteps=np.array([-5, 10]), results=np.ones((2, 1)))


@case(r"has returns of evaluations, and none of training.*--metric eval_return")
def evaluations_beside_training(root: Path) -> None:
    evaluations(root, timesteps=np.arange(1, 3), results=np.ones((2, 1)))
    monitor(root, seed=1)


@case(r"its first line is not #")
def monitor_without_header(root: Path) -> None:
    monitor(root, text="r,l,t\n" + EPISODES)


@case(r"its first line cannot be read")
def monitor_with_torn_header(root: Path) -> None:
    monitor(root, text='#{"t_start": 0.\nr,l,t\n' + EPISODES)


@case(r"has no column 'l' but r, length, t")
def monitor_with_wrong_columns(root: Path) -> None:
    monitor(root, text=MONITOR.replace("r,l,t", "r,length,t") + EPISODES)


@case(r"r='ten'; expected: numbers")
def monitor_with_words(root: Path) -> None:
    monitor(root, text=MONITOR + "ten,10,0.1\n")


@case(r"length l=-10; expected: whole numbers from 1")
def monitor_with_negative_lengths(root: Path) -> None:
    monitor(root, text=MONITOR + "10.0,-10,0.1\n")


@case(r"0.monitor.csv is cut off; its last, incomplete row was left out")
def cut_monitor(root: Path) -> None:
    monitor(root, text=MONITOR + EPISODES + "40.0,4")


@case(r"was restarted 1 times; its episodes follow one another")
def restarted_monitor(root: Path) -> None:
    monitor(root, text=MONITOR + EPISODES + MONITOR + EPISODES)


@case(r"its monitor files are of Acrobot-v1 and CartPole-v1; expected: one task per run")
def mixed_tasks(root: Path) -> None:
    monitor(root)
    monitor(root, text=MONITOR.replace("CartPole-v1", "Acrobot-v1") + EPISODES, name="1.monitor.csv")


@case(r"not of environments that step together")
def monitors_of_unequal_length(root: Path) -> None:
    monitor(root)
    monitor(root, text=MONITOR + EPISODES * 20, name="1.monitor.csv")


@case(r"has 1 values of inf in episodic_return; they count as empty")
def infinite_return(root: Path) -> None:
    monitor(root, text=MONITOR + EPISODES + "inf,5,0.4\n")


@case(r"is cut off or damaged at byte \d+; the \d+ events before it were read")
def cut_event_file(root: Path) -> None:
    path = events(root)
    path.write_bytes(path.read_bytes()[:-20])


@case(r"is cut off or damaged at byte \d+")
def damaged_event_file(root: Path) -> None:
    path = events(root)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x40
    path.write_bytes(bytes(content))


@case(r"holds no whole record; expected: an event file")
def event_file_of_something_else(root: Path) -> None:
    path = events(root)
    path.write_bytes(b"these are no events, only words" * 5)


@case(r"holds no whole record; expected: an event file")
def event_file_with_an_absurd_length(root: Path) -> None:
    path = events(root)
    path.write_bytes(struct.pack("<Q", 2**62) + b"\0" * 100)


@case(r"has no episodic_return but losses/value_loss; expected: --metric NAME, or --column")
def event_file_without_returns(root: Path) -> None:
    events(root, tag="losses/value_loss")


@case(r"has no column 'env_steps' but variant, task, seed, steps, value")
def table_with_wrong_columns(root: Path) -> None:
    table(root, "variant,task,seed,steps,value\nppo,Pole,0,10,1.0\n")


@case(r"value='high' in row 3; expected: numbers")
def table_with_words(root: Path) -> None:
    table(root, "variant,task,seed,env_steps,value\nppo,Pole,0,10,1.0\nppo,Pole,0,20,high\n")


@case(r"env_steps=1e\+300; expected: whole numbers")
def absurd_steps(root: Path) -> None:
    table(root, "variant,task,seed,env_steps,value\nppo,Pole,0,1e300,1.0\n")


@case(r"seed=1.5; expected: whole numbers from 0")
def half_a_seed(root: Path) -> None:
    table(root, "variant,task,seed,env_steps,value\nppo,Pole,1.5,10,1.0\n")


@case(r"row 3 has no task")
def table_with_a_gap(root: Path) -> None:
    table(root, "variant,task,seed,env_steps,value\nppo,Pole,0,10,1.0\nppo,,0,20,1.0\n")


@case(r"nothing says its seed; expected: --pattern with \{seed\}")
def table_without_seeds(root: Path) -> None:
    table(root, "variant,task,env_steps,value\nppo,Pole,10,1.0\n")


@case(r"has means but no column 'n'")
def means_of_nobody_knows_how_many(root: Path) -> None:
    table(root, "variant,task,mean,std\nppo,Pole,10,1.0\n")


@case(r"2 values share an env step with another value of their seed; their mean counts")
def several_values_at_one_step(root: Path) -> None:
    table(root, "variant,task,seed,env_steps,value\n" + "ppo,Pole,0,10,1.0\n" * 3)


@case(r"cannot be read")
def torn_parquet(root: Path) -> None:
    buffer = io.BytesIO()
    pd.DataFrame({"variant": ["ppo"], "env_steps": [1], "value": [1.0]}).to_parquet(buffer)
    (root / "runs.parquet").write_bytes(buffer.getvalue()[:-40])


@case(r"metrics.json: cannot be read .*JSON")
def torn_json(root: Path) -> None:
    (root / "metrics.json").write_text('{"smax": {"3s5z": {"mappo": {"seed_0": {')


@case(r"seed_0 is there twice")
def json_with_a_seed_twice(root: Path) -> None:
    run = '"seed_0": {"step_0": {"step_count": 1, "mean_episode_return": [1.0]}}'
    (root / "metrics.json").write_text(f'{{"smax": {{"3s5z": {{"mappo": {{{run}, {run}}}}}}}}}')


@case(r"step_0: has no step_count")
def json_without_steps(root: Path) -> None:
    content = {"smax": {"3s5z": {"mappo": {"seed_0": {"step_0": {"mean_episode_return": [1.0]}}}}}}
    (root / "metrics.json").write_text(json.dumps(content))


@case(r"expected: numbers")
def json_of_words(root: Path) -> None:
    content = {"smax": {"3s5z": {"mappo": {"seed_0": {"step_0": {"step_count": 1, "mean_episode_return": ["a"]}}}}}}
    (root / "metrics.json").write_text(json.dumps(content))


@case(r"has no global_step but charts/episodic_return; expected: env steps, named by --column")
def wandb_without_env_steps(root: Path) -> None:
    (root / "run_df.csv").write_text("_step,charts/episodic_return\n1,2.0\n")
    (root / "run.json").write_text('{"config": {"env_id": "Pole", "exp_name": "ppo", "seed": 0}}')


@case(r"nothing says which tasks its columns are; expected: scores.seedbed.json beside it")
def arrays_of_somebody(root: Path) -> None:
    np.savez(root / "scores.npz", ppo=np.ones((5, 2)))


@case(r"holds no run; expected: directories with run.json and progress.csv; or wandb: ")
def nothing_at_all(root: Path) -> None:
    (root / "notes.txt").write_text("nothing")


NAMED = {"torn_json": "metrics.json", "arrays_of_somebody": "scores.npz"}
NAMED |= {"table_with_wrong_columns": "runs.csv"}
"""What is not found by itself and has to be named."""


def said(path: Path | list[Path], pattern: str | None = PATTERN, **columns: str) -> str:
    """The one line of an error, or the warnings."""
    paths = path if isinstance(path, list) else [path]
    try:
        dataset = load(paths, None, (), Reading([Pattern(pattern)] if pattern else [], columns), choose_metric=True)
    except InputError as error:
        return str(error)
    return "\n".join(dataset.warnings)


@pytest.mark.parametrize(("make", "words"), CASES, ids=[make.__name__ for make, _ in CASES])
def test_what_is_wrong_is_said(make: Callable[[Path], object], words: str, tmp_path: Path) -> None:
    make(tmp_path)
    named = NAMED.get(make.__name__)
    of_tree = named is None and (tmp_path / "ppo").exists()
    told = said(tmp_path / named if named else tmp_path, PATTERN if of_tree else None)
    line = next(line for line in told.splitlines() if re.search(words, line))
    assert str(tmp_path) in line or "Pole" in line  # it says where


def test_a_pattern_that_matches_nothing(tmp_path):
    monitor(tmp_path)
    assert re.search(r"--pattern \{seed\}-of-\{variant\}: no run matches", said(tmp_path, "{seed}-of-{variant}"))


def test_a_pattern_that_makes_two_runs_one_seed(tmp_path):
    for number, name in enumerate(("ppo", "a2c")):
        run = tmp_path / name / "CartPole-v1_0"
        run.mkdir(parents=True)
        (run / "0.monitor.csv").write_text(MONITOR + EPISODES.replace("10.0", f"{number}.0"))
    twice = said(tmp_path, "*/{variant}-v1_{seed}")
    assert re.search(
        r"are both seed 0 of CartPole on CartPole-v1, with different rows; expected: one run per seed", twice
    )


def test_the_same_run_at_two_places_counts_once(tmp_path):
    monitor(tmp_path / "a")
    monitor(tmp_path / "b")
    assert "are in another run too, with the same rows; counted once" in said(tmp_path)


def test_a_pattern_that_matches_in_two_ways(tmp_path):
    run = tmp_path / "my_ppo_on_Cart_0"
    run.mkdir()
    (run / "0.monitor.csv").write_text(MONITOR + EPISODES)
    assert "matches in two ways" in said(tmp_path, "{variant}_{task}_{seed}")


def test_a_log_that_says_nothing_about_itself(tmp_path):
    monitor(tmp_path)
    assert "nothing says its variant and seed; expected: --pattern with {variant} and {seed}" in said(tmp_path, None)


@pytest.mark.parametrize("text", ["variant/task", "{variant}/{variant}", "{algo}/{seed}", ""])
def test_a_pattern_that_is_none(text):
    with pytest.raises(InputError, match=r"^--pattern .*expected: \{variant\}, \{task\} and \{seed\}"):
        Pattern(text)


def test_a_column_that_is_none(capsys):
    assert column("env_steps=global_step") == ("env_steps", "global_step")
    with pytest.raises(SystemExit):
        main(["runs", "--out", "x", "--column", "global_step"])
    assert "expected: OURS=THEIRS" in capsys.readouterr().err


def test_names_with_html_are_text_in_the_report(tmp_path):
    name = "<script>alert(1)</script>"
    rows = [(name, "<b>Pole</b>", seed, 10 * step, seed + step) for seed in range(3) for step in range(1, 4)]
    frame = pd.DataFrame(rows, columns=["variant", "task", "seed", "env_steps", "value"])
    comparison = compare(frame)
    assert "<script>alert" not in comparison._repr_html_()
    assert "&lt;script&gt;" in comparison._repr_html_()


def test_training_and_evaluation_are_compared_only_if_asked_and_then_it_is_said(tmp_path, rng):
    evaluations(tmp_path / "theirs", timesteps=np.arange(1, 3) * 100, results=np.ones((2, 3)))
    write_run(tmp_path / "ours", "ppo", "CartPole-v1", [0, 1], rng.normal(size=(2, 4)), steps_per_iteration=100)
    both = [tmp_path / "ours", tmp_path / "theirs"]
    assert "has returns of evaluations, and none of training" in said(both)
    asked = said(both, episodic_return="eval_return")
    assert "A difference may come from exploration, which only training has." in asked


def test_no_pickle_that_a_zoo_folder_holds_is_opened(tmp_path):
    run = monitor(tmp_path)
    settings = run / "CartPole-v1"
    settings.mkdir()
    (settings / "vecnormalize.pkl").write_bytes(pickle.dumps(Fuse()))
    (settings / "args.yml").write_text("!!python/object/apply:collections.OrderedDict\n- - - seed\n    - 7\n")
    (settings / "config.yml").write_text("!!python/object/apply:os.system\n- touch loaded\n")
    assert "config.yml: holds no mapping" in said(tmp_path)
    (settings / "config.yml").write_text("gamma: !!python/object/apply:os.system ['touch loaded']\n")
    assert "No settings" not in said(tmp_path)
    assert not Path("loaded").exists()
