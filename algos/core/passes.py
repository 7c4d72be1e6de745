"""The gradient steps of a pass over a rollout: one by one, or all minibatches in one compiled loop."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Self

import numpy as np
from torch import Tensor

from algos.core.batches import Batch, Minibatches
from algos.core.optimiser import Adam, OptimiserCall
from algos.core.recorded import MakeStep, Step
from algos.kernels.arguments import as_array, per_seed
from algos.kernels.calls import notes
from algos.kernels.mlp import ErrorGradientCall
from algos.kernels.passes import AdamPart, PolicyPart, ValuePart, steps
from algos.kernels.policy_gradient import PolicyGradientCall, means

MakeSteps = Callable[[Sequence[Batch], Tensor], Iterator[Step]]
"""Makes the steps of all minibatches of a pass, for the active seeds ``[S]``."""


def one_by_one(step: MakeStep) -> MakeSteps:
    """Make the steps by calls of ``step``."""

    def make(minibatches: Sequence[Batch], active: Tensor) -> Iterator[Step]:
        for batch in minibatches:
            made = step(batch, active)
            active = made.active
            yield made

    return make


class CompiledPasses:
    """Makes the steps ``step(batch, active)`` of an update. It notes which kernels the first step calls.

    If the first step is a gradient of PPO's surrogate, perhaps one of the critic's error, and a step of Adam, one
    compiled loop makes the others. Otherwise ``step`` makes them. Python numbers that ``step`` uses must not change
    within the update.
    """

    def __init__(self, step: MakeStep) -> None:
        self._step = step
        self._noted: _Noted | None = None
        self._is_first = True

    def __call__(self, minibatches: Sequence[Batch], active: Tensor) -> Iterator[Step]:
        first = 0
        if self._is_first:
            self._is_first = False
            with notes() as calls:
                made = self._step(minibatches[0], active)
            self._noted = _Noted.of(calls, minibatches[0], active, made)
            yield made
            active, first = made.active, 1
        if self._noted is None or not isinstance(minibatches, Minibatches):
            yield from one_by_one(self._step)(minibatches[first:], active)
        elif first < len(minibatches):
            yield self._noted.repeated(minibatches, first, active)


class _Noted(NamedTuple):
    """The calls of a step, and the places of its figures in the results of the policy's gradient."""

    policy: PolicyGradientCall
    value: ErrorGradientCall | None
    optimiser: Adam
    places: dict[str, int]

    @classmethod
    def of(cls, calls: list[object], batch: Batch, active: Tensor, made: Step) -> Self | None:
        """The calls of a step, or None if the compiled loop cannot repeat it."""
        kinds = [type(call) for call in calls]
        if kinds not in (
            [PolicyGradientCall, OptimiserCall],
            [PolicyGradientCall, ErrorGradientCall, OptimiserCall],
        ):
            return None
        policy, *values, last = calls
        value = values[0] if values else None
        assert isinstance(policy, PolicyGradientCall)
        assert isinstance(last, OptimiserCall)
        assert value is None or isinstance(value, ErrorGradientCall)
        found = policy.found
        params, grads = [policy.params], [found.gradient]
        fields = {"obs": policy.obs, "actions": policy.actions, "log_probs": policy.old_log_probs}
        fields["advantages"] = policy.advantages
        actives = [policy.active, last.active, made.active, made.stepping]
        if value is not None:
            params.append(value.params)
            grads.append(value.gradient)
            fields["returns"] = value.targets
            if value.old_values is not None:
                fields["values"] = value.old_values
            actives.append(value.active)
        places = {name: _place(figure, policy) for name, figure in made.figures.items()}
        repeats = (
            type(last.optimiser) is Adam
            and _same(last.optimiser.params, params)
            and _same(last.grads, grads)
            and _same(list(fields.values()), [getattr(batch, name) for name in fields])
            and (value is None or value.x is batch.obs)
            and all(each is active for each in actives)
            and all(call.network.num_blocks(batch.obs) == 1 for call in (policy, *values))
            and None not in places.values()
        )
        known = {name: place for name, place in places.items() if place is not None}
        return cls(policy, value, last.optimiser, known) if repeats else None

    def repeated(self, minibatches: Minibatches, first: int, active: Tensor) -> Step:
        """Make the steps of the minibatches from number ``first`` on."""
        call, mask = self.policy, active.numpy()

        def numbers(setting: float) -> np.ndarray:
            return per_seed(setting, mask.size)

        def field(name: str) -> np.ndarray:
            return as_array(minibatches.stacked(name).to(call.params.dtype))

        policy = PolicyPart(
            call.network,
            field("actions"),
            field("log_probs"),
            field("advantages"),
            call.spread,
            *map(numbers, call.clip_range),
            numbers(call.ent_coef),
        )
        value = None
        if self.value is not None:
            values = np.empty((len(minibatches), 0, 0), policy.advantages.dtype)
            if self.value.old_values is not None:
                values = field("values")
            value = ValuePart(
                self.value.network, field("returns"), values, numbers(self.value.clip), numbers(self.value.weight)
            )
        adam = AdamPart(*self.optimiser.memory, self.optimiser.numbers(mask.size))
        sums = steps(first, field("obs"), policy, value, adam, mask)
        found = list(means(sums, policy.advantages.shape[2], policy.ent_coefs, policy.advantages.dtype))
        figures = {name: found[place] for name, place in self.places.items()}
        return Step(active, active, figures, count=len(minibatches) - first)


def _same(some: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    """Whether both have the same tensors, not only equal ones."""
    return len(some) == len(others) and all(one is other for one, other in zip(some, others, strict=True))


def _place(figure: Tensor, policy: PolicyGradientCall) -> int | None:
    """The number of a figure among the policy gradient's results; None if it is not one of them."""
    known = getattr(figure, "known_gradient", None)
    if known is not None and known[1] is policy.found.gradient:
        return 0
    return next((place for place, result in enumerate(policy.found) if figure is result), None)
