"""Checks before training that a ``torch.nn.Module`` can be a stacked network."""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call

TRIAL_ROWS = 4


class ModuleError(ValueError):
    """A module cannot be a stacked network. The message is one line that continues after the module's name."""


class Trial(NamedTuple):
    """What the trial of a module measured."""

    bytes_per_row: float  # memory that one sample's graph keeps
    differentiable_twice: bool


def trainable_parameters(module: nn.Module) -> dict[str, nn.Parameter]:
    """The parameters that are not frozen, by name."""
    return {name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad}


def try_out(module: nn.Module, observation_shape: tuple[int, ...], num_outputs: int) -> Trial:
    """Check that each output of a module is a differentiable function of one sample and the parameters alone.

    Raises:
        ModuleError: It is not.
    """
    parameters = trainable_parameters(module)
    if not parameters:
        raise ModuleError("has no trainable parameters; expected: at least one")
    like = next(iter(parameters.values()))
    generator = torch.Generator().manual_seed(0)

    def normal(shape: tuple[int, ...]) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=like.dtype).to(like.device)

    # Layers that begin at zero would hide what comes before them.
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
        raise ModuleError(f"maps observations {list(x.shape)} to {got}; expected: {[TRIAL_ROWS, num_outputs]}")
    if not torch.equal(torch.get_rng_state(), generator_before):
        raise ModuleError("draws random numbers when it is called, as Dropout does; expected: none")
    for name, buffer in module.named_buffers():
        if not torch.equal(buffer, buffers[name]):
            raise ModuleError(
                f"changes its buffer {name} when it is called, as BatchNorm does; expected: constant buffers"
            )
    if not _has_gradient(outputs, moved.values()):
        raise ModuleError("has outputs without a gradient to any parameter; expected: differentiable outputs")
    by_all = sum(tensor.nbytes for tensor in saved)
    half = call(x[: TRIAL_ROWS // 2])
    by_half = sum(tensor.nbytes for tensor in saved)
    if not torch.equal(call(x), outputs):
        raise ModuleError("has other outputs when it is called again; expected: a function of the observations alone")
    if not torch.allclose(half, outputs[: TRIAL_ROWS // 2], rtol=1e-3, atol=1e-4):
        raise ModuleError("mixes the samples of a batch, as BatchNorm does; expected: LayerNorm, GroupNorm or none")
    return Trial((by_all - by_half) / (TRIAL_ROWS - TRIAL_ROWS // 2), _differentiable_twice(half, moved.values()))


def _has_gradient(outputs: Tensor, leaves: Iterable[Tensor]) -> bool:
    """Whether the outputs have a gradient with respect to any of the leaves."""
    if not outputs.requires_grad:
        return False
    gradients = torch.autograd.grad(outputs.sum(), list(leaves), retain_graph=True, allow_unused=True)
    return any(gradient is not None for gradient in gradients)


def _differentiable_twice(outputs: Tensor, leaves: Iterable[Tensor]) -> bool:
    """Whether all operators of the graph have a second derivative. A few of PyTorch's have none."""
    with torch.enable_grad():
        v = torch.zeros_like(outputs, requires_grad=True)
        products = torch.autograd.grad(outputs, list(leaves), v, create_graph=True, allow_unused=True)
        used = [product for product in products if product is not None]
        try:
            torch.autograd.grad(used, v, [torch.ones_like(product) for product in used])
        except RuntimeError:
            return False
    return True
