"""What tuning found: spaces, trials, curves against the number of trials, sensitivity, importance, the answer."""

from analysis.tuning.space import Distribution, read_space

__all__ = ["Distribution", "read_space"]
