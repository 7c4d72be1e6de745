"""The networks of all seeds from their settings, and their initial parameters."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

from algos.config import MODULE_ARGUMENTS, LayersConfig, ModuleConfig
from algos.core.module_trial import ModuleError
from algos.core.modules import ModuleNetwork
from algos.core.network import Network
from algos.core.networks import MLP, init_orthogonal, init_torch_default
from algos.core.plain_mlp import plain_mlp
from algos.core.seeded_modules import make_modules
from algos.parts import PartError, find_class
from algos.per_row import per_seed
from algos.streams import stream


def make_network(
    settings: LayersConfig | ModuleConfig,
    observation_shape: tuple[int, ...],
    num_outputs: int,
    seeds: Sequence[int],
    purpose: str,
    dtype: torch.dtype,
    device: str,
) -> tuple[Network, np.ndarray]:
    """One network for all ``seeds``, and its initial parameters ``[S, P]``, float64.

    The parameters are drawn from the streams of ``purpose``.

    Raises:
        PartError: A module cannot be a network; the message is one line.
    """
    if isinstance(settings, ModuleConfig):
        network = _of_modules(settings, observation_shape, num_outputs, seeds, purpose, dtype, device)
        return network, network.initial_params.cpu().double().numpy()
    sizes = (int(np.prod(observation_shape)), *settings.hidden, num_outputs)
    initial = _initial(settings, sizes, seeds, purpose)
    if settings.activation == "relu" or settings.activation == "tanh":
        return MLP(sizes, settings.activation), initial
    return plain_mlp(sizes, settings.activation, len(seeds), dtype, device), initial


def _of_modules(
    settings: ModuleConfig,
    observation_shape: tuple[int, ...],
    num_outputs: int,
    seeds: Sequence[int],
    purpose: str,
    dtype: torch.dtype,
    device: str,
) -> ModuleNetwork:
    given = dict(zip(MODULE_ARGUMENTS, (observation_shape, num_outputs), strict=True))
    make = partial(find_class(settings.target), **given, **settings.arguments)
    try:
        modules = make_modules(make, [stream(seed, purpose) for seed in seeds], observation_shape)
        return ModuleNetwork(modules, observation_shape, num_outputs, dtype, device)
    except ModuleError as error:
        raise PartError(f"{settings.target} {error}") from error


def _initial(settings: LayersConfig, sizes: Sequence[int], seeds: Sequence[int], purpose: str) -> np.ndarray:
    rows = list(zip(seeds, per_seed(settings.last_layer_scale, len(seeds)).tolist(), strict=True))
    if settings.init == "torch":
        return np.stack([init_torch_default(sizes, stream(s, purpose), scale) for s, scale in rows])
    gain = 2.0**0.5
    return np.stack([init_orthogonal(sizes, stream(s, purpose), gain, scale) for s, scale in rows])
