"""An optimiser, an estimator and a critic such as a user's."""

from collections.abc import Sequence

import torch
from torch import Tensor

from algos.config import Config, CriticSettings, Decay, EstimatorSettings, OptimiserSettings
from algos.core.critic import Critic
from algos.core.estimators import Estimator
from algos.core.optimiser import Optimiser
from algos.core.resources import Resources
from algos.core.transitions import Estimates, Stats, Transitions


class SignDescent(Optimiser):
    """Steps along the sign of a moving average of the gradients (Lion, Chen et al. 2023), in plain PyTorch."""

    class Settings(OptimiserSettings):
        beta: Decay

    def __init__(self, settings: Settings, params: Sequence[Tensor]) -> None:
        super().__init__(settings, params)
        self.beta = settings.beta
        self.means = [torch.zeros_like(param) for param in self.params]

    @torch.no_grad()
    def apply(self, grads: Sequence[Tensor], active: Tensor) -> None:
        for param, mean, grad in zip(self.params, self.means, grads, strict=True):
            mean.copy_(torch.where(active[:, None], self.beta * mean + (1 - self.beta) * grad, mean))
            param.copy_(torch.where(active[:, None], param - self.learning_rate * mean.sign(), param))

    def state_dict(self) -> dict[str, Tensor]:
        return {f"mean{index}": mean for index, mean in enumerate(self.means)}


class OneStep(Estimator):
    """TD errors of one step, as advantages."""

    class Settings(EstimatorSettings):
        pass

    def __init__(self, settings: Settings, resources: Resources) -> None:
        self.gamma = resources.config.gamma

    def estimate(self, transitions: Transitions, critic: Critic) -> Estimates:
        values, next_values = critic.values(transitions)
        returns = transitions.rewards + self.gamma * (1 - transitions.terminated) * next_values
        returns = returns.astype(values.dtype)
        return Estimates(values, next_values, returns - values, returns)


class Untrained(Critic):
    """Stays as it was initialised."""

    class Settings(CriticSettings):
        joint = False

        def check(self, config: Config) -> None:
            if self.clip_coef is not None:
                raise ValueError(f"critic.clip_coef={self.clip_coef}: nothing is clipped; expected: null")

    def __init__(self, settings: Settings, network, params: Tensor, resources: Resources) -> None:
        super().__init__(settings, network, params)

    def fit(self, transitions: Transitions, estimates: Estimates, active: Tensor) -> Stats:
        return {}
