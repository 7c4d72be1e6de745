"""Holds a ``torch.nn.Module`` against what is asked of a network, before anything is trained."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

TRIAL_ROWS = 4


class ModuleError(ValueError):
    """A module that cannot be a network of stacked seeds; the message is one line, to follow the module's name."""


class Trial(NamedTuple):
    """What a module showed."""

    bytes_per_row: float  # that the graph of a sample keeps
    differentiable_twice: bool


def trainable_parameters(module: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters by name, less frozen ones."""
    return {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}


def try_out(module: nn.Module, observation_shape: tuple[int, ...], num_outputs: int) -> Trial:
    """Call a module, whose outputs may depend on the sample and the parameters alone.

    Its parameters are moved at random for the trial, so that layers which begin at zero hide nothing.

    Raises:
        ModuleError: saying what else they depend on, or what is wrong with them.
    """
    parameters = trainable_parameters(module)
    if not parameters:
        raise ModuleError("has no trainable parameters; expected at least one")
    like = next(iter(parameters.values()))
    generator = torch.Generator().manual_seed(0)

    def normal(shape: tuple[int, ...]) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=like.dtype).to(like.device)

    moved = {name: (p.detach() + 0.1 * normal(p.shape)).requires_grad_() for name, p in parameters.items()}
    saved: list[Tensor] = []

    def call(x: Tensor) -> Tensor:
        saved.clear()
        with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            return functional_call(module, moved, (x,))

    def keep(tensor: Tensor) -> Tensor:
        saved.append(tensor)
        return tensor

    x = normal((TRIAL_ROWS, *observation_shape))
    buffers = {name: buffer.clone() for name, buffer in module.named_buffers()}
    generator_before = torch.get_rng_state()
    try:
        outputs = call(x)
    except Exception as error:
        raise ModuleError(f"fails on observations {list(x.shape)}: {' '.join(str(error).split())}") from error
    if not isinstance(outputs, Tensor) or outputs.shape != (TRIAL_ROWS, num_outputs):
        got = list(outputs.shape) if isinstance(outputs, Tensor) else f"a {type(outputs).__name__}"
        raise ModuleError(f"maps observations {list(x.shape)} to {got}; expected {[TRIAL_ROWS, num_outputs]}")
    if not torch.equal(torch.get_rng_state(), generator_before):
        raise ModuleError("draws random numbers when it is called, as Dropout does; expected none")
    for name, buffer in module.named_buffers():
        if not torch.equal(buffer, buffers[name]):
            raise ModuleError(f"changes its buffer {name} when it is called, as BatchNorm does; expected constants")
    if not _reached(outputs, moved.values()):
        raise ModuleError("has outputs that no gradient flows from to its parameters; expected differentiable ones")
    by_all = sum(tensor.nbytes for tensor in saved)
    half = call(x[: TRIAL_ROWS // 2])
    by_half = sum(tensor.nbytes for tensor in saved)
    if not torch.equal(call(x), outputs):
        raise ModuleError("has other outputs when it is called again; expected a function of the observations alone")
    if not torch.allclose(half, outputs[: TRIAL_ROWS // 2], rtol=1e-3, atol=1e-4):
        raise ModuleError("mixes the samples of a batch, as BatchNorm does; expected LayerNorm, GroupNorm or none")
    return Trial((by_all - by_half) / (TRIAL_ROWS - TRIAL_ROWS // 2), _differentiable_twice(half, moved.values()))


def _reached(outputs: Tensor, leaves: Iterable[Tensor]) -> bool:
    """Whether a gradient flows from the outputs to any of the leaves."""
    if not outputs.requires_grad:
        return False
    gradients = torch.autograd.grad(outputs.sum(), list(leaves), retain_graph=True, allow_unused=True)
    return any(gradient is not None for gradient in gradients)


def _differentiable_twice(outputs: Tensor, leaves: Iterable[Tensor]) -> bool:
    """Whether all operators of the graph have a second derivative; a few of PyTorch's have none."""
    with torch.enable_grad():
        v = torch.zeros_like(outputs, requires_grad=True)
        products = torch.autograd.grad(outputs, list(leaves), v, create_graph=True, allow_unused=True)
        used = [product for product in products if product is not None]
        try:
            torch.autograd.grad(used, v, [torch.ones_like(product) for product in used])
        except RuntimeError:
            return False
    return True
