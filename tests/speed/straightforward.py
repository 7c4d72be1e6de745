"""Times the straightforward program on the post's swing-up: one seed, one thread, Python environments, float64.

The program is the test oracle of the faithful mode, so what is timed is also known to be right. Prints one JSON line.
"""

import argparse
import json

import numpy as np
import torch

from tests.oracles.post_program import Departures, train
from tests.speed import swingup

NUM_ENVS, NUM_STEPS, HIDDEN = 8, 4052, 64


def linear(rng: np.random.Generator, inputs: int, outputs: int) -> list[np.ndarray]:
    """PyTorch's default initialisation of a linear layer."""
    bound = inputs**-0.5
    return [rng.uniform(-bound, bound, (inputs, outputs)), rng.uniform(-bound, bound, outputs)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--algo", choices=["a2c", "ppo"], required=True)
    parser.add_argument("--target-kl", type=float, required=True, help="inf: take all policy steps")
    parser.add_argument("--iterations", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    args = parser.parse_args()

    torch.set_num_threads(1)
    rng = np.random.default_rng(args.seed)
    obs_dim = 5
    output, critic_output = (
        linear(rng, HIDDEN, 1) if args.algo == "a2c" else [np.zeros((HIDDEN, 1)), np.zeros(1)] for _ in range(2)
    )
    iterations = train(
        [swingup.make() for _ in range(NUM_ENVS)],
        [args.seed * NUM_ENVS + n for n in range(NUM_ENVS)],
        [*linear(rng, obs_dim, HIDDEN), *output, np.ones(1)],
        [*linear(rng, obs_dim, HIDDEN), *critic_output],
        [rng.standard_normal((NUM_STEPS, NUM_ENVS, 1)) for _ in range(args.iterations)],
        algo=args.algo,
        gamma=0.999,
        gae_lambda=0.99,
        policy_lr=1e-2,
        critic_lr=1e-1,
        critic_steps=80,
        policy_steps=1 if args.algo == "a2c" else 80,
        clip_coef=0.1,
        target_kl=args.target_kl,
        departures=Departures(),
    )
    stages = ("rollout", "critic", "policy")
    rows = [{stage: getattr(i, f"{stage}_seconds") for stage in stages} for i in iterations]
    print(
        json.dumps(
            {
                "iteration_seconds": [sum(row.values()) for row in rows],
                "stage_seconds": {stage: float(np.median([row[stage] for row in rows])) for stage in stages},
                "policy_steps": [i.policy_steps for i in iterations],
            }
        )
    )


if __name__ == "__main__":
    main()
