"""Modules with an initialisation that depends only on their seed's stream."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy

from algos.core.module_trial import ModuleError


def make_modules(
    make: Callable[[], nn.Module], generators: Sequence[np.random.Generator], observation_shape: tuple[int, ...]
) -> list[nn.Module]:
    """One module of ``make()`` for each generator. Its initial parameters depend on the generator alone.

    Each generator seeds the global generators of PyTorch, NumPy and Python, which are restored in the end. Lazy
    parameters are initialised by one call.

    Raises:
        ModuleError: ``make`` raises an error, or does not return a module.
    """
    modules = []
    with _global_generators_restored():
        for generator in generators:
            seed = int(generator.integers(2**32))
            torch.default_generator.manual_seed(seed)
            np.random.seed(seed)  # noqa: NPY002  # the one that a module may draw from
            random.seed(seed)
            try:
                module = make()
                if isinstance(module, nn.Module) and any(map(is_lazy, module.parameters())):
                    module(torch.zeros(1, *observation_shape))
            except Exception as error:
                text = " ".join(str(error).split())
                raise ModuleError(f"cannot be made: {type(error).__name__}: {text}") from error
            if not isinstance(module, nn.Module):
                raise ModuleError(f"is a {type(module).__name__}; expected: a torch.nn.Module")
            modules.append(module)
    return modules


@contextmanager
def _global_generators_restored() -> Iterator[None]:
    torch_state, numpy_state, python_state = torch.get_rng_state(), np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        yield
    finally:
        torch.set_rng_state(torch_state)
        np.random.set_state(numpy_state)  # noqa: NPY002
        random.setstate(python_state)
