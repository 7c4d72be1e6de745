"""The ledger of a tuning study: its cost, as a table."""

from pathlib import Path

import pandas as pd

from analysis.run_format import TEST, TUNING, InputError

LEDGER = "ledger.csv"
COLUMNS = (
    *("time", "process", "purpose", "variant", "env_id", "task", "trial", "run", "event", "seeds", "env_steps", "mark"),
)
TRAINED, KEPT, LOST = "trained", "kept", "lost"
"""Events of a ledger.

`trained`: a run has ended; the env steps are those of its rows. `kept`: an error ended it; the env steps are those up
to its checkpoint, and count until the run ends in another way. `lost`: it was killed; the env steps after its
checkpoint are done again.
"""


def read_ledger(path: Path) -> pd.DataFrame:
    """Every line of a ledger.

    Raises:
        InputError: The file cannot be read, or is no ledger.
    """
    try:
        table = pd.read_csv(path, dtype={"trial": str, "mark": str}, keep_default_na=False)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: {error}; expected: the ledger that seedbed tune wrote") from None
    if tuple(table.columns) != COLUMNS:
        raise InputError(f"{path}: not a ledger; expected: the file that seedbed tune wrote")
    return table


def costs(ledger: pd.DataFrame) -> pd.DataFrame:
    """One row per task and variant: `trials` that have ended, env steps of tuning and of tests, `lost` ones, and
    `total`.
    """
    ended = set(ledger.loc[ledger["event"] == TRAINED, "run"])
    kept = ledger[(ledger["event"] == KEPT) & ~ledger["run"].isin(ended)]
    furthest = kept.loc[kept.groupby("run")["env_steps"].idxmax()]
    ledger = pd.concat([ledger[ledger["event"] != KEPT], furthest])
    rows = []
    for (env_id, variant), group in ledger.groupby(["env_id", "variant"], sort=True):
        trained, tuning = group["event"] == TRAINED, group["purpose"] == TUNING
        done, steps = group["event"] != LOST, group["env_steps"]
        rows.append(
            {
                "env_id": env_id,
                "variant": variant,
                "trials": int((trained & tuning).sum()),
                "tuning": int(steps[done & tuning].sum()),
                "test": int(steps[done & (group["purpose"] == TEST)].sum()),
                "lost": int(steps[group["event"] == LOST].sum()),
                "total": int(steps.sum()),
            }
        )
    return pd.DataFrame(rows, columns=["env_id", "variant", "trials", "tuning", "test", "lost", "total"])
