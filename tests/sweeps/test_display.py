"""What a run and a sweep show on terminals of several widths."""

import io

import numpy as np
import pytest
from rich.console import Console

from algos.core.loop import Iteration
from sweeps import display, status
from sweeps.status import Job


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def iterations():
    for number in range(3):
        returns = np.array([np.nan, np.nan]) if number == 1 else np.array([np.nan, 200.0 + number])
        yield Iteration(number, {"episodic_return": returns}, np.ones(2, bool), [], {}), 1_234_567.0


@pytest.mark.parametrize("width", [46, 80, 120])
def test_the_bar_fits_and_shows_the_last_known_return(width, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setattr(display, "Console", lambda **options: Console(file=terminal, width=width, force_terminal=True))
    for _ in display.shown(iterations(), "trpo on CartPole-v1", 0, 100, None):
        last = terminal.getvalue().splitlines()
    text = terminal.getvalue()
    assert "trpo on CartPole-v1" in last[0]
    assert "3/100" in text
    assert "…" not in text.split("3/100")[-1]
    assert "202.0" in text
    assert ("1,234,567 steps/s" in text) == (width >= 80)
    assert text.count("\u2501") > 8


def test_no_return_is_forgotten():
    last = display.LastReturn(None)
    assert [last.update(iteration) for iteration, _ in iterations()] == ["200.0", "200.0", "202.0"]
    assert display.LastReturn(12.34).text == "12.3"
    assert display.LastReturn(None).text == "none yet"


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_has_a_line_a_job_and_words_stay_whole(width):
    long = "algo=ppo seed=0 algo.optimiser.learning_rate=0.001"
    jobs = [
        Job("0-ppo-MountainCarContinuous-v0", long, "running", 120, 1000, 1.2, 45000.0, ""),
        Job("1-trpo-MountainCarContinuous-v0", "algo=trpo", "waiting", 0, 1000, None, None, ""),
        Job("2-a2c-CartPole-v1", "algo=a2c", "interrupted", 5, 1000, 1.0, 3.0, "RuntimeError: the robot fell over"),
    ]
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(status.table(jobs, 9, width))
    lines = console.file.getvalue().splitlines()
    assert len(lines) == 1 + 3 + 1 + 1
    assert all(len(line) <= width for line in lines)
    assert "interrupted  5/1000" in lines[1]
    assert "running      120/1000   17.6 min" in lines[2]
    assert "algo=ppo seed=" in lines[2]
    assert "algo=trpo" in lines[3]
    assert "RuntimeError: the robot fell over" in lines[4]


@pytest.mark.parametrize("width", [46, 80, 120])
def test_the_jobs_of_a_grid_are_told_apart(width):
    """By the directory's number and by what was overridden, as long as there is room for it."""
    grid = [(algo, rate) for algo in ("ppo", "trpo") for rate in (0.01, 0.001)]
    jobs = [
        Job(f"{n}-{algo}-CartPole-v1", f"algo={algo} algo.learning_rate={rate}", "running", 9, 100, 1.0, 1e6, "")
        for n, (algo, rate) in enumerate(grid)
    ]
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(status.table(jobs, 9, width))
    heading, *lines = console.file.getvalue().splitlines()[:-1]
    assert heading.split() == [
        "job",
        "state",
        "iteration",
        "time",
        "left",
        *(["env", "steps/s"] if width == 120 else []),
    ]
    for (algo, rate), line, n in zip(grid, lines, range(4), strict=True):
        assert line.startswith(str(n))
        assert algo in line.split()[1]
        assert f"{rate} " in line
        assert "running" in line
        assert "…" not in line
        assert len(line) <= width


def test_columns_that_say_nothing_are_left_out():
    job = Job("0-ppo-CartPole-v1", "algo=ppo", "complete", 4, 4, None, None, "")
    console = Console(file=io.StringIO(), width=120, highlight=False)
    console.print(status.table([job], 9, 120))
    assert console.file.getvalue().splitlines()[0].split() == ["job", "state", "iteration"]
    assert console.file.getvalue().splitlines()[1].split() == ["0-ppo-CartPole-v1", "algo=ppo", "complete", "4/4"]
