"""The promises that every variant must keep, as checks for a user's tests.

A check takes a composed config as plain data. It raises :class:`Broken` if a promise does not hold. It keeps the
settings of the config, but trains small tasks of its own for a few iterations.
"""

import copy
import math
import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from algos.build import make_trainer
from algos.config import Config, Section
from algos.core.checkpoint import State
from algos.core.loop import Trainer
from algos.rows import numbers_per_row, together

Content = Mapping[str, Any]
Rows = list[dict[str, np.ndarray]]

TASKS = {"discrete": "CartPole-v1", "continuous": "Pendulum-v1"}
"""Both can be saved during an episode."""

PROBES = ("BestAction", "Observed", "Delayed")
MOST_ITERATIONS = 300
"""Number of iterations in which a variant must solve a task of one or two steps."""


class Broken(AssertionError):
    """A promise that a variant does not keep. The message says which one, and where to look."""


def draws_only_from_its_streams(content: Content) -> None:
    """Updates leave the states of the global random generators as they were."""
    for form in TASKS:
        trainer = made(content, form, num_seeds=2)
        update = trainer.algorithm.update

        def watched(*arguments: Any, update: Any = update) -> Any:
            before = generator_states()
            result = update(*arguments)
            for name, state in generator_states().items():
                if state != before[name]:
                    raise Broken(
                        f"update draws from the global generator of {name}, which all seeds share; "
                        "draw from run.streams(PURPOSE) instead"
                    )
            return result

        trainer.algorithm.update = watched  # type: ignore[method-assign, assignment]
        train(trainer)


def a_seed_alone_has_the_bytes_that_it_has_among_others(content: Content) -> None:
    """A seed alone has the same bytes as among others, also with another number of threads."""
    for form in TASKS:
        alone = train(made(content, form, seed=1, num_seeds=1))
        among = train(made(content, form, seed=0, num_seeds=3))
        same(alone, 0, among, 1, "alone and among three seeds", "update may mix seeds: is it reduced over S?")
        threads = train(made(content, form, seed=1, num_seeds=1, threads=2))
        same(alone, 0, threads, 0, "with one thread and with two", "is a sum split by the number of threads?")


def a_run_that_is_killed_goes_on_with_the_same_bytes(content: Content) -> None:
    """A run that was killed continues with the same bytes: later iterations depend on the saved state only."""
    for form in TASKS:
        whole = train(made(content, form, num_seeds=2))
        killed = made(content, form, num_seeds=2)
        first = [next(iter(killed)).stats for _ in range(2)]
        resumed = made(content, form, num_seeds=2)
        resumed.load_state_dict({name: np.array(value) for name, value in killed.state_dict().items()})
        rows = first + train(resumed)
        for seed in range(2):
            same(whole, seed, rows, seed, "never killed and resumed", "is there state that state_dict leaves out?")


def a_stopped_seed_stays_as_it_is(content: Content) -> None:
    """A stopped seed keeps its parameters and all its state. The other seeds continue as if nothing had happened."""
    for form in TASKS:
        free, frozen = made(content, form, num_seeds=2), made(content, form, num_seeds=2)
        rows = {}
        for name, trainer in {"free": free, "frozen": frozen}.items():
            rows[name] = [next(iter(trainer)).stats]
            before = copied(trainer)
            trainer.running[1] = name == "free"
            rows[name] += train(trainer)
        for name, value in copied(frozen).items():
            if name.startswith("run.streams") or name in ("running", "next_iteration") or not of_seeds(name, value):
                continue
            if not np.array_equal(value[1], before[name][1], equal_nan=True):
                raise Broken(
                    f"on {TASKS[form]}, {name} of a seed that has stopped moves; "
                    "update may change the seeds where active alone"
                )
        same(
            rows["free"],
            0,
            rows["frozen"],
            0,
            "beside a running seed and beside a stopped one",
            "does update mix them?",
        )


def what_is_not_finite_stays_in_its_seed(content: Content) -> None:
    """A seed with NaN rewards is stopped. The others have the same bytes as without it."""
    for form in TASKS:
        healthy, ill = made(content, form, num_seeds=2), made(content, form, num_seeds=2)
        collect = ill.collector.collect

        def poisoned(policy: Any, collect: Any = collect, ill: Trainer = ill) -> Any:
            transitions = collect(policy)
            rewards = transitions.rewards.copy()
            rewards[1] = math.nan if ill.next_iteration == 1 else rewards[1]
            return replace(transitions, rewards=rewards)

        ill.collector.collect = poisoned  # type: ignore[method-assign]
        rows = train(ill)
        if ill.running.tolist() != [True, False]:
            raise Broken(
                f"on {TASKS[form]}, NaN among the rewards of one seed stops {(~ill.running).sum()} of two seeds"
            )
        same(train(healthy), 0, rows, 0, "beside a healthy seed and beside one with NaN", "does update mix them?")


def settings_may_differ_from_row_to_row(content: Content) -> None:
    """Two runs with different numbers (``PerRow``) in one process have the bytes that each has alone."""
    for form in TASKS:
        one, other = sized(content, form, num_seeds=1), sized(varied(content), form, seed=1, num_seeds=2)
        numbers = ", ".join(key for key, _ in numbers_per_row(one.algo, "algo."))
        try:
            rows = train(make_trainer(together([one, other])))
        except Exception as error:
            raise Broken(
                f"with settings that differ between rows: {type(error).__name__}: {error}; code may calculate with "
                f"{numbers} and may branch on whether they are zero; or take PerRow from the one that cannot differ"
            ) from error
        hint = f"do {numbers} reach every row by themselves? A setting that cannot is no PerRow"
        same(train(make_trainer(one)), 0, rows, 0, "alone and beside a run with other settings", hint)
        alone = train(make_trainer(other))
        for seed in range(2):
            same(alone, seed, rows, seed + 1, "alone and beside a run with other settings", hint)


def every_setting_is_read(content: Content) -> None:
    """Every setting is read. A setting that nothing reads would change nothing, whatever its value."""
    ignored: set[str] | None = None
    for form in TASKS:
        config = sized(content, form, num_seeds=2)
        with recorded(config.algo) as read:
            train(make_trainer(config))
        unread = {
            name
            for name in type(config.algo).model_fields
            if name not in read and name not in ("name", "target") and getattr(config.algo, name) is not None
        }
        ignored = unread if ignored is None else ignored & unread
    if ignored:
        raise Broken(f"nothing reads algo.{', algo.'.join(sorted(ignored))}; use it, or take it out of Settings")


def the_probe_tasks_are_solved(content: Content) -> None:
    """Small tasks are solved: find the best action, use the observation, wait for a later reward."""
    for probe in PROBES:
        for form in TASKS:
            trainer = make_trainer(probe_config(content, probe, form))
            for _ in trainer:
                if trainer.next_iteration % 10 == 0 and solved(trainer, probe, form):
                    break
            else:
                raise Broken(
                    f"{probe}, {form}: not solved in {MOST_ITERATIONS} iterations; look at the sign of the loss, "
                    "and at which advantage belongs to which action"
                )


CHECKS: dict[str, Callable[[Content], None]] = {
    check.__name__.replace("_", " "): check
    for check in (
        draws_only_from_its_streams,
        a_seed_alone_has_the_bytes_that_it_has_among_others,
        a_run_that_is_killed_goes_on_with_the_same_bytes,
        a_stopped_seed_stays_as_it_is,
        what_is_not_finite_stays_in_its_seed,
        settings_may_differ_from_row_to_row,
        every_setting_is_read,
        the_probe_tasks_are_solved,
    )
}
"""The checks, by the name of their promise."""


def sized(content: Content, form: str, **changes: Any) -> Config:
    """The config with a small task of ``form``: four iterations, and minibatches of a few samples."""
    own = copy.deepcopy(dict(content))
    parts = math.lcm(*(own[key].get("num_minibatches", 1) for key in ("algo", "critic")))
    env: dict[str, Any] = {"id": TASKS[form], "kwargs": {}, "module": None, "max_episode_steps": 20}
    own["env"] |= {**env, "rescale_actions": False, "vectorization": "auto"}
    own["policy"] |= {"squash": "none"} if "squash" in own["policy"] else {}
    sizes = {"seed": 0, "num_envs": 4, "num_steps": parts * math.ceil(32 / parts), "iterations": 4, "threads": 1}
    own |= {**sizes, "device": "cpu", "evaluation": {"interval": None, "episodes": 1}, **changes}
    return Config.model_validate({name: own[name] for name in Config.model_fields})


def varied(content: Content) -> Content:
    """The config with another valid value for every number that may differ from row to row."""
    own = copy.deepcopy(dict(content))
    config = Config.model_validate({name: own[name] for name in Config.model_fields})
    for key, value in numbers_per_row(config):
        *sections, name = key.split(".")
        section = own
        for each in sections:
            section = section[each]
        section[name] = 0.9 * value if value < 1 else 1.1 * value
    return own


def made(content: Content, form: str, **changes: Any) -> Trainer:
    """A run of the :func:`sized` config, ready to iterate."""
    return make_trainer(sized(content, form, **changes))


def probe_config(content: Content, probe: str, form: str) -> Config:
    """A run on a probe task, with enough iterations to solve it."""
    config = sized(content, form, num_seeds=2, iterations=MOST_ITERATIONS, gamma=0.5)
    env = {"id": f"probe/{probe}-{form}-v0", "module": "algos.envs.probe_tasks", "max_episode_steps": None}
    return config.model_copy(update={"env": config.env.model_copy(update=env)})


def solved(trainer: Trainer, probe: str, form: str) -> bool:
    """Whether both seeds prefer the right choice for both values of the distractor.

    A discrete policy must choose it with a high probability. A continuous policy must act near 1/2 or -1/2.
    """
    cases = [([0.0, 0.0], 1.0)]
    if probe == "Observed":
        cases = [([distractor, sign], sign) for distractor in (-1.0, 1.0) for sign in (-1.0, 1.0)]
    for obs, sign in cases:
        seen = np.tile(np.asarray(obs, trainer.collector.dtype), (2, 1, 1))
        distribution: Any = trainer.policy.distribution(torch.as_tensor(trainer.policy.obs_normaliser(seen)))
        if form == "continuous":
            preference = distribution.mode()[:, 0, 0] * sign
            good = (preference > 0.2) & (preference < 0.8)
        else:
            probabilities = distribution.logits.softmax(-1)[:, 0]
            good = (probabilities[:, 1] - probabilities[:, 0]) * sign > 0.6
        if not bool(good.all()):
            return False
    return True


def train(trainer: Trainer) -> Rows:
    """Train to the end. Returns the reports of the iterations."""
    return [iteration.stats for iteration in trainer]


def same(one: Rows, one_seed: int, other: Rows, other_seed: int, when: str, hint: str) -> None:
    """Check that a seed's numbers are the same bits in two runs.

    Raises:
        Broken: They are not.
    """
    for number, (left, right) in enumerate(zip(one, other, strict=True)):
        names = [
            name for name in left if left[name][one_seed].tobytes() != np.asarray(right[name][other_seed]).tobytes()
        ]
        if names:
            raise Broken(f"{when}, a seed differs in {', '.join(names[:3])} from iteration {number} on; {hint}")


def copied(trainer: Trainer) -> State:
    """A copy of the current state."""
    return {name: np.array(value) for name, value in trainer.state_dict().items()}


def of_seeds(name: str, value: np.ndarray) -> bool:
    """Whether a part of the state belongs to the learning seeds, with one row per seed."""
    return name.startswith(("policy.params", "critic.params", "run.optimiser", "algorithm.")) and value.ndim > 0


def generator_states() -> dict[str, Any]:
    """The states of the global generators as comparable values."""
    return {
        "torch": torch.get_rng_state().numpy().tobytes(),
        "numpy": str(np.random.get_state()),  # noqa: NPY002
        "random": random.getstate(),
    }


@contextmanager
def recorded(settings: Section) -> Iterator[set[str]]:
    """Yield a set that collects the names of the fields of ``settings`` that are read in the context."""
    read: set[str] = set()
    own = type(settings)

    def noted(self: Any, name: str) -> Any:
        read.add(name)
        return own.__getattribute__(self, name)

    settings.__class__ = type(own.__name__, (own,), {"__getattribute__": noted})
    try:
        yield read
    finally:
        settings.__class__ = own
