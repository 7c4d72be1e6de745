import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports have no figures, which take long to draw: for tests of what else a report holds."""
    monkeypatch.setattr("analysis.plots.figures.draw", lambda comparison: {})
