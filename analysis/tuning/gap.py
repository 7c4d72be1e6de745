"""The tuning gap: how much better a winner's tuning score is than its score on fresh seeds."""

import numpy as np
import pandas as pd

from analysis import statistics as st
from analysis.summary import CONFIDENCE
from analysis.tuning.study import TUNED, Study


def gap_table(study: Study) -> pd.DataFrame:
    """One row per task and variant.

    Columns: `tuning`, the winner's mean score over tuning seeds; `fresh`, its mean over fresh seeds, with `fresh_low`
    and `fresh_high`; `gap`, `low`, `high`: tuning minus fresh and its interval. A positive gap means that tuning
    promised too much.

    The tuning score is taken as exact: it is the best of many and cannot be averaged anew. Only the winner's true score
    is uncertain, and the fresh seeds say how uncertain.
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
    """Scores [n] on fresh seeds, sorted by seed."""
    fresh = study.fresh
    here = (fresh["variant"] == variant) & (fresh["env_id"] == env_id) & (fresh["origin"] == origin)
    return np.asarray(fresh[here].sort_values("seed")["score"], dtype=float)
