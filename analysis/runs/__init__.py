"""Runs: their directories, their settings, their rows, their variants, and one tidy frame of all rows."""

from analysis.run_format import InputError
from analysis.runs.directories import Run, RunWarning, find_runs
from analysis.runs.progress import read_progress

__all__ = ["InputError", "Run", "RunWarning", "find_runs", "read_progress"]
