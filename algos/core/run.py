"""What a variant can use of its run."""

from dataclasses import dataclass
from typing import Any

from algos.config import Config, OptimiserSettings
from algos.core.critic import Critic, JointCritic
from algos.core.descent import Descent, JointDescent, PolicyDescent
from algos.core.estimators import Estimator
from algos.core.policy import Policy
from algos.core.resources import Resources
from algos.streams import Streams


@dataclass(frozen=True)
class Run:
    """The config, the policies, the critics and the estimator of a run. It makes streams and optimisers too."""

    policy: Policy
    critic: Critic
    estimator: Estimator
    resources: Resources

    @property
    def config(self) -> Config:
        """All settings of the run."""
        return self.resources.config

    def streams(self, purpose: str) -> Streams:
        """One random stream for each seed, for a ``purpose`` of the variant. The run saves them.

        Raises:
            ValueError: The purpose is in use.
        """
        return self.resources.streams(purpose)

    def anneal(self, owner: Any, name: str) -> None:
        """Decrease the attribute ``name`` of ``owner`` linearly from its present value to 0 over the iterations."""
        self.resources.anneal(owner, name)

    def descent(self, settings: OptimiserSettings) -> Descent:
        """Gradient steps for the policy. With a joint critic they train the critic too. The run saves the optimiser."""
        if isinstance(self.critic, JointCritic):
            params = [self.policy.params]
            if self.critic.params is not self.policy.params:  # a shared network has one set of parameters
                params.append(self.critic.params)
            return JointDescent(self.resources.optimiser("policy", settings, params), self.critic)
        return PolicyDescent(self.resources.optimiser("policy", settings, [self.policy.params]))
