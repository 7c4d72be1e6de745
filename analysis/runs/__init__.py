"""What runs left behind: finding their directories, reading what each run was, and its rows."""

from analysis.run_format import InputError
from analysis.runs.directories import Run, RunWarning, find_runs
from analysis.runs.progress import read_progress

__all__ = ["InputError", "Run", "RunWarning", "find_runs", "read_progress"]
