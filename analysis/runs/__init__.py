"""What runs left behind: their directories, what each run was, its rows, its variant, and one tidy frame of all."""

from analysis.run_format import InputError
from analysis.runs.directories import Run, RunWarning, find_runs
from analysis.runs.progress import read_progress

__all__ = ["InputError", "Run", "RunWarning", "find_runs", "read_progress"]
