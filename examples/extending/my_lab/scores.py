"""Scores: one number a seed, made of its learning curve, for ``--score my_lab.scores:steadiness``."""

import numpy as np


def steadiness(values: np.ndarray, env_steps: np.ndarray) -> np.ndarray:
    """The worst drop from a seed's best return so far, negative: 0 is a curve that never falls.

    ``values [S, G]`` are the curves on a common grid ``env_steps [G]``, NaN where a seed has no value; the result is
    ``[S]``. The comparison takes more to be better. The first sentence above is what the report says of the score.
    """
    best_so_far = np.fmax.accumulate(values, axis=1)
    return np.nanmin(values - best_so_far, axis=1)
