"""The gradient steps of a pass over a rollout: one by one, or all minibatches in one compiled loop."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Self

import numpy as np
from torch import Tensor

from algos.core.batches import Batch, Minibatches
from algos.core.optimiser import Adam, OptimiserCall
from algos.core.recorded import MakeStep, Step
from algos.kernels.arguments import Setting, as_array, per_seed
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
        value: ErrorGradientCall | None = None
        match calls:
            case [PolicyGradientCall() as policy, OptimiserCall() as last]:
                pass
            case [PolicyGradientCall() as policy, ErrorGradientCall() as value, OptimiserCall() as last]:
                pass
            case _:
                return None
        optimiser, networks = last.optimiser, [policy.network]
        params, grads = [policy.params], [policy.found.gradient]
        used = [policy.obs, policy.actions, policy.old_log_probs, policy.advantages]
        given = [batch.obs, batch.actions, batch.log_probs, batch.advantages]
        actives = [policy.active, last.active, made.active, made.stepping]
        if value is not None:
            networks.append(value.network)
            params.append(value.params)
            grads.append(value.gradient)
            used += [value.x, value.targets]
            given += [batch.obs, batch.returns]
            if value.old_values is not None:
                used.append(value.old_values)
                given.append(batch.values)
            actives.append(value.active)
        places = {name: _place(figure, policy) for name, figure in made.figures.items()}
        known = {name: place for name, place in places.items() if place is not None}
        repeats = (
            _same(optimiser.params, params)
            and _same(last.grads, grads)
            and _same(used, given)
            and _same(actives, [active] * len(actives))
            and all(network.num_blocks(batch.obs) == 1 for network in networks)
            and len(known) == len(places)
        )
        return cls(policy, value, optimiser, known) if repeats and type(optimiser) is Adam else None

    def repeated(self, minibatches: Minibatches, first: int, active: Tensor) -> Step:
        """Make the steps of the minibatches from number ``first`` on."""
        dtype, mask = self.policy.params.dtype, active.numpy()

        def numbers(setting: Setting) -> np.ndarray:
            return per_seed(setting, mask.size)

        def field(name: str) -> np.ndarray:
            return as_array(minibatches.stacked(name).to(dtype))

        low, high = self.policy.clip_range
        policy = PolicyPart(
            network=self.policy.network,
            actions=field("actions"),
            old_log_probs=field("log_probs"),
            advantages=field("advantages"),
            spread=self.policy.spread,
            lows=numbers(low),
            highs=numbers(high),
            ent_coefs=numbers(self.policy.ent_coef),
        )
        value = None
        if self.value is not None:
            unclipped = np.empty((len(minibatches), 0, 0), policy.advantages.dtype)
            value = ValuePart(
                network=self.value.network,
                targets=field("returns"),
                old_values=unclipped if self.value.old_values is None else field("values"),
                clips=numbers(self.value.clip),
                factors=numbers(self.value.weight),
            )
        adam = AdamPart(*self.optimiser.memory, self.optimiser.numbers(mask.size))
        sums = steps(first, field("obs"), policy, value, adam, mask)
        found = means(sums, policy.advantages.shape[2], policy.ent_coefs, policy.advantages.dtype)
        figures = {name: found[place] for name, place in self.places.items()}
        return Step(active, active, figures, num_steps=len(minibatches) - first)


def _same(some: Sequence[Tensor], others: Sequence[Tensor]) -> bool:
    """Whether both have the same tensors, not only equal ones."""
    return len(some) == len(others) and all(one is other for one, other in zip(some, others, strict=True))


def _place(figure: Tensor, policy: PolicyGradientCall) -> int | None:
    """The number of a figure among the policy gradient's results; None if it is not one of them."""
    known = getattr(figure, "known_gradient", None)
    if known is not None and known[1] is policy.found.gradient:
        return 0
    return next((place for place, result in enumerate(policy.found) if figure is result), None)
