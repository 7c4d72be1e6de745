"""A stacked network of ``torch.nn.Module``s, one for each seed."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from threading import Lock
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from algos.core.module_trial import ModuleError, trainable_parameters, try_out
from algos.core.seed_threads import each_seed

CHUNK_ROWS = 1024
"""Number of samples in one call of a module. It bounds the memory of a gradient."""

KEEP_BYTES = 2**29
"""Memory that a forward pass of all seeds may keep for its gradient. Otherwise the backward pass repeats it."""

Graph = tuple[Tensor, Tensor]
"""Parameters ``[seeds, P]`` as a leaf, and the differentiable outputs of a chunk."""

_FORWARD_MODE = Lock()
"""Two threads must not differentiate in forward mode at the same time: PyTorch has one level for the whole process."""


class ModuleNetwork:
    """The modules of all seeds as one :class:`algos.core.network.Network`. No kernel computes it.

    A module maps samples ``[B, *observation_shape]`` to outputs ``[B, num_outputs]``. Its trainable parameters, in the
    order of ``named_parameters()``, are one row of the flat parameters. Buffers and frozen parameters stay as they were
    when the module was made.

    On the CPU each seed is computed alone, by one thread, in chunks of ``CHUNK_ROWS``. This is because PyTorch's
    operators round a number by its place in a tensor, by the tensor's shape and by the number of threads. So a seed has
    the same bits alone and among others. They still depend on B, on the processor and on PyTorch's version. On other
    devices ``torch.func.vmap`` computes all seeds at once, and bits may differ.

    Raises:
        ModuleError: A module has no trainable parameters, has outputs of a wrong shape, draws random numbers when it is
            called (as Dropout), changes its buffers or mixes samples (as BatchNorm), or has parameters of other shapes
            than another seed's module.
    """

    compiled = None

    def __init__(
        self,
        modules: Sequence[nn.Module],
        observation_shape: tuple[int, ...],
        num_outputs: int,
        dtype: torch.dtype,
        device: torch.device | str,
    ) -> None:
        self.observation_shape = observation_shape
        self.num_outputs = num_outputs
        self._modules = [module.to(dtype) for module in modules]
        trainable = [trainable_parameters(module) for module in modules]
        self._shapes = {name: parameter.shape for name, parameter in trainable[0].items()}
        for others in trainable:
            if {name: parameter.shape for name, parameter in others.items()} != self._shapes:
                raise ModuleError("has parameters of other shapes for another seed; expected: the same for every seed")
        self._trial = try_out(modules[0], observation_shape, num_outputs)
        for module in modules:
            module.to(device)
        self.num_params = sum(shape.numel() for shape in self._shapes.values())
        # A module's parameters become views of its own block, whose alignment does not depend on the other seeds.
        self._rows = [torch.cat([p.detach().flatten() for p in parameters.values()]) for parameters in trainable]
        for row, parameters in zip(self._rows, trainable, strict=True):
            for parameter, part in zip(parameters.values(), self._parts(row).values(), strict=True):
                parameter.requires_grad_(False).data = part
        self.initial_params = torch.stack(self._rows)

    def __call__(self, params: Tensor, x: Tensor, active: Tensor | None = None) -> Tensor:
        """Outputs ``[S, B, out]`` at ``x [S, B, D]``; differentiable once, in ``params [S, P]`` alone."""
        if torch.is_grad_enabled() and params.requires_grad:
            return _Forward.apply(params, x, active, self)
        return self._by_seed(self._outputs, self._output_shape(x), active, params, x)

    def vjp(self, params: Tensor, cotangents: Tensor, x: Tensor, active: Tensor | None = None) -> Tensor:
        """Gradient ``[S, P]`` of ``sum(cotangents * outputs)``, with ``cotangents [S, B, out]``."""
        return self._by_seed(self._vjp, params.shape, active, params, x, cotangents)

    def jvp(self, params: Tensor, tangents: Tensor, x: Tensor, active: Tensor | None = None) -> Tensor:
        """Derivative ``[S, B, out]`` of the outputs along ``tangents [S, P]`` of the parameters."""
        function = self._jvp if self._trial.differentiable_twice else self._forward_jvp
        return self._by_seed(function, self._output_shape(x), active, params, x, tangents)

    def _by_seed(
        self,
        function: Callable[..., Tensor],
        shape: Sequence[int],
        active: Tensor | None,
        params: Tensor,
        x: Tensor,
        *others: Tensor,
    ) -> Tensor:
        """Results ``[S, ...]`` of ``function(seeds, *rows)``; zero for seeds that are not active.

        The rows are those of ``params``, ``x`` and ``others``. On the CPU there is one call for each seed.
        """
        # Indexing below copies a seed's rows, so their alignment does not depend on the other seeds.
        tensors = [tensor.detach() for tensor in (params, x, *others)]
        seeds = list(range(len(params))) if active is None else torch.nonzero(active).flatten().tolist()
        results = torch.zeros(*shape, dtype=params.dtype, device=params.device)

        def work(seeds: list[int]) -> None:
            results[seeds] = function(seeds, *(tensor[seeds] for tensor in tensors))

        if params.device.type == "cpu":
            each_seed(lambda s: work([s]), seeds, x.shape[1] * self.num_params)
        elif seeds:
            work(seeds)
        return results

    def _output_shape(self, x: Tensor) -> tuple[int, ...]:
        return (*x.shape[:2], self.num_outputs)

    def _outputs(self, seeds: list[int], params: Tensor, x: Tensor) -> Tensor:
        """Outputs ``[seeds, B, out]`` without a graph."""
        if len(seeds) > 1:
            return torch.cat([self._call(seeds, params, part) for part in x.split(CHUNK_ROWS, 1)], dim=1)
        # Calling the module itself takes half the time of a functional call, which matters in rollouts.
        self._rows[seeds[0]].copy_(params[0])
        module = self._modules[seeds[0]]
        parts = x[0].view(-1, *self.observation_shape).split(CHUNK_ROWS)
        return torch.cat([module(part) for part in parts])[None]

    def _graphs(self, seeds: list[int], params: Tensor, x: Tensor) -> Iterator[Graph]:
        """Yield the graph of each chunk."""
        for part in x.split(CHUNK_ROWS, 1):
            leaf = params.clone().requires_grad_()
            with torch.enable_grad():
                outputs = self._call(seeds, leaf, part)
            yield leaf, outputs

    def _vjp(self, seeds: list[int], params: Tensor, x: Tensor, cotangents: Tensor) -> Tensor:
        return _pull_back(self._graphs(seeds, params, x), cotangents)

    def _jvp(self, seeds: list[int], params: Tensor, x: Tensor, tangents: Tensor) -> Tensor:
        """J·t as the derivative of vᵀJt with respect to v: two backward passes.

        Unlike forward mode, threads can do this at the same time, and more of PyTorch's operators support it.
        """
        parts = []
        for leaf, outputs in self._graphs(seeds, params, x):
            with torch.enable_grad():
                v = torch.zeros_like(outputs, requires_grad=True)
                (product,) = torch.autograd.grad(outputs, leaf, v, create_graph=True)
            parts.append(torch.autograd.grad(product, v, tangents)[0])
        return torch.cat(parts, dim=1)

    def _forward_jvp(self, seeds: list[int], params: Tensor, x: Tensor, tangents: Tensor) -> Tensor:
        """J·t in forward mode, for operators without a second derivative."""
        with _FORWARD_MODE:
            parts = [
                torch.func.jvp(partial(self._call, seeds, x=part), (params,), (tangents,))[1]
                for part in x.split(CHUNK_ROWS, 1)
            ]
        return torch.cat(parts, dim=1)

    def _call(self, seeds: list[int], params: Tensor, x: Tensor) -> Tensor:
        """Outputs ``[seeds, rows, out]`` as a function of ``params [seeds, P]``, at ``x [seeds, rows, D]``."""
        x = x.reshape(*x.shape[:2], *self.observation_shape)
        if len(seeds) == 1:
            return functional_call(self._modules[seeds[0]], self._parts(params[0]), (x[0],))[None]
        module = self._modules[seeds[0]]
        constants = [self._constants(self._modules[s]) for s in seeds]
        stacked = {name: torch.stack([each[name] for each in constants]) for name in constants[0]}

        def call(row: Tensor, constants: dict[str, Tensor], x: Tensor) -> Tensor:
            return functional_call(module, self._parts(row) | constants, (x,))

        return vmap(call)(params, stacked, x)

    def _constants(self, module: nn.Module) -> dict[str, Tensor]:
        """Buffers and frozen parameters, by name."""
        frozen = {name: p.detach() for name, p in module.named_parameters() if name not in self._shapes}
        return frozen | dict(module.named_buffers())

    def _parts(self, row: Tensor) -> dict[str, Tensor]:
        """One seed's parameters by name, as views of ``row [P]``."""
        parts = row.split([shape.numel() for shape in self._shapes.values()])
        return {name: part.view(shape) for (name, shape), part in zip(self._shapes.items(), parts, strict=True)}


class _Forward(torch.autograd.Function):
    """The forward pass. It keeps each chunk's graph for the backward pass, within ``KEEP_BYTES``."""

    @staticmethod
    def forward(ctx: Any, params: Tensor, x: Tensor, active: Tensor | None, network: ModuleNetwork) -> Tensor:
        ctx.save_for_backward(params, x)
        ctx.active, ctx.network, ctx.graphs = active, network, {}

        def keep(seeds: list[int], params: Tensor, x: Tensor) -> Tensor:
            ctx.graphs[seeds[0]] = list(network._graphs(seeds, params, x))
            return torch.cat([outputs.detach() for _, outputs in ctx.graphs[seeds[0]]], dim=1)

        count = len(params) if active is None else int(active.sum())
        small = count * x.shape[1] * network._trial.bytes_per_row <= KEEP_BYTES
        return network._by_seed(keep if small else network._outputs, network._output_shape(x), active, params, x)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, cotangents: Tensor) -> tuple[Tensor, None, None, None]:
        params, x = ctx.saved_tensors

        def kept(seeds: list[int], _params: Tensor, _x: Tensor, cotangents: Tensor) -> Tensor:
            return _pull_back(ctx.graphs[seeds[0]], cotangents)

        function = kept if ctx.graphs else ctx.network._vjp
        gradient = ctx.network._by_seed(function, params.shape, ctx.active, params, x, cotangents)
        return gradient, None, None, None


def _pull_back(graphs: Iterable[Graph], cotangents: Tensor) -> Tensor:
    """Gradients ``[seeds, P]`` of ``sum(cotangents * outputs)``, summed over chunks."""
    total = None
    for (leaf, outputs), part in zip(graphs, cotangents.split(CHUNK_ROWS, 1), strict=True):
        (gradient,) = torch.autograd.grad(outputs, leaf, part, retain_graph=True)
        total = gradient if total is None else total + gradient
    assert total is not None
    return total
