"""Times rejax's PPO on CartPole-v1 with PureJaxRL's settings, all seeds vmapped. Prints one JSON line.

Runs in an environment of its own (requirements-jax.txt). Compilation is timed apart, and no evaluation runs. Where
rejax leaves PureJaxRL: a constant learning rate, gradients clipped by element, actor and critic updated in turn.
"""

import argparse
import json
from time import perf_counter

NUM_ENVS, NUM_STEPS = 4, 128


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--num-seeds", type=int, required=True)
    parser.add_argument("--total-steps", type=int, required=True, help="environment steps of each seed")
    args = parser.parse_args()
    import jax  # in an environment of its own
    from rejax import PPO

    algo = PPO.create(
        env="CartPole-v1",
        num_envs=NUM_ENVS,
        num_steps=NUM_STEPS,
        num_epochs=4,
        num_minibatches=4,
        learning_rate=2.5e-4,
        max_grad_norm=0.5,
        gamma=0.99,
        gae_lambda=0.95,
        clip_eps=0.2,
        vf_coef=0.5,
        ent_coef=0.01,
        agent_kwargs={"activation": "tanh", "hidden_layer_sizes": (64, 64)},
        total_timesteps=args.total_steps,
        eval_freq=args.total_steps,
        skip_initial_evaluation=True,
    ).replace(eval_callback=lambda algo, state, key: ())

    keys = jax.random.split(jax.random.PRNGKey(0), args.num_seeds)
    started = perf_counter()
    train = jax.jit(jax.vmap(algo.train)).lower(keys).compile()
    compiled = perf_counter()
    state, _ = jax.block_until_ready(train(keys))
    done = perf_counter()
    print(
        json.dumps(
            {
                "compile_seconds": compiled - started,
                "seconds": done - compiled,
                "steps": int(state.global_step.sum()),
                "jax": jax.__version__,
            }
        )
    )


if __name__ == "__main__":
    main()
