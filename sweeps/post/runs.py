"""The training runs behind the figures, in the order in which they are trained."""

from dataclasses import replace

from sweeps.batch import Run

NUM_SEEDS = 36
ABLATION_ITERATIONS = 64
"""Enough for PPO to reach its plateau (by iteration 40), and for A2C's stuck seeds to part from the others."""

SPREAD = (
    "policy.spread=log_std",
    "policy.spread_init=0.5",
)  # e^0.5 is the standard deviation that the post begins with
DEPARTURES = {
    "critic-target": ("estimator.critic_target=gae",),
    "values-after-fit": ("estimator.values_after_fit=false",),
    "bootstrap-in-reward": ("estimator.bootstrap_in_reward=false",),
    "cut-traces": ("estimator.cut_traces=true",),
    "time-limits": ("estimator.bootstrap_truncations=true",),
    "spread": SPREAD,
}
"""The post's departures from the textbook, as the overrides that switch each to the textbook's way."""

KL = ("algo.kl_estimator=k3", "algo.stop_after_step=false")
DEPARTURES_OF = {"a2c": DEPARTURES, "ppo": DEPARTURES | {"kl": KL}}
"""By variant; only PPO estimates a KL and stops on it."""

TEXTBOOK = {
    "ppo": ("estimator=textbook", *SPREAD, *KL),
    "a2c": ("estimator=textbook", *SPREAD),
    "trpo": ("estimator=textbook", *SPREAD),
}
"""All departures switched together."""


def shortened(run: Run) -> Run:
    """The same with few seeds and iterations, and rollouts just longer than an episode."""
    length = () if run == HALF_TRAINED else ("iterations=12",)
    return replace(run, num_seeds=min(run.num_seeds, 3), overrides=(*run.overrides, *length, "num_steps=520"))


HALF_TRAINED = Run("half-trained", "post/swingup_ppo", 1, ("iterations=12",))

RUNS = (
    *(Run(f"swingup-36-{algo}", f"post/swingup_{algo}", NUM_SEEDS) for algo in ("ppo", "a2c", "trpo")),
    *(Run(f"cartpole-{algo}", f"post/cartpole_{algo}", 1) for algo in ("ppo", "a2c")),
    HALF_TRAINED,
    *(Run(f"textbook-{algo}", f"post/swingup_{algo}", NUM_SEEDS, TEXTBOOK[algo]) for algo in ("ppo", "a2c", "trpo")),
    *(
        Run(
            f"ablation-{algo}-{departure}",
            f"post/swingup_{algo}",
            NUM_SEEDS,
            (*overrides, f"iterations={ABLATION_ITERATIONS}"),
        )
        for algo in ("a2c", "ppo")
        for departure, overrides in DEPARTURES_OF[algo].items()
    ),
)
