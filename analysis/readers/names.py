"""Names: what other programs call the compared quantities, and what kind of number each is."""

from collections.abc import Collection, Sequence

from analysis.readers.logs import Request
from analysis.run_format import InputError

RETURN, EVALUATION_RETURN, LENGTH = "episodic_return", "eval_return", "episodic_length"
TRAINING, EVALUATION = "training", "evaluation"

KNOWN = {
    RETURN: (
        "charts/episodic_return",  # CleanRL, one episode each
        "train/returns_stat/mean",  # Tianshou 1
        "train/reward",  # Tianshou 0
        "rollout/ep_rew_mean",  # SB3, a window
        "charts/avg_episodic_return",  # CleanRL with EnvPool, a window
    ),
    EVALUATION_RETURN: (
        "eval/mean_reward",  # SB3
        "test/returns_stat/mean",
        "test/reward",
        "mean_episode_return",  # marl-eval
    ),
    LENGTH: (
        "charts/episodic_length",
        "train/lens_stat/mean",
        "train/length",
        "rollout/ep_len_mean",
    ),
}
"""Names in other programs' logs, by our name. Exact numbers come before averaged ones."""

AVERAGED = {
    "rollout/ep_rew_mean": "the last 100 episodes (stats_window_size)",
    "rollout/ep_len_mean": "the last 100 episodes (stats_window_size)",
    "charts/avg_episodic_return": "the last 20 episodes",
}
"""Numbers that are means over a moving window, and the window."""

NOT_OVER_ENV_STEPS = {"eval/episodic_return": "its steps count episodes (CleanRL)"}


def choose(names: Collection[str], wanted: str, request: Request) -> str | None:
    """The log's name of the quantity `wanted`, one of `names`. None if the log does not have it.

    Raises:
        InputError: The series is not one over env steps.
    """
    asked = request.theirs(wanted)
    if asked in NOT_OVER_ENV_STEPS and asked in names:
        raise InputError(f"metric {asked}: {NOT_OVER_ENV_STEPS[asked]}; expected: a series over env steps")
    return next((name for name in (asked, wanted, *KNOWN.get(wanted, ())) if name in names), None)


def candidates(wanted: Sequence[str], request: Request) -> set[str]:
    """Every name under which a log may have one of the `wanted` quantities."""
    return {name for each in wanted for name in (request.theirs(each), each, *KNOWN.get(each, ()))}


def kind(name: str) -> str | None:
    """Whether a quantity is of training or of evaluations, by its name. None if the name does not say."""
    if name in KNOWN[EVALUATION_RETURN] or name.startswith(("eval", "test/", "absolute")):
        return EVALUATION
    if name in KNOWN[RETURN] or name == RETURN or name.startswith(("rollout/", "train/")):
        return TRAINING
    return None
