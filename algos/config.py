"""The config of a training run as typed and range-checked models. Every default lives in ``conf/``.

This file knows only what is asked of every algorithm, critic, estimator and optimiser. Their own settings are beside
their code, in the ``Settings`` of each class.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from importlib.util import find_spec
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from algos.arguments import check_arguments
from algos.core.activations import Activation
from algos.parts import PartError, find_class, require
from algos.per_row import PerRow

Positive = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Decay = Annotated[float, Field(ge=0, lt=1)]
Schedule = Literal["constant", "linear"]
"""``linear`` falls to zero over the iterations."""

MODULE_ARGUMENTS = ("observation_shape", "num_outputs")
"""Arguments that every module of a network is called with: a ``tuple[int, ...]`` and an ``int``."""

UPDATE = ("policy", "transitions", "estimates", "active")
"""The arguments of a variant's ``update``; see :class:`algos.core.algorithm.Algorithm`."""


class Section(BaseModel):
    """A section of the config. It refuses unknown keys and wrong types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class PartSettings(Section):
    """Settings of a part of the run: the ``Settings`` of the class that ``_target_`` names."""

    target: str = Field(alias="_target_")

    def check(self, config: "Config") -> None:
        """Check that the settings fit together, and fit the rest of the run.

        Raises:
            ValueError: One line with the key, its value and what is expected.
        """


def part(base: type[PartSettings], optional: bool = False, **methods: tuple[str, ...]) -> PlainValidator:
    """The validator of a section by the ``Settings`` of the class that the section names.

    Args:
        base: the ``Settings`` must be a subclass of it.
        optional: allows null.
        methods: methods that the class must have, with their arguments.
    """
    return PlainValidator(partial(_part_settings, base, optional, methods))


def _part_settings(
    base: type[PartSettings], optional: bool, methods: dict[str, tuple[str, ...]], value: Any
) -> PartSettings | None:
    if isinstance(value, base) or (optional and value is None):
        return value
    named = _Named.model_validate(value)
    try:
        found: Any = find_class(named.target)
        require(found, base, methods)
    except PartError as error:
        raise _part_error(base, named.target, error) from None
    settings: PartSettings = found.Settings.model_validate(value)
    return settings


def _part_error(base: type[BaseModel], target: str, error: PartError) -> ValidationError:
    problem = PydanticCustomError("part", "{reason}", {"reason": str(error)})
    place = InitErrorDetails(type=problem, loc=("_target_",), input=target)
    return ValidationError.from_exception_data(base.__name__, [place])


class _Named(BaseModel):
    """The one key of a part's section that every part has."""

    model_config = ConfigDict(strict=True)
    target: str = Field(alias="_target_")


class OptimiserSettings(PartSettings):
    """Settings of a first-order optimiser."""

    learning_rate: PerRow[Rate]
    schedule: Schedule
    max_grad_norm: PerRow[Rate | None]
    eps: PerRow[Rate]


AnyOptimiser = Annotated[OptimiserSettings, part(OptimiserSettings, apply=("grads", "active"))]


class AlgorithmSettings(PartSettings):
    """Settings of a variant.

    ``name`` is its name in tables and figures. A variant of ``algos.NAME`` has that name for itself.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]

    @field_validator("name")
    @classmethod
    def _is_its_own(cls, name: str, values: ValidationInfo) -> str:
        module = f"algos.{name}"
        if find_spec(module) and not values.data.get("target", "").startswith(f"{module}."):
            raise PydanticCustomError("name", "taken by {module}; expected: another name", {"module": module})
        return name


class GradientSettings(AlgorithmSettings):
    """Settings of a variant that descends a loss."""

    optimiser: AnyOptimiser


class CriticSettings(PartSettings):
    """Settings of a critic. A ``joint`` critic makes no steps of its own: the policy's steps descend its loss too."""

    joint: ClassVar[bool]
    clip_coef: PerRow[Rate | None]


class EstimatorSettings(PartSettings):
    """Settings of the part that computes advantages and the critic's targets from a rollout."""


class EnvConfig(Section):
    """The task and how its environments are stepped."""

    id: str
    kwargs: dict[str, Any]
    module: str | None
    max_episode_steps: Positive | None
    rescale_actions: bool
    vectorization: Literal["auto", "sync", "async", "envpool"]


class LayersConfig(Section):
    """A network of linear layers between the observation and the output. Without hidden layers it is a linear map."""

    hidden: list[Positive]
    activation: Activation
    init: Literal["orthogonal", "torch"]
    last_layer_scale: PerRow[NonNegative]


class ModuleConfig(Section):
    """A ``torch.nn.Module`` as the network, of the class ``_target_``. All other keys are arguments of the class."""

    model_config = ConfigDict(extra="allow")
    target: str = Field(alias="_target_")

    @property
    def arguments(self) -> dict[str, Any]:
        """The keyword arguments, besides ``MODULE_ARGUMENTS``."""
        assert self.model_extra is not None
        return check_arguments(find_class(self.target), MODULE_ARGUMENTS, self.model_extra)


class SharedConfig(Section):
    """No network for the critic: the policy's network has one more output, the value, and both train its parameters."""

    shared: Literal[True]


class HeadConfig(Section):
    """The spread of a Gaussian policy, and whether its actions are squashed."""

    spread: Literal["log_std", "log_variance", "state_dependent"]
    spread_init: PerRow[Finite]
    squash: Literal["none", "tanh"]


class LayersPolicyConfig(LayersConfig, HeadConfig):
    """A policy whose network has linear layers."""


class ModulePolicyConfig(ModuleConfig, HeadConfig):
    """A policy whose network is a module."""

    model_config = ConfigDict(extra="allow")

    @model_validator(mode="after")
    def _spread_begins_at_zero(self) -> "ModulePolicyConfig":
        if self.spread == "state_dependent" and self.spread_init != 0:
            raise ValueError(
                f"spread_init={self.spread_init} with spread=state_dependent: a module makes its own outputs; "
                "expected: spread_init=0.0"
            )
        return self


def _policy_network(value: Any) -> Any:
    return _network(LayersPolicyConfig, ModulePolicyConfig, value)


def _value_network(value: Any) -> Any:
    if isinstance(value, SharedConfig) or (isinstance(value, Mapping) and "shared" in value):
        return SharedConfig.model_validate(value)
    return _network(LayersConfig, ModuleConfig, value)


def _network(layers: type[LayersConfig], module: type[ModuleConfig], value: Any) -> LayersConfig | ModuleConfig:
    if isinstance(value, layers | module):
        return value
    if not (isinstance(value, Mapping) and "_target_" in value):
        return layers.model_validate(value)
    settings = module.model_validate(value)
    from torch.nn import Module  # where a module is named, PyTorch is there already

    try:
        if not issubclass(find_class(settings.target), Module):
            raise PartError("is not a torch.nn.Module; expected: a class derived from it")
        _ = settings.arguments
    except PartError as error:
        raise _part_error(module, settings.target, error) from None
    return settings


class NormalisationConfig(Section):
    """How observations and rewards are scaled before policy and critic see them."""

    obs: bool
    obs_clip: Rate | None
    reward: bool
    reward_clip: PerRow[Rate | None]


class EvaluationConfig(Section):
    """Evaluations: every ``interval`` iterations and at the end, or never."""

    interval: Positive | None
    episodes: Positive


class Config(Section):
    """One run: one variant on one task, with ``num_seeds`` seeds from ``seed`` on."""

    seed: Annotated[int, Field(ge=0)]
    num_seeds: Positive
    iterations: Positive
    num_envs: Positive
    num_steps: Positive
    gamma: PerRow[Fraction]
    gae_lambda: PerRow[Fraction]
    dtype: Literal["float32", "float64"]
    device: str
    threads: Positive | None
    algo: Annotated[AlgorithmSettings, part(AlgorithmSettings, update=UPDATE)]
    env: EnvConfig
    policy: Annotated[LayersPolicyConfig | ModulePolicyConfig, PlainValidator(_policy_network)]
    value: Annotated[LayersConfig | ModuleConfig | SharedConfig, PlainValidator(_value_network)]
    critic: Annotated[CriticSettings, part(CriticSettings, fit=("transitions", "estimates", "active"))]
    estimator: Annotated[EstimatorSettings, part(EstimatorSettings, estimate=("transitions", "critic"))]
    normalisation: NormalisationConfig
    evaluation: EvaluationConfig

    @property
    def seeds(self) -> Sequence[int]:
        """The seeds of the run, one for each row."""
        return range(self.seed, self.seed + self.num_seeds)

    @property
    def samples(self) -> int:
        """Number of samples in one seed's rollout."""
        return self.num_envs * self.num_steps

    @model_validator(mode="after")
    def _parts_fit(self) -> "Config":
        if self.policy.squash == "tanh" and not self.env.rescale_actions:
            raise ValueError(
                "policy.squash=tanh: env.rescale_actions=False, but its actions are from [-1, 1]; "
                "expected: env.rescale_actions=True"
            )
        if isinstance(self.value, SharedConfig):
            if not self.critic.joint:
                raise ValueError("value.shared=True: the critic has steps of its own; expected: critic=joint")
            if self.policy.spread == "state_dependent" and self.policy.spread_init != 0:
                raise ValueError(
                    f"policy.spread_init={self.policy.spread_init}: value.shared=True, policy.spread=state_dependent; "
                    "expected: 0.0"
                )
        for settings in (self.algo, self.critic, self.estimator):
            settings.check(self)
        return self


def check_minibatches(key: str, num_minibatches: int, config: Config) -> None:
    """Check that all minibatches have one size.

    Raises:
        ValueError: They have not.
    """
    if config.samples % num_minibatches:
        raise ValueError(
            f"{key}.num_minibatches={num_minibatches}: must divide num_envs * num_steps = "
            f"{config.num_envs} * {config.num_steps} = {config.samples}"
        )
