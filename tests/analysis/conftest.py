import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20)


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports have no figures, which take long to draw: for tests of what else a report holds."""
    monkeypatch.setattr("analysis.plots.figures.draw", lambda comparison: {})


@pytest.fixture
def own_figures_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reports have no figures but the curves and the user's own."""
    monkeypatch.setattr("analysis.plots.figures.task_figures", lambda *arguments: [])
