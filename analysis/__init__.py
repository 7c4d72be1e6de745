"""Reads run directories and shows how seeds spread: frames, statistics, plots and the report. Reads files only."""

from analysis import plots, statistics
from analysis.align import align
from analysis.load import load_runs
from analysis.runs import InputError, RunWarning
from analysis.scores import seed_scores

__all__ = ["InputError", "RunWarning", "align", "load_runs", "plots", "seed_scores", "statistics"]
