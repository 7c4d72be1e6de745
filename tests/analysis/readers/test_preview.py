"""What is found can be looked at before it is compared."""

from analysis.command import main
from analysis.export import main as export
from tests.analysis.readers.conftest import SEEDS, Source
from tests.analysis.synthetic import write_run


def test_what_a_pattern_makes_of_runs(sb3: Source, capsys):
    assert main([str(sb3.root), "--pattern", "{variant}/*_{seed}", "--preview"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(SEEDS)
    for seed, line in zip(SEEDS, lines, strict=True):
        assert line.startswith(f"{sb3.run(seed)}: sb3, variant ppo, task CartPole-v1, seed {seed}; episodic_return")


def test_what_is_still_open_is_shown(sb3: Source, capsys):
    assert export([str(sb3.root), "--preview"]) == 0
    assert "variant not known, task CartPole-v1, seed not known" in capsys.readouterr().out


def test_runs_of_seedbed_and_of_wrong_paths(tmp_path, rng, capsys):
    write_run(tmp_path / "mine", "ppo", "CartPole-v1", range(3), rng.normal(size=(3, 4)))
    assert main([str(tmp_path), "--preview"]) == 0
    assert "seedbed, variant ppo, task CartPole-v1, 3 seeds" in capsys.readouterr().out
    assert main([f"sb4:{tmp_path}", "--preview"]) == 2
    assert "formats of FORMAT:PATH: wandb, sb3, tensorboard" in capsys.readouterr().err
    assert main([f"sb3:{tmp_path}", "--preview"]) == 2
    assert "holds no run; expected: *.monitor.csv" in capsys.readouterr().err


def test_a_bar_says_how_far_many_logs_are_read(sb3: Source, monkeypatch, capsys):
    monkeypatch.setattr("analysis.readers.SHOWN_FROM", 1)
    monkeypatch.setenv("FORCE_COLOR", "1")  # as on a terminal
    assert main([str(sb3.root), "--preview"]) == 0
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == len(SEEDS)
    assert "Reading logs" in printed.err
    assert "100%" in printed.err
