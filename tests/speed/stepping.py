"""Times raw steps of a task with random actions, nothing else: the limit of a rollout. Prints one JSON line."""

import argparse
import json
from time import perf_counter

import numpy as np

from algos.envs.make import make_vec


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="CartPoleSwingUp-v0")
    parser.add_argument("--num-envs", type=int, required=True)
    parser.add_argument("--num-steps", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    num_envs = args.num_envs
    envs = make_vec(args.env_id, num_envs, {}, "auto")
    envs.reset(seed=list(range(args.seed * num_envs, (args.seed + 1) * num_envs)))
    action_shape = (args.num_steps, *envs.action_space.shape)
    actions = np.random.default_rng(args.seed).uniform(-1, 1, action_shape).astype(np.float32)
    envs.step(actions[0])
    started = perf_counter()
    for action in actions:
        envs.step(action)
    seconds = perf_counter() - started
    print(json.dumps({"env_steps_per_second": args.num_steps * num_envs / seconds}))


if __name__ == "__main__":
    main()
