"""A logger from outside is named like a variant, and is told every iteration."""

import pytest

from sweeps.errors import InputError
from sweeps.run_config import validate
from tests.composing import plain
from tests.sweeps.command import sizes, train

LINES = "tests.sweeps.line_logger.LineLogger"


def test_it_is_told_every_iteration(tmp_path):
    logger = f"logger={{_target_:{LINES},column:env_steps}}"
    assert train(*sizes("a2c"), "num_seeds=2", "iterations=3", logger, f"hydra.run.dir={tmp_path}").status == 0
    assert (tmp_path / "lines.txt").read_text().splitlines() == ["[0, 1] from 16", "0 16", "1 32", "2 48", "closed"]


@pytest.mark.parametrize(
    ("logger", "words"),
    [
        (f"logger={{_target_:{LINES}}}", r"^logger\.column: missing"),
        (f"logger={{_target_:{LINES},column:3}}", r"^logger\.column=3: expected: a valid string"),
        ("logger={_target_:tests.sweeps.line_logger.Line}", r"^logger\._target_=.*has no Line;"),
        ("logger={_target_:algos.ppo.PPO}", r"^logger\._target_='algos.ppo.PPO': has no settings class"),
        ("logger={column:x}", r"^logger\._target_: missing"),
    ],
)
def test_a_logger_that_is_none_is_refused(logger, words):
    with pytest.raises(InputError, match=words):
        validate(plain(logger))
