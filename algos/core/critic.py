"""State-value functions, fitted in one regime for all variants so that the variants are what is compared."""

import numpy as np
import torch
from torch import Tensor

from algos.core.checkpoint import State, collect_state, restore_state
from algos.core.networks import MLP
from algos.core.optimiser import Optimiser
from algos.core.rollout import Batch, Rollout, minibatches
from algos.core.streams import Streams


class Critic:
    """The value functions of all seeds, with flat parameters ``[S, P]``.

    ``optimiser`` None means that the policy's gradient steps fit the critic (a joint step, weighted ``vf_coef``);
    otherwise :meth:`fit` makes ``update_epochs`` passes of ``num_minibatches`` steps down the mean squared error.
    """

    def __init__(
        self,
        network: MLP,
        params: Tensor,
        optimiser: Optimiser | None,
        update_epochs: int,
        num_minibatches: int,
        vf_coef: float,
        streams: Streams,
    ) -> None:
        self.network = network
        self.params = params
        self.params_before_last_step = params.detach().clone()
        self.optimiser = optimiser
        self.update_epochs = update_epochs
        self.num_minibatches = num_minibatches
        self.vf_coef = vf_coef
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
        """vf_coef · mean (V − target)² for each active seed ``[S]``, differentiable in the parameters."""
        return self.vf_coef * self.network.mse(self.params, batch.obs, batch.returns, active)

    def fit(self, rollout: Rollout, active: Tensor) -> dict[str, Tensor]:
        """Regress on ``rollout.returns`` for the active seeds; reports ``value_loss [S]``, of the last epoch."""
        if self.optimiser is None:
            return {}
        obs, returns = rollout.flat(rollout.obs), rollout.flat(rollout.returns)
        shuffled = self.num_minibatches > 1
        permutations = self.streams.permutations(self.update_epochs, returns.shape[1]) if shuffled else None
        for epoch in range(self.update_epochs):
            permutation = None if permutations is None else permutations[:, epoch]
            losses = []
            for x, y in minibatches((obs, returns), permutation, self.num_minibatches):
                loss = self.network.mse(self.params, x, y, active)
                self.params_before_last_step.copy_(self.params.detach())
                self.optimiser.step(loss, active)
                losses.append(loss.detach())
        return {"value_loss": sum(losses[1:], start=losses[0]) / len(losses)}
