"""Which claims of the post hold, in one paragraph each. The words follow from the numbers of the runs."""

import numpy as np
import pandas as pd

from analysis.numbers import number
from analysis.pairs import BETTER, SAME, pair_table
from sweeps.post.data import Data
from sweeps.post.scores import GROUPS, SCORES, TASK, ablation_runs, ablation_table, group_shares, margins

SOLVED = list(GROUPS)[-1]
COMPARED = tuple(f"swingup-36-{algo}" for algo in ("ppo", "a2c", "trpo"))
ABLATED = ("ppo", "a2c")
WHEN = {"final": "at the end", "over training": "over training"}


def summary(data: Data) -> list[str]:
    """One paragraph per claim, or none if some of the runs are missing."""
    needed = [*COMPARED, "cartpole-ppo", *(run for algo in ABLATED for run in ablation_runs(algo).values())]
    if not all(data.has(run) for run in needed):
        return []
    return [every_seed(data), only_some(data), steeper(data), better_than_trpo(data), arithmetic(data)]


def every_seed(data: Data) -> str:
    """The post: with PPO "every agent manages to "solve" the environment"."""
    solved, total = solved_of(data, "ppo")
    verdict = "holds" if solved == total else "does not hold"
    return f"PPO solves the swing-up with every seed: **{verdict}** ({solved} of {total} seeds end above {level()})."


def only_some(data: Data) -> str:
    """The post: "only some agents using A2C reach this level"."""
    solved, total = solved_of(data, "a2c")
    verdict = "holds" if 0 < solved < total else "does not hold"
    return f"A2C does so with some seeds only: **{verdict}** ({solved} of {total} seeds)."


def steeper(data: Data) -> str:
    """The post: PPO's learning curve "is much steeper" than that of A2C."""
    row = compared(data, "ppo", "a2c", "over training")
    return f"PPO learns faster than A2C: **{verdict_of(row, 'ppo')}** ({lead(row)} over training)."


def better_than_trpo(data: Data) -> str:
    """The post: PPO "outperforms TRPO". The post has no run of TRPO."""
    end, over = (compared(data, "ppo", "trpo", score) for score in SCORES)
    return (
        "PPO outperforms TRPO, which the post claims without a run of TRPO: "
        f"**{verdict_of(end, 'ppo')}** at the end of training ({lead(end)}), "
        f"**{verdict_of(over, 'ppo')}** over training ({lead(over)})."
    )


def arithmetic(data: Data) -> str:
    """How the post's arithmetic differs from the textbook's, and what that changes."""
    tables = pd.concat(ablation_table(data, algo).assign(algo=algo.upper()) for algo in ABLATED)
    told = tables[tables["outcome"] == BETTER]
    switches = [
        f"`{departure}` for {algo} ({', '.join(f'{each:+.0f} {WHEN[score]}' for score, each in changes.items())})"
        for (algo, departure), rows in told.groupby(["algo", "departure"], sort=False)
        for changes in [dict(zip(rows["score"], rows["difference"], strict=True))]
    ]
    frame = data.frame("cartpole-ppo")
    drawn = frame["post_return"].max()
    return (
        "The post's arithmetic is not the textbook's. The numbers in its figures are not returns "
        f"(up to {number(drawn)} on CartPole-v0, where no return exceeds 200). Replacing one of its rules by the "
        f"textbook's changes the return significantly for: {', '.join(switches) or 'none'}."
    )


def level() -> str:
    return number(GROUPS[SOLVED][0])


def solved_of(data: Data, algo: str) -> tuple[int, int]:
    """The number of seeds of a variant that solve the task, and the number of all."""
    shares = group_shares(data.frame(f"swingup-36-{algo}"))
    return shares[SOLVED], sum(shares.values())


def compared(data: Data, first: str, second: str, score: str) -> pd.Series:
    """The row of :func:`analysis.pairs.pair_table` for true returns of two variants, by the post's arithmetic."""
    frames = {algo: data.frame(f"swingup-36-{algo}") for algo in (first, second)}
    scores = pd.concat(
        pd.DataFrame({"env_id": TASK, "variant": algo, "seed": np.unique(frame["seed"])}).assign(
            **{score: SCORES[score](frame, "episodic_return")}
        )
        for algo, frame in frames.items()
    )
    return pair_table([(TASK, scores)], score, margins=margins()).iloc[0]


def verdict_of(row: pd.Series, expected: str) -> str:
    """Whether the claim holds that ``expected`` is better than the other variant."""
    if row["outcome"] == BETTER:
        return "holds" if row["a"] == expected else "does not hold"
    return "does not hold" if row["outcome"] == SAME else "undecided"


def lead(row: pd.Series) -> str:
    """Which variant is ahead, by how much, and the interval."""
    same = "practically the same, " * (row["outcome"] == SAME)
    interval = f"95% interval {number(row['difference_low'])} to {number(row['difference_high'])}"
    return f"{same}{row['a'].upper()} ahead by {number(row['difference'])}, {interval}"
