"""What the benchmarks compare must be the same work, and their arithmetic right."""

import numpy as np

from algos.envs.make import make_vec
from tests.speed import swingup
from tests.speed.comparisons import measure
from tests.speed.report import comparison_table, markdown


def test_peers_step_the_same_swingup():
    actions = np.random.default_rng(0).uniform(-1.5, 1.5, (550, 2, 1))
    batched = make_vec("CartPoleSwingUp-v0", 2, {}, "auto")
    obs, _ = batched.reset(seed=[3, 4])
    envs = [swingup.make(), swingup.make()]
    np.testing.assert_allclose(obs, [env.reset(seed=seed)[0] for env, seed in zip(envs, (3, 4), strict=True)])
    ends = 0
    for action in actions:
        obs, rewards, terminated, truncated, _ = batched.step(action)
        for n, env in enumerate(envs):
            single_obs, reward, single_terminated, single_truncated, _ = env.step(action[n])
            assert (single_terminated, single_truncated) == (terminated[n], truncated[n])
            np.testing.assert_allclose(reward, rewards[n], atol=1e-6)
            if single_terminated or single_truncated:
                ends += 1
                single_obs, _ = env.reset()
            np.testing.assert_allclose(single_obs, obs[n], atol=1e-5)
    assert ends >= 2


def test_ratios_pair_the_rounds():
    ours, peers = iter([1.0, 2.0, 4.0]), iter([10.0, 10.0, 80.0])
    group = measure("work", "s", lambda: (next(ours), "ours"), {"peer": (lambda: (next(peers), "theirs"), 9.0)}, 3)
    (row,) = comparison_table([group]).to_dict("records")
    assert row["times faster"] == "**10.0** (5.0–20.0)"
    assert (row["seedbed"], row["peer's"], row["aim"]) == ("2", "10", "9")
    assert markdown(comparison_table([group])).splitlines()[2].startswith("| work | s | 2 | peer | 10 |")
