"""python -m analysis.compare, through its entry point."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from analysis.choices import Choices
from analysis.command import main
from analysis.comparison import Comparison
from analysis.runs.dataset import load
from tests.analysis.synthetic import ppo_curves, write_comparison, write_run


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_comparison(tmp_path_factory.mktemp("runs"), num_seeds=9, iterations=30)


def files_in(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()} if directory.is_dir() else {}


@pytest.mark.slow
def test_a_multirun_gives_a_figure_and_a_summary_per_task(comparison, tmp_path, capsys):
    write_comparison(tmp_path / "runs", num_seeds=4, iterations=10, env_id="Acrobot-v1")
    assert main([str(comparison), str(tmp_path / "runs"), "--out", str(tmp_path / "out")]) == 0
    written = files_in(tmp_path / "out")
    for env_id in ("CartPoleSwingUp-v0", "Acrobot-v1"):
        assert written[f"seeds-{env_id}.png"].startswith(b"\x89PNG")
        assert b"<svg" in written[f"seeds-{env_id}.svg"]
        assert str(tmp_path / "out" / f"seeds-{env_id}.png") in capsys.readouterr().out or env_id == "Acrobot-v1"
    summary = pd.read_csv(tmp_path / "out" / "summary.csv").set_index(["env_id", "variant"])
    assert len(summary) == 9  # two tasks and all tasks, three variants each
    rows = pd.read_csv(comparison / "1" / "progress.csv")
    last = rows[rows["iteration"] >= 27].groupby("seed")["episodic_return"].mean()
    assert summary.loc[("CartPoleSwingUp-v0", "ppo"), "mean"] == pytest.approx(last.mean(), rel=1e-5)
    assert summary.loc[("CartPoleSwingUp-v0", "ppo"), "scored"] == 9


def bad_inputs(comparison: Path, work: Path) -> dict[str, tuple[list[str], str]]:
    """Arguments that must be refused, each with a part of the line that says why."""
    cases: dict[str, tuple[list[str], str]] = {}

    def broken(name: str, change, say: str) -> None:
        run = work / name
        shutil.copytree(comparison / "1", run)
        change(run)
        cases[name] = ([str(comparison / "0"), str(run)], say)

    def edit(file: str, change):
        def apply(run: Path) -> None:
            path = run / file
            path.write_text(change(path.read_text()))

        return apply

    def cut_inside(text: str) -> str:
        lines = text.splitlines(keepends=True)
        lines[7] = lines[7][:20] + "\n"
        return "".join(lines)

    broken("torn-end", edit("progress.csv", lambda text: text[:-9]), "torn: line 271 ")
    broken("torn-inside", edit("progress.csv", cut_inside), "torn: line 8 ")
    broken("empty", edit("progress.csv", lambda text: ""), "is empty")
    broken("foreign", edit("progress.csv", lambda text: "x,y\n1,2\n"), "has no column 'algo'")
    broken(
        "words",
        edit("progress.csv", lambda text: text.replace(",32416,", ",many,", 1)),
        "words/progress.csv: not a run's",
    )
    broken("quoted", edit("progress.csv", lambda text: text.replace(",ok,", ',"ok,', 2)), "269 rows in 270 lines")
    broken(
        "moved",
        edit("progress.csv", lambda text: text.replace(",ok,", ",,ok,", 1).replace(",500,ok,", ",ok,", 1)),
        "torn",
    )
    broken("no-csv", lambda run: (run / "progress.csv").unlink(), "No such file")
    broken("no-info", lambda run: (run / "run.json").unlink(), "run.json")
    broken("torn-info", edit("run.json", lambda text: text[:40]), "run.json")
    broken("foreign-info", edit("run.json", lambda text: "[1]"), "run.json")
    broken("no-config", lambda run: (run / ".hydra" / "config.yaml").unlink(), "config.yaml")
    broken("torn-config", edit(".hydra/config.yaml", lambda text: "algo: [ppo"), "config.yaml")
    (work / "nothing").mkdir()
    (work / "foreign.csv").write_text("x,y\n1,2\n")
    cases["nothing"] = ([str(work / "nothing")], "holds no run")
    cases["absent"] = ([str(work / "absent")], "no such directory")
    cases["foreign-file"] = ([str(work / "foreign.csv")], "has no column")
    cases["metric"] = ([str(comparison), "--metric", "happiness"], "no column 'happiness'")
    return cases


def test_bad_input_is_refused_with_one_line_and_nothing_is_overwritten(comparison, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    for name in ("report.html", "summary.csv", "pairs.csv", "seeds-CartPoleSwingUp-v0.png"):
        (out / name).write_text("of an earlier comparison")
    before = files_in(out)
    for name, (arguments, say) in bad_inputs(comparison, tmp_path).items():
        assert main([*arguments, "--out", str(out)]) == 2, name
        printed = capsys.readouterr()
        assert printed.out == "", name
        assert printed.err.count("\n") == 1, name
        assert say in printed.err, (name, printed.err)
        assert files_in(out) == before, name


def test_an_out_that_cannot_be_written_is_refused(comparison, tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    for out in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/seedbed")):
        assert main([str(comparison), "--out", str(out)]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    "arguments", [[], ["--out", "x"], ["a", "--out", "x", "--last", "0"], ["a", "--out", "x", "--x", "time"]]
)
def test_wrong_arguments_exit_with_status_2(arguments):
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2


@pytest.mark.slow
def test_the_module_runs_as_a_command(tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "analysis.compare", str(tmp_path / "absent"), "--out", str(tmp_path / "out")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_the_same_runs_give_the_same_bytes(comparison, tmp_path):
    """Every file, the figures and the page too; run in another process, in another order of the directories."""
    once, again = tmp_path / "once", tmp_path / "again"
    runs = [str(comparison / name) for name in ("0", "1")]
    assert main([*runs, "--out", str(once), "--latex"]) == 0
    command = [sys.executable, "-m", "analysis.compare", *runs[::-1], "--out", str(again), "--latex"]
    subprocess.run(command, check=True, capture_output=True)
    first, second = files_in(once), files_in(again)
    assert first.keys() == second.keys()
    assert {"summary.csv", "pairs.csv", "settings.csv", "summary.md", "summary.tex"} <= first.keys()
    for name in first.keys() - {"report.html"}:
        assert first[name] == second[name], name
    pages = [page.rsplit(b"<h2>Command</h2>")[0] for page in (first["report.html"], second["report.html"])]
    assert pages[0] == pages[1]


@pytest.mark.slow
def test_the_report_asks_nothing_of_the_network_and_says_the_verdict_first(comparison, tmp_path):
    assert main([str(comparison), "--out", str(tmp_path), "--threshold", "CartPoleSwingUp-v0=100"]) == 0
    page = (tmp_path / "report.html").read_text()
    assert re.findall(r'(?:src|href|xlink:href)="(?!#|data:)', page) == []
    assert re.findall(r"@import|url\((?!#)", page) == []
    assert page.index("trpo ends") < page.index("<svg")
    assert "have reached 100" in page
    assert shlex.join(["--threshold", "CartPoleSwingUp-v0=100"]) in page
    identifiers = re.findall(r'\bid="([^"]*)"', page)
    assert len(identifiers) == len(set(identifiers))
    assert set(re.findall(r'(?:href="#|url\(#)([^")]*)', page)) <= set(identifiers)


@pytest.mark.slow
def test_a_hyperparameter_sweep_gets_a_ranking_and_a_heat_map_for_every_two_keys(tmp_path, rng):
    """3 learning rates x 2 discounts x 2 steps: the best is known."""
    number = 0
    for rate in (0.001, 0.01, 0.1):
        for gamma in (0.9, 0.99):
            for steps in (10, 80):
                returns = ppo_curves(rng, 4, 8, level=300 + 20 * (rate == 0.01) + 10 * (gamma == 0.99))
                settings = {"algo.learning_rate": rate, "gamma": gamma, "critic.steps": steps}
                write_run(tmp_path / "runs" / str(number), "ppo", "CartPole-v1", range(4), returns, config=settings)
                number += 1
    out = tmp_path / "out"
    assert main([str(tmp_path / "runs"), "--out", str(out), "--score", "best", "--x", "iteration"]) == 0
    maps = sorted(path.stem for path in out.glob("heat-map-*.png"))
    pairs = ("learning_rate-gamma", "learning_rate-steps", "steps-gamma")
    assert maps == [f"heat-map-ppo-{pair}-CartPole-v1" for pair in pairs]
    assert (out / "ranking-ppo-CartPole-v1.svg").exists()
    summary, settings = pd.read_csv(out / "summary.csv"), pd.read_csv(out / "settings.csv")
    assert len(summary) == 12
    best = summary.merge(settings, on="variant").sort_values("mean").iloc[-1]
    assert (best["algo.learning_rate"], best["gamma"]) == (0.01, 0.99)


def test_more_variants_than_colors_are_ranked_and_the_best_are_shown(tmp_path, rng):
    for number in range(11):
        returns = ppo_curves(rng, 3, 6, level=100 + 50 * number)
        config = {"algo.learning_rate": number + 1}
        write_run(tmp_path / str(number), "ppo", "CartPole-v1", range(3), returns, config=config)
    comparison = Comparison.of(load(tmp_path, ["episodic_return"]), Choices())
    assert comparison.shown == sorted(f"ppo learning_rate={number + 1}" for number in range(3, 11))
    assert len(comparison.summary) == 11
    assert any("11 variants: the best 8" in note for note in comparison.warnings)
