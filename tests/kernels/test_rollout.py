"""The compiled rollout against environments stepped one action at a time and networks as plain matrix products."""

from itertools import pairwise

import numba
import numpy as np
import pytest
from numpy.typing import DTypeLike

from algos.envs import make_vec
from algos.envs.batched import RESETS_AHEAD, BatchedEnv
from algos.kernels.rollout import Steps, rollout

CASES = {
    "box": ("CartPoleSwingUp-v1", (5, 64, 1), "relu"),
    "choice of two, deep": ("CartPole-v1", (4, 6, 9, 2), "tanh"),
    "choice of three": ("MountainCar-v0", (2, 7, 3), "tanh"),
    "linear": ("CartPole-v1", (4, 2), "relu"),
}
N = 3


class Run:
    """Seeds of one case, each with parameters, noise and environments of its own."""

    def __init__(self, case: str, seeds: list[int], num_steps: int, dtype: DTypeLike) -> None:
        env_id, self.sizes, self.activation = CASES[case]
        self.envs = make_vec(env_id, len(seeds) * N, {}, "auto", max_episode_steps=20)
        assert isinstance(self.envs, BatchedEnv)
        self.env_seeds = [100 * seed + n for seed in seeds for n in range(N)]
        self.first_obs = self.envs.reset(seed=self.env_seeds)[0]
        rngs = [np.random.default_rng(seed) for seed in seeds]
        num_params = sum((a + 1) * b for a, b in pairwise(self.sizes))
        self.box = case == "box"
        self.params = np.stack([rng.normal(0, 0.5, num_params) for rng in rngs]).astype(dtype)
        self.std = np.stack([rng.uniform(0.5, 2, 1) for rng in rngs]).astype(dtype)
        noise = [rng.normal(size=(num_steps, N, 1)) if self.box else rng.random((num_steps, N, 1)) for rng in rngs]
        self.noise = np.stack(noise).astype(dtype)
        self.mean = np.stack([rng.normal(0, 0.1, self.sizes[0]) for rng in rngs]).astype(dtype)
        self.scale = np.stack([rng.uniform(0.5, 2, self.sizes[0]) for rng in rngs]).astype(dtype)
        self.episode_return = np.zeros((len(seeds), N))

    def steps(self, start: int, stop: int) -> Steps:
        return rollout(
            self.envs,
            self.sizes,
            self.activation,
            self.params,
            self.std if self.box else None,
            np.ascontiguousarray(self.noise[:, start:stop]),
            self.mean,
            self.scale,
            0.8,
            self.episode_return,
        )

    def outputs(self, obs: np.ndarray) -> np.ndarray:
        """Of the networks at obs [S, ..., D], as matrix products in float64."""
        x = np.clip((obs - self.mean[:, None, None]) / self.scale[:, None, None], -0.8, 0.8).astype(np.float64)
        start = 0
        for layer, (fan_in, fan_out) in enumerate(pairwise(self.sizes)):
            weights = self.params[:, start : start + fan_in * fan_out].reshape(-1, 1, fan_in, fan_out)
            start += fan_in * fan_out
            x = x @ weights + self.params[:, None, None, start : start + fan_out]
            start += fan_out
            if layer < len(self.sizes) - 2:
                x = np.tanh(x) if self.activation == "tanh" else np.maximum(x, 0)
        return x


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("case", CASES)
def test_actions_are_the_policys(case: str, dtype: DTypeLike) -> None:
    run = Run(case, [1, 2], 300, dtype)
    steps = run.steps(0, 300)
    assert steps.obs.dtype == run.params.dtype
    outputs = run.outputs(steps.obs)
    tolerance = 1e-4 if dtype == np.float32 else 1e-11
    if run.box:
        np.testing.assert_allclose(steps.actions, outputs + run.std[:, None, None] * run.noise, atol=tolerance)
        assert abs(steps.actions).max() > 1  # recorded unclipped
    else:
        assert steps.actions.dtype == np.int64
        probs = np.exp(outputs - outputs.max(-1, keepdims=True))
        edges = np.pad(np.cumsum(probs, -1), [(0, 0)] * 3 + [(1, 0)]) / probs.sum(-1, keepdims=True)
        below = np.take_along_axis(edges, steps.actions, -1)
        above = np.take_along_axis(edges, steps.actions + 1, -1)
        assert (below - tolerance <= run.noise).all()
        assert (run.noise <= above + tolerance).all()
        assert np.unique(steps.actions).size == run.sizes[-1]


@pytest.mark.parametrize("case", CASES)
def test_equals_stepping_the_environments_with_its_actions(case: str) -> None:
    """Over two rollouts, which an episode spans, and more steps than resets are drawn ahead."""
    num_steps = RESETS_AHEAD + 150
    run = Run(case, [3, 4], 2 * num_steps, np.float32)
    envs = make_vec(CASES[case][0], 2 * N, {}, "auto", max_episode_steps=20)
    obs = envs.reset(seed=run.env_seeds)[0]
    episode_return, episode_length = np.zeros(2 * N), np.zeros(2 * N, int)
    for part in range(2):
        steps = run.steps(part * num_steps, (part + 1) * num_steps)
        count, return_sum, length_sum, finals = np.zeros(2, int), np.zeros(2), np.zeros(2, int), {}
        for t in range(num_steps):
            np.testing.assert_array_equal(steps.obs[:, t].reshape(2 * N, -1), obs)
            actions = steps.actions[:, t].reshape(2 * N)
            obs, rewards, terminated, truncated, infos = envs.step(
                np.clip(actions, -1, 1)[:, None] if run.box else actions
            )
            for mine, want in ((steps.rewards, rewards), (steps.terminated, terminated), (steps.truncated, truncated)):
                np.testing.assert_array_equal(mine[:, t].reshape(2 * N), want)
            episode_return += rewards
            episode_length += 1
            for e in np.flatnonzero(terminated | truncated):
                s, n = divmod(int(e), N)
                count[s] += 1
                return_sum[s] += episode_return[e]
                length_sum[s] += episode_length[e]
                episode_return[e] = episode_length[e] = 0
                if not terminated[e]:
                    finals[s, t, n] = infos["final_obs"][e]
        np.testing.assert_array_equal(steps.last_obs.reshape(2 * N, -1), obs)
        np.testing.assert_array_equal(steps.episode_count, count)
        np.testing.assert_array_equal(steps.return_sum, return_sum)
        np.testing.assert_array_equal(steps.length_sum, length_sum)
        np.testing.assert_array_equal(run.episode_return.ravel(), episode_return)
        assert [tuple(index) for index in steps.final_index.tolist()] == sorted(finals)
        for index, final in zip(sorted(finals), steps.final_obs, strict=True):
            np.testing.assert_array_equal(final, finals[index])
        assert count.all()
        assert finals


@pytest.mark.parametrize("case", CASES)
def test_a_seed_alone_among_others_and_on_any_number_of_threads_gives_the_same_bytes(case: str) -> None:
    together = Run(case, [5, 6, 7], 200, np.float32).steps(0, 200)
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        alone = Run(case, [6], 200, np.float32).steps(0, 200)
    finally:
        numba.set_num_threads(threads)
    for name in ("obs", "actions", "rewards", "terminated", "truncated", "last_obs", "return_sum", "length_sum"):
        assert getattr(alone, name)[0].tobytes() == getattr(together, name)[1].tobytes(), name


def test_normalisation_of_mean_0_scale_1_and_no_clip_changes_nothing() -> None:
    run = Run("box", [8], 50, np.float32)
    run.mean[:], run.scale[:] = 0, 1
    steps = rollout(
        run.envs, run.sizes, run.activation, run.params, run.std, run.noise, run.mean, run.scale, np.inf,
        run.episode_return,
    )  # fmt: skip
    weights = run.params[0, :320].reshape(5, 64).astype(np.float64)
    hidden = np.maximum(steps.obs[0] @ weights + run.params[0, 320:384], 0)
    means = hidden @ run.params[0, 384:448, None] + run.params[0, 448]
    np.testing.assert_allclose(steps.actions[0], means + run.std[0] * run.noise[0], atol=1e-4)


def test_nan_parameters_act_without_harm_to_other_seeds() -> None:
    healthy = Run("choice of two, deep", [1, 2], 100, np.float32)
    want = healthy.steps(0, 100)
    broken = Run("choice of two, deep", [1, 2], 100, np.float32)
    broken.params[0] = np.nan
    got = broken.steps(0, 100)
    assert set(np.unique(got.actions[0])) <= {0, 1}
    assert got.obs[1].tobytes() == want.obs[1].tobytes()
