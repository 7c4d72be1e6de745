"""What the tab key offers, asked as a shell asks."""

import shutil
import subprocess
import sys

import pytest

from sweeps import ROOT, completion
from sweeps.cli import COMMANDS


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    monkeypatch.setenv("COMP_LINE", "")  # which Hydra is asked by
    monkeypatch.setattr(sys, "argv", ["seedbed"])


@pytest.mark.parametrize(
    ("line", "candidates"),
    [
        ("seedbed", list(COMMANDS)),
        ("seedbed ", list(COMMANDS)),
        ("seedbed stat", ["status"]),
        ("seedbed status --o", ["--once"]),
        ("seedbed compare --lat", ["--latex"]),
        ("seedbed completion f", ["fish"]),
        ("seedbed status ", []),
        ("seedbed nosuch ", []),
        ("seedbed train --config-", ["--config-dir"]),
        ("seedbed train --config-dir ", []),
        ("seedbed train al", ["algo.", "algo="]),
        ("seedbed train exp", ["experiment="]),
        ("seedbed tune algo=trpo algo.max_k", ["algo.max_kl="]),
        ("seedbed train -m num_seeds=3 algo=ppo", ["algo=ppo", "algo=ppo_penalty", "algo=ppo_sb3"]),
        ("seedbed train algo=trpo algo.max_", ["algo.max_backtracks=", "algo.max_kl="]),
        ("seedbed train algo=ppo algo.max_", []),
        ("seedbed train experiment=acrobot/t", ["experiment=acrobot/trpo"]),
        ("seedbed train hydra/launcher=jo", ["hydra/launcher=joblib"]),
        ("seedbed train s", ["seed="]),
        ("seedbed tune exp", []),
        ("seedbed tune tri", ["trials="]),
        ("seedbed study study=", ["study=ppo_a2c", "study=ppo_ppo", "study=ppo_trpo"]),
        ("seedbed study m", ["margin=", "metric="]),
        ("seedbed study study=mine hydra/launcher=jo", ["hydra/launcher=joblib"]),
    ],
)
def test_what_a_word_can_become(line, candidates):
    assert completion.candidates(line) == candidates


def test_options_of_ones_own_are_offered(tmp_path):
    (tmp_path / "algo").mkdir()
    (tmp_path / "algo" / "mine.yaml").write_text("name: mine\n")
    assert completion.candidates(f"seedbed train --config-dir {tmp_path} algo=mi") == ["algo=mine"]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("words", "replies"),
    [
        (("seedbed", "sta"), ["status"]),
        (("seedbed", "train", "algo", "=", "trp"), ["trpo", "trpo_sb3"]),
        (("seedbed", "train", "algo", "="), ["ppo"]),
        (("seedbed", "train", "algo=trp"), ["algo=trpo", "algo=trpo_sb3"]),
    ],
)
def test_bash_gets_the_rest_of_what_it_takes_for_a_word(words, replies):
    """It breaks a word at =, and then replaces only what is behind."""
    line = " ".join(words).replace(" = ", "=").replace(" =", "=")
    program = f"""
seedbed() {{ {sys.executable} -m sweeps.cli "$@"; }}
eval "$(seedbed completion bash)"
COMP_LINE='{line}' COMP_POINT={len(line)} COMP_WORDS=({" ".join(words)}) COMP_CWORD={len(words) - 1}
_seedbed
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    ended = subprocess.run(["bash", "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(replies) <= set(ended.stdout.split())
    assert len(ended.stdout.split()) < 12
