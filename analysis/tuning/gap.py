"""How much better a winner looked while it was chosen than it is: the score that chose it less that on fresh seeds."""

import numpy as np
import pandas as pd

from analysis import statistics as st
from analysis.summary import CONFIDENCE
from analysis.tuning.study import TUNED, Study


def gap_table(study: Study) -> pd.DataFrame:
    """One row per task and variant: `tuning`, the winner's mean score over tuning seeds; `fresh`, its mean over fresh
    seeds, with `fresh_low` and `fresh_high`; `gap`, `low`, `high`: tuning less fresh, positive where tuning promised
    too much, and its interval.

    The tuning score is what it is: the best of many, so it cannot be averaged anew. All that is uncertain is what the
    winner really scores, of which the fresh seeds say how well they know it.
    """
    rows = []
    for winner in study.winners.to_dict("records"):
        fresh = scores_of(study, str(winner["variant"]), str(winner["env_id"]), TUNED)
        row = {"env_id": winner["env_id"], "variant": winner["variant"], "trial": winner["trial"], "seeds": len(fresh)}
        row |= {"tuning": winner["score"], "fresh": fresh.mean() if len(fresh) else np.nan}
        low, high = map(float, st.mean_interval([fresh], CONFIDENCE)) if len(fresh) > 1 else (np.nan, np.nan)
        row |= {"fresh_low": low, "fresh_high": high} | gap(float(winner["score"]), fresh, study.sign)
        rows.append(row)
    return pd.DataFrame(rows)


def gap(tuning: float, fresh: np.ndarray, sign: float = 1.0) -> dict[str, float]:
    """`gap`, `low` and `high` of one winner, from its tuning score and its scores on fresh seeds [n]."""
    if not len(fresh):
        return {"gap": np.nan, "low": np.nan, "high": np.nan}
    value = sign * (tuning - float(fresh.mean()))
    if len(fresh) < 2:
        return {"gap": value, "low": np.nan, "high": np.nan}
    limits = sorted(sign * (tuning - float(limit)) for limit in st.mean_interval([fresh], CONFIDENCE))
    return {"gap": value, "low": limits[0], "high": limits[1]}


def scores_of(study: Study, variant: str, env_id: str, origin: str) -> np.ndarray:
    """[n], the scores on fresh seeds, seeds in order."""
    fresh = study.fresh
    here = (fresh["variant"] == variant) & (fresh["env_id"] == env_id) & (fresh["origin"] == origin)
    return np.asarray(fresh[here].sort_values("seed")["score"], dtype=float)
