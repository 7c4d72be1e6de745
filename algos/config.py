"""What a training run is made of, as typed and range-checked models; every default lives in ``conf/``."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Positive = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]


class Section(BaseModel):
    """A part of the config: unknown keys and wrong types are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class OptimiserConfig(Section):
    """Common to the first-order optimisers."""

    learning_rate: Rate
    schedule: Literal["constant", "linear"]
    max_grad_norm: Rate | None
    eps: Rate


class AdamConfig(OptimiserConfig):
    """Adam."""

    name: Literal["adam"]
    beta1: Decay
    beta2: Decay


class RMSpropConfig(OptimiserConfig):
    """RMSprop."""

    name: Literal["rmsprop"]
    decay: Decay


AnyOptimiser = Annotated[AdamConfig | RMSpropConfig, Field(discriminator="name")]


class A2CConfig(Section):
    """Advantage actor-critic."""

    name: Literal["a2c"]
    normalise_advantages: bool
    ent_coef: NonNegative
    optimiser: AnyOptimiser


class ReinforceConfig(Section):
    """REINFORCE with rewards-to-go."""

    name: Literal["reinforce"]
    baseline: bool
    normalise_advantages: bool
    ent_coef: NonNegative
    optimiser: AnyOptimiser


class PPOConfig(Section):
    """PPO with the clipped objective."""

    name: Literal["ppo"]
    clip_coef: Rate | None
    clip_schedule: Literal["constant", "linear"]
    update_epochs: Positive
    num_minibatches: Positive
    advantage_normalisation: Literal["none", "rollout", "minibatch"]
    target_kl: Rate | None
    kl_estimator: Literal["k3", "log_ratio"]
    stop_after_step: bool
    recompute_advantages: bool
    ent_coef: NonNegative
    optimiser: AnyOptimiser


class PPOPenaltyConfig(Section):
    """PPO with a KL penalty."""

    name: Literal["ppo_penalty"]
    kl_coef: Rate
    target_kl: Rate | None
    update_epochs: Positive
    num_minibatches: Positive
    advantage_normalisation: Literal["none", "rollout", "minibatch"]
    recompute_advantages: bool
    ent_coef: NonNegative
    optimiser: AnyOptimiser


class NaturalConfig(Section):
    """Common to the variants that follow the natural gradient."""

    cg_iters: Positive
    cg_damping: NonNegative
    cg_tolerance: NonNegative
    fisher_fraction: Annotated[float, Field(gt=0, le=1)]
    normalise_advantages: bool


class NPGConfig(NaturalConfig):
    """Natural policy gradient; exactly one of ``max_kl`` and ``kl_coef`` is set."""

    name: Literal["npg"]
    max_kl: Rate | None
    kl_coef: Rate | None


class TRPOConfig(NaturalConfig):
    """Trust region policy optimisation."""

    name: Literal["trpo"]
    max_kl: Rate
    max_backtracks: Annotated[int, Field(ge=0)]
    backtrack_coef: Annotated[float, Field(gt=0, lt=1)]


AnyAlgo = Annotated[
    ReinforceConfig | A2CConfig | NPGConfig | TRPOConfig | PPOConfig | PPOPenaltyConfig, Field(discriminator="name")
]


class EnvConfig(Section):
    """The task and how its environments are stepped."""

    id: str
    kwargs: dict[str, Any]
    module: str | None
    max_episode_steps: Positive | None
    rescale_actions: bool
    vectorization: Literal["auto", "sync", "async", "envpool"]


class NetworkConfig(Section):
    """Layers between the observation and the output; no hidden layer is a linear map."""

    hidden: list[Positive]
    activation: Literal["relu", "tanh"]
    init: Literal["orthogonal", "torch"]
    last_layer_scale: NonNegative


class PolicyConfig(NetworkConfig):
    """The policy's network; the spread of a Gaussian policy, and what is done to its actions."""

    spread: Literal["log_std", "log_variance", "state_dependent"]
    spread_init: Finite
    squash: Literal["none", "tanh"]


class SeparateCriticConfig(Section):
    """A critic with steps of its own."""

    step: Literal["separate"]
    clip_coef: Rate | None
    update_epochs: Positive
    num_minibatches: Positive
    optimiser: AnyOptimiser


class JointCriticConfig(Section):
    """A critic fitted by the policy's gradient steps."""

    step: Literal["joint"]
    clip_coef: Rate | None
    vf_coef: Rate


AnyCritic = Annotated[SeparateCriticConfig | JointCriticConfig, Field(discriminator="step")]


class TextbookConfig(Section):
    """GAE as published."""

    name: Literal["textbook"]


class PostConfig(Section):
    """The post's arithmetic, each departure by itself."""

    name: Literal["post"]
    critic_target: Literal["rewards_to_go", "gae"]
    values_after_fit: bool
    bootstrap_in_reward: bool
    cut_traces: bool
    bootstrap_truncations: bool


AnyEstimator = Annotated[TextbookConfig | PostConfig, Field(discriminator="name")]


class NormalisationConfig(Section):
    """What is done to observations and rewards before anything learns from them."""

    obs: bool
    obs_clip: Rate | None
    reward: bool
    reward_clip: Rate | None


class EvaluationConfig(Section):
    """When policies are evaluated: every ``interval`` iterations and at the end, or never."""

    interval: Positive | None
    episodes: Positive


class Config(Section):
    """One run: ``num_seeds`` seeds from ``seed`` on, one variant, one task."""

    seed: Annotated[int, Field(ge=0)]
    num_seeds: Positive
    iterations: Positive
    num_envs: Positive
    num_steps: Positive
    gamma: Fraction
    gae_lambda: Fraction
    dtype: Literal["float32", "float64"]
    device: str
    threads: Positive | None
    algo: AnyAlgo
    env: EnvConfig
    policy: PolicyConfig
    value: NetworkConfig
    critic: AnyCritic
    estimator: AnyEstimator
    normalisation: NormalisationConfig
    evaluation: EvaluationConfig

    @property
    def seeds(self) -> range:
        """The seeds of the run."""
        return range(self.seed, self.seed + self.num_seeds)

    @model_validator(mode="after")
    def _parts_fit(self) -> "Config":
        samples = self.num_envs * self.num_steps
        for key in ("algo", "critic"):
            parts = getattr(getattr(self, key), "num_minibatches", 1)
            if samples % parts:
                raise ValueError(
                    f"{key}.num_minibatches={parts}: must divide num_envs * num_steps = "
                    f"{self.num_envs} * {self.num_steps} = {samples}"
                )
        if isinstance(self.algo, NPGConfig) and (self.algo.max_kl is None) == (self.algo.kl_coef is None):
            raise ValueError(
                f"algo.max_kl={self.algo.max_kl}, algo.kl_coef={self.algo.kl_coef}: allowed: one of the two"
            )
        if isinstance(self.algo, PPOConfig) and self.algo.clip_schedule == "linear" and self.algo.clip_coef is None:
            raise ValueError("algo.clip_schedule=linear: algo.clip_coef=None does not clip; allowed: constant")
        if self.policy.squash == "tanh" and not self.env.rescale_actions:
            raise ValueError(
                "policy.squash=tanh: env.rescale_actions=False, but its actions are from [-1, 1]; "
                "allowed with env.rescale_actions=True"
            )
        recomputes = getattr(self.algo, "recompute_advantages", False)
        if recomputes and not (isinstance(self.critic, JointCriticConfig) and self.estimator.name == "textbook"):
            raise ValueError(
                f"algo.recompute_advantages=True: critic.step={self.critic.step}, estimator={self.estimator.name}; "
                "allowed with critic.step=joint (no other moves between epochs) and estimator=textbook"
            )
        if isinstance(self.critic, JointCriticConfig) and getattr(self.estimator, "values_after_fit", False):
            raise ValueError("estimator.values_after_fit=True: critic.step=joint is not fitted before; allowed: false")
        if isinstance(self.critic, JointCriticConfig) and not hasattr(self.algo, "optimiser"):
            raise ValueError(f"critic.step=joint: algo={self.algo.name} makes no gradient steps; allowed: separate")
        return self
