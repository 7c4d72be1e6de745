"""Analysis of runs: it reads run directories, compares variants by statistics over seeds, and draws figures and the
report.

It reads files only. Names are imported on first use, so a program that only reads a run starts without the plotting
libraries.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis import plots, statistics
    from analysis.alignment import align
    from analysis.comparison import Comparison, compare
    from analysis.export import rliable_arrays
    from analysis.run_format import InputError
    from analysis.runs import RunWarning
    from analysis.runs.dataset import load_runs
    from analysis.scores import seed_scores

__all__ = [
    "Comparison",
    "InputError",
    "RunWarning",
    "align",
    "compare",
    "load_runs",
    "plots",
    "rliable_arrays",
    "seed_scores",
    "statistics",
]

HOMES = {
    "Comparison": "comparison",
    "InputError": "run_format",
    "RunWarning": "runs",
    "align": "alignment",
    "compare": "comparison",
    "load_runs": "runs.dataset",
    "rliable_arrays": "export",
    "seed_scores": "scores",
}


def __getattr__(name: str) -> Any:
    if name in HOMES:
        return getattr(import_module(f"analysis.{HOMES[name]}"), name)
    if name in __all__:
        return import_module(f"analysis.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
