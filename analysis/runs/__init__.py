"""What runs left behind: finding their directories, reading what each run was, and its rows."""

from analysis.runs.directories import InputError, Run, RunWarning, find_runs
from analysis.runs.progress import read_progress

__all__ = ["InputError", "Run", "RunWarning", "find_runs", "read_progress"]
