"""Play trained policies and summarise their returns."""

from pathlib import Path

import numpy as np
import pandas as pd

from algos.build import make_evaluator
from algos.core.evaluation import MODES
from analysis import statistics as st
from analysis.run_format import read_config
from analysis.summary import CONFIDENCE
from sweeps.trained import failed_seeds, load_agents


def evaluate(directory: Path, num_episodes: int) -> pd.DataFrame:
    """Play the policies in the last checkpoint of a run, in both modes. Seeds that failed have no policy and no rows.

    Initial states and the noise of actions are those of the evaluations during training.

    Returns:
        One row per seed, mode and episode: ``algo, env_id, seed, mode, episode, return, length``.

    Raises:
        InputError: There is no such run, or it has no checkpoint yet.
        TaskError: The task cannot be made, or its episodes may never end.
    """
    content = read_config(directory)
    config, policy, _ = load_agents(directory, range(content["seed"], content["seed"] + content["num_seeds"]))
    evaluator = make_evaluator(config, num_episodes)
    tables = []
    for mode in MODES:
        returns, lengths = evaluator.play(policy, mode)
        seeds, episodes = (index.ravel() for index in np.indices(returns.shape))
        columns = {
            "algo": config.algo.name,
            "env_id": config.env.id,
            "seed": np.array(config.seeds)[seeds],
            "mode": mode,
            "episode": episodes,
            "return": returns.ravel(),
            "length": lengths.ravel(),
        }
        tables.append(pd.DataFrame(columns))
    evaluator.envs.close()
    table = pd.concat(tables, ignore_index=True)
    return table[~table["seed"].isin(failed_seeds(directory))].reset_index(drop=True)


def summary(table: pd.DataFrame) -> str:
    """One line per mode: the mean return over seeds with its 95% interval, and the lowest seed."""
    lines = []
    for mode, rows in table.groupby("mode", sort=False):
        means = rows.groupby("seed")["return"].mean().to_numpy()
        line = f"  {mode}: mean return {means.mean():.1f}"
        if len(means) > 1:
            low, high = st.mean_interval([means], CONFIDENCE)
            line += f" [{low:.1f}, {high:.1f}] over {len(means)} seeds, lowest {means.min():.1f}"
        lines.append(line)
    return "\n".join(lines)
