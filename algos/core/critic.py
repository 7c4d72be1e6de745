"""State-value functions, fitted in one regime for all variants so that the variants are what is compared."""

import numpy as np
import torch
from torch import Tensor

from algos.core.checkpoint import State, collect_state, restore_state
from algos.core.networks import MLP
from algos.core.optimiser import Optimiser
from algos.core.reductions import batch_mean
from algos.core.rollout import Batch, Rollout, minibatches
from algos.core.streams import Streams


class Critic:
    """The value functions of all seeds, with flat parameters ``[S, P]``.

    ``optimiser`` None means that the policy's gradient steps fit the critic (a joint step, weighted ``vf_coef``);
    otherwise :meth:`fit` makes ``update_epochs`` passes of ``num_minibatches`` steps down the mean squared error.

    ``clip_coef`` ε makes the error of a sample max((V − R)², (V_old + clip(V − V_old, ±ε) − R)²), as OpenAI's Baselines
    do in PPO2, with V_old the estimator's values; None is (V − R)².
    """

    def __init__(
        self,
        network: MLP,
        params: Tensor,
        optimiser: Optimiser | None,
        update_epochs: int,
        num_minibatches: int,
        vf_coef: float,
        clip_coef: float | None,
        streams: Streams,
    ) -> None:
        self.network = network
        self.params = params
        self.params_before_last_step = params.detach().clone()
        self.optimiser = optimiser
        self.update_epochs = update_epochs
        self.num_minibatches = num_minibatches
        self.vf_coef = vf_coef
        self.clip_coef = clip_coef
        self.streams = streams

    def state_dict(self) -> State:
        """The parameters (also those before the last step), the optimiser's state and the minibatch streams."""
        return {
            "params": self.params.detach().cpu().numpy(),
            "params_before_last_step": self.params_before_last_step.cpu().numpy(),
            **collect_state(optimiser=self.optimiser, streams=self.streams),
        }

    @torch.no_grad()
    def load_state_dict(self, state: State) -> None:
        """Continue from a saved state."""
        self.params.copy_(torch.from_numpy(state["params"]))
        self.params_before_last_step.copy_(torch.from_numpy(state["params_before_last_step"]))
        restore_state(state, optimiser=self.optimiser, streams=self.streams)

    @torch.no_grad()
    def predict(self, obs: np.ndarray, params: Tensor | None = None) -> np.ndarray:
        """Values ``[S, …]`` of ``obs [S, …, D]``, by default at the current parameters."""
        x = torch.from_numpy(obs.reshape(len(obs), -1, obs.shape[-1])).to(self.params.device)
        values = self.network(self.params if params is None else params, x)
        return values.cpu().numpy().reshape(obs.shape[:-1])

    def values(self, rollout: Rollout, params: Tensor | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Values of the states of a rollout and of those that each step led to, both ``[S, T, N]``.

        After a truncated step the latter is the value of the episode's final observation.
        """
        values = self.predict(rollout.obs, params)
        next_values = np.concatenate([values[:, 1:], self.predict(rollout.last_obs, params)[:, None]], axis=1)
        if len(rollout.final_obs):
            seed, step, env = rollout.final_index.T
            rank = np.arange(len(seed)) - np.searchsorted(seed, seed)
            padded = np.zeros((len(values), rank.max() + 1, rollout.obs.shape[-1]), rollout.obs.dtype)
            padded[seed, rank] = rollout.final_obs
            next_values[seed, step, env] = self.predict(padded, params)[seed, rank]
        return values, next_values

    def loss(self, batch: Batch, active: Tensor) -> Tensor:
        """vf_coef · mean error for each active seed ``[S]``, differentiable in the parameters."""
        return self.vf_coef * self._mean_error(batch.obs, batch.returns, batch.values, active)

    def _mean_error(self, obs: Tensor, returns: Tensor, old_values: Tensor | None, active: Tensor) -> Tensor:
        if old_values is None:
            return self.network.mse(self.params, obs, returns, active)
        assert self.clip_coef is not None
        values = self.network(self.params, obs, active)[..., 0]
        near = old_values + (values - old_values).clamp(-self.clip_coef, self.clip_coef)
        return batch_mean(torch.max((values - returns) ** 2, (near - returns) ** 2))

    def fit(self, rollout: Rollout, active: Tensor) -> dict[str, Tensor]:
        """Regress on ``rollout.returns`` for the active seeds; reports ``value_loss [S]``, of the last epoch.

        A joint critic leaves that to the policy's steps, whose batches have to carry what its error needs.
        """
        rollout.batches_carry_values = self.optimiser is None and self.clip_coef is not None
        if self.optimiser is None:
            return {}
        tensors = [rollout.flat(rollout.obs), rollout.flat(rollout.returns)]
        if self.clip_coef is not None:
            tensors.append(rollout.flat(rollout.values))
        shuffled = self.num_minibatches > 1
        permutations = self.streams.permutations(self.update_epochs, tensors[1].shape[1]) if shuffled else None
        for epoch in range(self.update_epochs):
            permutation = None if permutations is None else permutations[:, epoch]
            losses = []
            for obs, returns, *values in minibatches(tensors, permutation, self.num_minibatches):
                loss = self._mean_error(obs, returns, values[0] if values else None, active)
                self.params_before_last_step.copy_(self.params.detach())
                self.optimiser.step(loss, active)
                losses.append(loss.detach())
        return {"value_loss": sum(losses[1:], start=losses[0]) / len(losses)}
