"""Times raw steps of the batched swing-up, nothing else: the limit of a rollout. Prints one JSON line."""

import argparse
import json
from time import perf_counter

import numpy as np

from algos.envs.make import make_vec

NUM_ENVS = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num-seeds", type=int, required=True)
    parser.add_argument("--num-steps", type=int, required=True)
    args = parser.parse_args()

    num_envs = args.num_seeds * NUM_ENVS
    envs = make_vec("CartPoleSwingUp-v0", num_envs, {}, "auto")
    envs.reset(seed=list(range(num_envs)))
    actions = np.random.default_rng(0).uniform(-1, 1, (args.num_steps, num_envs, 1)).astype(np.float32)
    envs.step(actions[0])
    started = perf_counter()
    for action in actions:
        envs.step(action)
    seconds = perf_counter() - started
    print(json.dumps({"env_steps_per_second": args.num_steps * num_envs / seconds}))


if __name__ == "__main__":
    main()
