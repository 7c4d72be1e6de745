"""State-value functions. All variants fit them alike, so that a comparison shows the variants alone."""

import numpy as np
import torch
from torch import Tensor

from algos.config import AnyOptimiser, Config, CriticSettings, GradientSettings, Positive, Rate, check_minibatches
from algos.core.batches import Batch
from algos.core.checkpoint import State
from algos.core.network import Network
from algos.core.resources import Resources
from algos.core.transitions import Estimates, Stats, Transitions
from algos.core.value_loss import ValueClip, value_loss
from algos.per_row import PerRow

FINAL_ROWS = 32
"""Number of final observations of truncated episodes in one call of a seed's network."""


class Critic:
    """The value functions of all seeds. Subclasses define how they are fitted.

    The loss is :func:`algos.core.value_loss.value_loss`. If ``clip_coef`` is not None, it is clipped around the values
    of the estimator.

    Attributes:
        network: the stacked network, with one output.
        params: its flat parameters ``[S, P]``.
    """

    def __init__(self, settings: CriticSettings, network: Network, params: Tensor) -> None:
        self.network = network
        self.params = params
        self.clip_coef = settings.clip_coef

    def fit(self, transitions: Transitions, estimates: Estimates, active: Tensor) -> Stats:
        """Fit the values to ``estimates.returns`` for the ``active [S]`` seeds, before the policy is updated.

        Returns numbers ``[S]`` to report, by name.
        """
        raise NotImplementedError

    def state_dict(self) -> State:
        """The parameters."""
        return {"params": self.params.detach().cpu().numpy()}

    @torch.no_grad()
    def load_state_dict(self, state: State) -> None:
        """Continue from a saved state."""
        self.params.copy_(torch.from_numpy(state["params"]))

    def predict(self, obs: np.ndarray, params: Tensor | None = None) -> np.ndarray:
        """Values ``[S, …]`` of ``obs [S, …, D]`` at ``params``, or at the current parameters."""
        x = torch.from_numpy(obs.reshape(len(obs), -1, obs.shape[-1])).to(self.params.device)
        return self._evaluate(x, params).reshape(obs.shape[:-1])

    def values(self, transitions: Transitions, params: Tensor | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Values of the observations, and values of the next observations, both ``[S, T, N]``.

        After a truncated step the next observation is the final one of the episode. After a terminated step it is the
        first one of the next episode, so its value must not be used.
        """
        values = self._evaluate(transitions.flat(transitions.obs), params).reshape(transitions.rewards.shape)
        next_values = np.concatenate([values[:, 1:], self.predict(transitions.last_obs, params)[:, None]], axis=1)
        if len(transitions.final_obs):
            seed, step, env = transitions.steps.final_index.T
            rank = np.arange(len(seed)) - np.searchsorted(seed, seed)
            # Groups have one size: how many observations a seed has must not change the shape of another's call.
            groups = rank.max() // FINAL_ROWS + 1
            padded = np.zeros((len(values), groups, FINAL_ROWS, transitions.obs.shape[-1]), transitions.obs.dtype)
            padded[seed, rank // FINAL_ROWS, rank % FINAL_ROWS] = transitions.final_obs
            finals = np.stack([self.predict(padded[:, group], params) for group in range(groups)], axis=1)
            next_values[seed, step, env] = finals[seed, rank // FINAL_ROWS, rank % FINAL_ROWS]
        return values, next_values

    @torch.no_grad()
    def _evaluate(self, x: Tensor, params: Tensor | None) -> np.ndarray:
        return self.network(self.params if params is None else params, x).cpu().numpy()

    def weighted_loss(self, weight: float, batch: Batch, active: Tensor) -> Tensor:
        """``weight`` times the loss ``[S]`` of the active seeds, differentiable in the parameters."""
        clip = None if self.clip_coef is None else ValueClip(batch.values, self.clip_coef)
        return value_loss(self.network, self.params, batch.obs, batch.returns, clip, weight, active)


class SeparateCritic(Critic):
    """A critic with an optimiser of its own.

    Attributes:
        params_before_last_step: the parameters ``[S, P]`` in the last forward pass of a fit.
    """

    class Settings(CriticSettings):
        joint = False
        update_epochs: Positive
        num_minibatches: Positive
        optimiser: AnyOptimiser

        def check(self, config: Config) -> None:
            check_minibatches("critic", self.num_minibatches, config)

    def __init__(self, settings: Settings, network: Network, params: Tensor, resources: Resources) -> None:
        super().__init__(settings, network, params)
        self.params_before_last_step = params.detach().clone()
        self.optimiser = resources.optimiser("critic", settings.optimiser, [params])
        self.streams = resources.streams("critic_minibatches")
        self.update_epochs = settings.update_epochs
        self.num_minibatches = settings.num_minibatches

    def fit(self, transitions: Transitions, estimates: Estimates, active: Tensor) -> Stats:
        """Make ``update_epochs`` passes of ``num_minibatches`` gradient steps over the rollout.

        Reports ``value_loss [S]``, the mean over the last epoch.
        """
        whole = Batch.of(transitions, estimates)
        shuffled = self.num_minibatches > 1
        permutations = self.streams.permutations(self.update_epochs, whole.returns.shape[1]) if shuffled else None
        for epoch in range(self.update_epochs):
            permutation = None if permutations is None else permutations[:, epoch]
            losses: list[Tensor] = []
            for batch in whole.minibatches(permutation, self.num_minibatches):
                loss = self.weighted_loss(1.0, batch, active)
                if epoch == self.update_epochs - 1 and len(losses) == self.num_minibatches - 1:
                    self.params_before_last_step.copy_(self.params.detach())
                self.optimiser.step(loss, active)
                losses.append(loss.detach())
        return {"value_loss": sum(losses[1:], start=losses[0]) / len(losses)}


class JointCritic(Critic):
    """A critic without steps of its own: the policy's gradient steps also descend its :meth:`loss`."""

    class Settings(CriticSettings):
        joint = True
        vf_coef: PerRow[Rate]

        def check(self, config: Config) -> None:
            if not isinstance(config.algo, GradientSettings):
                raise ValueError(f"critic=joint: algo={config.algo.name} makes no gradient steps; expected: separate")

    def __init__(self, settings: Settings, network: Network, params: Tensor, resources: Resources) -> None:
        super().__init__(settings, network, params)
        self.vf_coef = settings.vf_coef

    def fit(self, transitions: Transitions, estimates: Estimates, active: Tensor) -> Stats:
        """Do nothing: the policy's update fits this critic."""
        return {}

    def loss(self, batch: Batch, active: Tensor) -> Tensor:
        """``vf_coef`` times the loss ``[S]`` of the active seeds, differentiable in the parameters."""
        return self.weighted_loss(self.vf_coef, batch, active)
