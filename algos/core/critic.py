"""State-value functions, fitted in one regime for all variants so that the variants are what is compared."""

import numpy as np
import torch
from torch import Tensor

from algos.core.checkpoint import State, collect_state, restore_state
from algos.core.network import Network
from algos.core.optimiser import Optimiser
from algos.core.reductions import batch_mean
from algos.core.rollout import Batch, Rollout, minibatches
from algos.streams import Streams

FINAL_ROWS = 32
"""Final observations of truncated episodes that a seed's network evaluates together."""


class Critic:
    """The value functions of all seeds, with flat parameters ``[S, P]``; how they are fitted is the subclasses' part.

    ``clip_coef`` ε makes the error of a sample max((V − R)², (V_old + clip(V − V_old, ±ε) − R)²), as OpenAI's Baselines
    do in PPO2, with V_old the estimator's values; None is (V − R)².
    """

    def __init__(self, network: Network, params: Tensor, clip_coef: float | None) -> None:
        self.network = network
        self.params = params
        self.clip_coef = clip_coef

    def fit(self, rollout: Rollout, active: Tensor) -> dict[str, Tensor]:
        """Make what can be made of ``rollout.returns`` before the policy's update; reports figures ``[S]``."""
        raise NotImplementedError

    def state_dict(self) -> State:
        """The parameters."""
        return {"params": self.params.detach().cpu().numpy()}

    @torch.no_grad()
    def load_state_dict(self, state: State) -> None:
        """Continue from a saved state."""
        self.params.copy_(torch.from_numpy(state["params"]))

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
            # In groups of equal size: how many a seed has must not shape what another seed's network is called with.
            groups = rank.max() // FINAL_ROWS + 1
            padded = np.zeros((len(values), groups, FINAL_ROWS, rollout.obs.shape[-1]), rollout.obs.dtype)
            padded[seed, rank // FINAL_ROWS, rank % FINAL_ROWS] = rollout.final_obs
            finals = np.stack([self.predict(padded[:, group], params) for group in range(groups)], axis=1)
            next_values[seed, step, env] = finals[seed, rank // FINAL_ROWS, rank % FINAL_ROWS]
        return values, next_values

    def mean_error(self, obs: Tensor, returns: Tensor, old_values: Tensor | None, active: Tensor) -> Tensor:
        """Mean error of each active seed ``[S]``, differentiable in the parameters; ``old_values`` where it clips."""
        if self.clip_coef is None:
            return self.network.mse(self.params, obs, returns, active)
        assert old_values is not None
        values = self.network(self.params, obs, active)[..., 0]
        near = old_values + (values - old_values).clamp(-self.clip_coef, self.clip_coef)
        return batch_mean(torch.max((values - returns) ** 2, (near - returns) ** 2))


class SeparateCritic(Critic):
    """A critic with gradient steps of its own: ``update_epochs`` passes of ``num_minibatches`` down the mean error.

    ``params_before_last_step`` are the parameters as the last forward pass of a fit saw them.
    """

    def __init__(
        self,
        network: Network,
        params: Tensor,
        clip_coef: float | None,
        optimiser: Optimiser,
        update_epochs: int,
        num_minibatches: int,
        streams: Streams,
    ) -> None:
        super().__init__(network, params, clip_coef)
        self.params_before_last_step = params.detach().clone()
        self.optimiser = optimiser
        self.update_epochs = update_epochs
        self.num_minibatches = num_minibatches
        self.streams = streams

    def fit(self, rollout: Rollout, active: Tensor) -> dict[str, Tensor]:
        """Regress on ``rollout.returns`` for the active seeds; reports ``value_loss [S]``, of the last epoch."""
        tensors = [rollout.flat(rollout.obs), rollout.flat(rollout.returns)]
        if self.clip_coef is not None:
            tensors.append(rollout.flat(rollout.values))
        shuffled = self.num_minibatches > 1
        permutations = self.streams.permutations(self.update_epochs, tensors[1].shape[1]) if shuffled else None
        for epoch in range(self.update_epochs):
            permutation = None if permutations is None else permutations[:, epoch]
            losses = []
            for obs, returns, *values in minibatches(tensors, permutation, self.num_minibatches):
                loss = self.mean_error(obs, returns, values[0] if values else None, active)
                self.params_before_last_step.copy_(self.params.detach())
                self.optimiser.step(loss, active)
                losses.append(loss.detach())
        return {"value_loss": sum(losses[1:], start=losses[0]) / len(losses)}

    def state_dict(self) -> State:
        """The parameters, the optimiser's state and the minibatch streams."""
        return super().state_dict() | collect_state(optimiser=self.optimiser, streams=self.streams)

    def load_state_dict(self, state: State) -> None:
        """Continue from a saved state."""
        super().load_state_dict(state)
        restore_state(state, optimiser=self.optimiser, streams=self.streams)


class JointCritic(Critic):
    """A critic that the policy's gradient steps fit: they descend :meth:`loss` too."""

    def __init__(self, network: Network, params: Tensor, clip_coef: float | None, vf_coef: float) -> None:
        super().__init__(network, params, clip_coef)
        self.vf_coef = vf_coef

    def fit(self, rollout: Rollout, active: Tensor) -> dict[str, Tensor]:
        """Nothing yet; the policy's batches will carry what the error needs."""
        rollout.batches_carry_values = self.clip_coef is not None
        return {}

    def loss(self, batch: Batch, active: Tensor) -> Tensor:
        """vf_coef · mean error of each active seed ``[S]``, differentiable in the parameters."""
        return self.vf_coef * self.mean_error(batch.obs, batch.returns, batch.values, active)
