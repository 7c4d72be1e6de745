"""Reads run directories and shows how seeds spread: frames, statistics, plots and the report. Reads files only."""

from analysis.load import load_runs
from analysis.runs import InputError, RunWarning

__all__ = ["InputError", "RunWarning", "load_runs"]
