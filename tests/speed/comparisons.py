"""Pairs of seedbed and a peer on the same work, both allowed all cores, run in turn."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from algos.kernels.intrinsics import WIDE
from algos.machine import usable_cores
from tests.speed.processes import Run, jax_peer, one_per_core, seedbed

CARTPOLE_SEEDS, CARTPOLE_STEPS = 36, 499_712  # 976 iterations of 4 × 128 steps

PPO_ALL_STEPS = ("experiment=post/swingup_ppo", "algo.target_kl=null")
PPO_POST = ("experiment=post/swingup_ppo",)
A2C_POST = ("experiment=post/swingup_a2c",)
A2C_ONE_CRITIC_STEP = ("experiment=post/swingup_a2c", "critic.update_epochs=1")
TRPO_POST = ("experiment=post/swingup_trpo",)

STRAIGHTFORWARD_AIM, SB3_AIM = (40, 25) if WIDE else (30, 18)  # for the post's PPO, with AVX-512 and with AVX2 code
REJAX_AIM = 2.2


@dataclass(frozen=True)
class Effort:
    """How much is run: `rounds` of every pair, and how long each side of it takes.

    CartPole's times are those of whole runs at the speed, in steps per second, of these shorter ones. `thorough` adds
    further settings of PPO and A2C, and the start-up with an empty cache.
    """

    rounds: int
    iterations: int
    peer_iterations: int
    num_seeds: int
    cartpole_iterations: int
    jax_steps: int
    sb3_cartpole_iterations: int
    scaling: tuple[int, ...]
    kernel_seconds: float
    simulator_rounds: int
    simulator_iterations: int
    thread_iterations: int
    thread_seeds: tuple[int, ...]
    lockstep_cases: tuple[str, ...]
    lockstep_rounds: int
    thorough: bool


FULL = Effort(
    rounds=3,
    iterations=4,
    peer_iterations=3,
    num_seeds=36,
    cartpole_iterations=250,
    jax_steps=128_000,
    sb3_cartpole_iterations=100,
    scaling=(1, 4, 12, 36, 144),
    kernel_seconds=3.0,
    simulator_rounds=3,
    simulator_iterations=11,
    thread_iterations=5,
    thread_seeds=(1, 5, 36),
    lockstep_cases=("sb3", "swingup"),
    lockstep_rounds=3,
    thorough=True,
)
QUICK = Effort(
    rounds=1,
    iterations=1,
    peer_iterations=1,
    num_seeds=12,
    cartpole_iterations=60,
    jax_steps=20_480,
    sb3_cartpole_iterations=20,
    scaling=(1, 12),
    kernel_seconds=0.3,
    simulator_rounds=1,
    simulator_iterations=5,
    thread_iterations=2,
    thread_seeds=(1, 5),
    lockstep_cases=("sb3",),
    lockstep_rounds=1,
    thorough=False,
)


@dataclass
class Side:
    """What one side took in each round, in the unit of its group."""

    seconds: list[float] = field(default_factory=list)
    details: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Group:
    """One setting, measured for seedbed and for its peers in every round."""

    title: str
    unit: str
    ours: Side
    peers: dict[str, Side]
    targets: dict[str, float]


Measure = Callable[[], tuple[float, str]]


def measure(title: str, unit: str, ours: Measure, peers: dict[str, tuple[Measure, float]], rounds: int) -> Group:
    """Runs ours and every peer in turn, `rounds` times over; each peer comes with the ratio that is aimed at."""
    group = Group(title, unit, Side(), {name: Side() for name in peers}, {name: t for name, (_, t) in peers.items()})
    sides = [(group.ours, ours)] + [(group.peers[name], peer) for name, (peer, _) in peers.items()]
    for _ in range(rounds):
        for side, run in sides:
            seconds, detail = run()
            side.seconds.append(seconds)
            side.details.append(detail)
    return group


def _steps(policy_steps: float) -> str:
    return "" if np.isnan(policy_steps) else f"; policy steps {policy_steps:.0f}"


def _stages(seconds: dict[str, float], policy_steps: float) -> str:
    stages = " + ".join(f"{seconds[stage] * 1e3:.1f}" for stage in ("rollout", "critic", "policy"))
    return f"{stages} ms{_steps(policy_steps)}"


def our_swingup(overrides: tuple[str, ...], effort: Effort) -> Measure:
    def run() -> tuple[float, str]:
        result: Run = seedbed(*overrides, num_seeds=effort.num_seeds, iterations=effort.iterations + 1)
        steady = result.timing[1:].median() / result.num_seeds
        stages = {stage: float(steady[f"{stage}_seconds"]) for stage in ("rollout", "critic", "policy")}
        return result.seed_seconds, _stages(stages, result.policy_steps)

    return run


def straightforward(algo: str, target_kl: str, effort: Effort) -> Measure:
    def run() -> tuple[float, str]:
        iterations = ("--iterations", str(effort.peer_iterations))
        results = one_per_core("tests.speed.straightforward", "--algo", algo, "--target-kl", target_kl, *iterations)
        seconds = np.mean([np.median(r["iteration_seconds"]) for r in results]) / usable_cores()
        stages = {
            s: np.mean([r["stage_seconds"][s] for r in results]) / usable_cores() for s in results[0]["stage_seconds"]
        }
        return float(seconds), _stages(stages, float(np.mean([r["policy_steps"] for r in results])))

    return run


def sb3(algo: str, effort: Effort) -> Measure:
    def run() -> tuple[float, str]:
        iterations = ("--iterations", str(effort.peer_iterations))
        results = one_per_core("tests.speed.sb3_peer", "--algo", algo, *iterations)
        seconds = np.mean([np.median(r["iteration_seconds"]) for r in results]) / usable_cores()
        rollout = np.mean([np.median(r["rollout_seconds"]) for r in results]) / usable_cores()
        return float(seconds), f"{rollout * 1e3:.0f} + {(seconds - rollout) * 1e3:.0f} (learning) ms"

    return run


def our_cartpole(effort: Effort) -> tuple[float, str]:
    result = seedbed(
        "experiment=purejaxrl_cartpole", num_seeds=CARTPOLE_SEEDS, iterations=effort.cartpole_iterations + 1
    )
    speed = 512 * CARTPOLE_SEEDS / result.timing["seconds"][1:].mean()
    return CARTPOLE_STEPS * CARTPOLE_SEEDS / speed, f"{speed:,.0f} steps/s"


def jax_cartpole(effort: Effort) -> tuple[float, str]:
    result = jax_peer(CARTPOLE_SEEDS, effort.jax_steps)
    speed = result["steps"] / result["seconds"]
    compiling = f"compiling, {result['compile_seconds']:.0f} s, left out"
    return CARTPOLE_STEPS * CARTPOLE_SEEDS / speed, f"{speed:,.0f} steps/s; {compiling}"


def sb3_cartpole(effort: Effort) -> tuple[float, str]:
    iterations = ("--iterations", str(effort.sb3_cartpole_iterations))
    results = one_per_core("tests.speed.sb3_peer", "--algo", "cartpole", *iterations)
    speed = sum(r["steps_per_iteration"] / np.median(r["iteration_seconds"]) for r in results)
    return CARTPOLE_STEPS * CARTPOLE_SEEDS / speed, f"{speed:,.0f} steps/s"


def groups(effort: Effort) -> list[Callable[[], Group]]:
    """Every comparison, ready to be run; the ratios aimed at are those of the project's speed targets."""
    per_seed = "s per seed and iteration"

    def swingup(title: str, overrides: tuple[str, ...], peers: dict[str, tuple[Measure, float]]) -> Callable[[], Group]:
        return lambda: measure(title, per_seed, our_swingup(overrides, effort), peers, effort.rounds)

    cartpole_title = f"PPO, PureJaxRL's CartPole, {CARTPOLE_SEEDS} seeds × {CARTPOLE_STEPS:,} steps"
    further = [
        swingup(
            "PPO swing-up, stopping at KL > 0.01 as the post does",
            PPO_POST,
            {"straightforward": (straightforward("ppo", "0.01", effort), STRAIGHTFORWARD_AIM)},
        ),
        swingup(
            "A2C swing-up, one critic step",
            A2C_ONE_CRITIC_STEP,
            {"SB3 A2C": (sb3("a2c", effort), float("nan"))},
        ),
    ]
    always = [
        swingup(
            "PPO swing-up, 80 critic and 80 policy steps",
            PPO_ALL_STEPS,
            {
                "straightforward": (straightforward("ppo", "inf", effort), STRAIGHTFORWARD_AIM),
                "SB3 PPO": (sb3("ppo", effort), SB3_AIM),
            },
        ),
        swingup(
            "A2C swing-up, 80 critic steps",
            A2C_POST,
            {"straightforward": (straightforward("a2c", "inf", effort), float("nan"))},
        ),
        swingup(
            "TRPO swing-up, 80 critic steps, 10 CG iterations",
            TRPO_POST,
            {"sb3-contrib TRPO": (sb3("trpo", effort), 18)},
        ),
        lambda: measure(
            cartpole_title,
            "s",
            lambda: our_cartpole(effort),
            {
                "rejax": (lambda: jax_cartpole(effort), REJAX_AIM),
                "SB3 PPO": (lambda: sb3_cartpole(effort), float("nan")),
            },
            effort.rounds,
        ),
    ]
    return always + further if effort.thorough else always
